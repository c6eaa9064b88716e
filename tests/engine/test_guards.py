from __future__ import annotations

import pytest
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.domain.breaker import PROBES
from watchfloor.domain.regions import Gate, Verb

DOWN = Reply(status=503)
BUSY = Reply(body={"outcome": "transient", "code": "busy"})
#: So patient that the guard acts long before anybody is given up.
PATIENT = 'attempts = 100\nbackoff = "1ms"\nmax_backoff = "5ms"'
NO_BREAKER = "breaker_after = 0"


def shares(name="transient", share=0.2, at_least=10):
    """Return a guard over one class's share, and no breaker beside it."""
    when = f'class = "{name}", share = {share}, over = "5m", at_least = {at_least}'
    return f"[guard]\n{NO_BREAKER}\npause_when = {{ {when} }}"


def until_paused(floor, run_id):
    until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
    run = floor.view(run_id)
    assert run.gate_asked.by == "engine", run.gate_asked
    return run.gate_asked.why


@pytest.fixture
def other():
    """A provider that has nothing to do with the first."""
    with Provider() as serving:
        yield serving


def test_too_large_a_share_of_a_class_pauses_the_run_with_the_evidence(floor, provider):
    provider.otherwise = Reply(status=404)
    told = webhook(provider.url, permits=2, rest=shares("permanent"))
    run_id = floor.launched(told, ids(200))
    with floor.engine():
        why = until_paused(floor, run_id)
        sent = len(provider.arrivals)
        floor.rounds(run_id)

    assert why.startswith("permanent 100 % of ")
    assert why.endswith("attempts in 5m, limit 20 %")
    assert 10 <= sent == len(provider.arrivals) < 40
    assert floor.assert_books_hold(run_id).failed == sent


def test_a_share_within_the_limit_pauses_nobody(floor, provider):
    for contact in ids(100)[::10]:
        provider.replies[contact] = [Reply(status=404)]
    run_id = floor.launched(
        webhook(provider.url, permits=1, rest=shares("permanent")), ids(100)
    )

    floor.carried_out()

    assert floor.view(run_id).lifecycle.is_ended
    assert floor.assert_books_hold(run_id).failed == 10


def test_a_share_of_few_attempts_means_nothing(floor, provider):
    provider.otherwise = Reply(status=404)
    told = webhook(provider.url, rest=shares("permanent", at_least=10))
    run_id = floor.launched(told, ids(9))

    floor.carried_out()

    assert floor.assert_books_hold(run_id).failed == 9


def test_after_a_resume_only_what_comes_then_decides(floor, provider):
    provider.otherwise = Reply(status=404)
    told = webhook(provider.url, permits=2, rest=shares("permanent", share=0.1))
    run_id = floor.launched(told, ids(100))
    with floor.engine():
        until_paused(floor, run_id)
        provider.otherwise = Reply()
        floor.steered(Verb.RESUME, run_id)
        floor.until_ended(run_id)

    assert "pause" in floor.event_words(run_id)
    books = floor.assert_books_hold(run_id)
    assert books.delivered + books.failed == 100


@pytest.fixture
def three(floor, provider, other):
    """Two runs through one target and one through another, all of them busy."""
    guard = "[guard]\nbreaker_after = 8"
    provider.hold()
    other.hold()
    runs = {
        name: floor.launched(
            webhook(url, permits=2, retry=PATIENT, rest=guard, name=name), ids(20, name)
        )
        for name, url in (("a", provider.url), ("b", provider.url), ("c", other.url))
    }
    with floor.engine():
        until(lambda: (provider.at_once, other.at_once) == (4, 2))
        yield runs
        for serving in (provider, other):
            serving.let_go()


def test_a_silent_provider_pauses_every_run_of_its_target_and_no_other(
    floor, provider, other, three
):
    provider.otherwise = DOWN
    provider.replies = {one: [DOWN] for name in "ab" for one in ids(20, name)}
    provider.let_go()
    whys = [until_paused(floor, three[name]) for name in "ab"]
    sent = len(provider.arrivals)
    other.let_go()
    floor.until_ended(three["c"])

    for why in whys:
        assert why.startswith("the breaker of webhook ")
        assert "attempts in a row failed at the provider, last http_503" in why
        assert "check the provider, then resume" in why
    for name in "ab":
        floor.rounds(three[name])
        assert floor.assert_books_hold(three[name]).failed == 0
    assert len(provider.arrivals) == sent
    assert floor.assert_books_hold(three["c"]).delivered == 20


def test_each_run_of_the_target_is_resumed_by_a_person_of_its_own(
    floor, provider, three
):
    provider.replies = {one: [DOWN] for name in "ab" for one in ids(20, name)}
    provider.let_go()
    for name in "ab":
        until_paused(floor, three[name])
    provider.replies = {}
    floor.steered(Verb.RESUME, three["a"])
    floor.until_ended(three["a"])

    assert floor.assert_books_hold(three["a"]).delivered == 20
    assert floor.view(three["b"]).lifecycle.gate is Gate.PAUSED
    floor.steered(Verb.RESUME, three["b"])
    floor.until_ended(three["b"])
    assert floor.assert_books_hold(three["b"]).delivered == 20


def test_a_provider_that_is_still_silent_after_the_resume_is_found_out_soon(
    floor, provider
):
    provider.otherwise = DOWN
    rest = "[guard]\nbreaker_after = 30"
    run_id = floor.launched(
        webhook(provider.url, permits=1, retry=PATIENT, rest=rest), ids(200)
    )
    with floor.engine():
        until_paused(floor, run_id)
        first = len(provider.arrivals)
        floor.steered(Verb.RESUME, run_id)
        until(lambda: len(provider.arrivals) > first)
        until_paused(floor, run_id)
        again = len(provider.arrivals) - first

    # Twice the permits may be on their way when the breaker opens.
    assert 30 <= first <= 32
    assert PROBES <= again <= PROBES + 2
    floor.assert_books_hold(run_id)


def test_codes_that_speak_of_the_recipient_open_no_breaker(floor, provider):
    provider.replies = {one: [BUSY, BUSY, Reply()] for one in ids(20)}
    settings = 'codes = { busy = "transient" }'
    rest = "[guard]\nbreaker_after = 3"
    run_id = floor.launched(
        webhook(provider.url, settings, permits=2, retry=PATIENT, rest=rest), ids(20)
    )

    floor.carried_out()

    assert floor.assert_books_hold(run_id).delivered == 20


def test_a_run_without_a_breaker_goes_on_whatever_the_provider_does(floor, provider):
    provider.otherwise = DOWN
    retry = 'attempts = 3\nbackoff = "1ms"\nmax_backoff = "1ms"'
    rest = f"[guard]\n{NO_BREAKER}"
    run_id = floor.launched(webhook(provider.url, retry=retry, rest=rest), ids(60))

    floor.carried_out()

    assert floor.view(run_id).lifecycle.is_ended
    assert floor.assert_books_hold(run_id).failed == 60
