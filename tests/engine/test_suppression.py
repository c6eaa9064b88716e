from __future__ import annotations

import os

import pytest
from tests.support.floor import ids, posting_step, webhook
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.identity import contact_digest
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, RunOutcome, Verb
from watchfloor.store.reads.rejects import rejects

S = RecordState
LISTED = 'suppression = ["suppression/global.csv"]'
HOUR = 'backoff = "1h"\nmax_backoff = "1h"'
BUSY = Reply(status=503)
LATER = Reply(body={"outcome": "callback", "due_at": "2099-01-01T09:00:00+00:00"})
DUE = "2099-01-01T09:00:01+00:00"


@pytest.fixture
def texts():
    """The provider of the second step."""
    with Provider() as serving:
        yield serving


@pytest.fixture
def listed(floor):
    """Write the list that a campaign names."""
    folder = floor.layout.root / "suppression"
    folder.mkdir()

    def write(*contacts):
        rows = "".join(f"{one}\n" for one in contacts)
        (folder / "global.csv").write_text(f"id\n{rows}", encoding="utf-8")

    return write


def of(floor, run_id, contact):
    [found] = [one for one in floor.records(run_id) if one.contact == contact]
    return found


def test_whoever_a_list_of_the_campaign_names_becomes_a_reject(floor, provider, listed):
    listed("c00002", "c00005", "somebody-else")
    run_id = floor.launched(webhook(provider.url, audience=LISTED), ids(6))

    floor.carried_out()

    assert sorted(provider.contacts) == ["c00001", "c00003", "c00004", "c00006"]
    books = floor.assert_books_hold(run_id)
    assert (books.extracted, books.suppressed, books.records) == (6, 2, 4)
    told = floor.read(lambda connection: list(rejects(connection, run_id)))
    assert [row[:3] for row in told] == [
        (no, "suppressed", "the contact is suppressed") for no in (2, 5)
    ]
    assert told[0][3] == "c00002,name of c00002"


def test_a_campaign_whose_list_is_not_there_cannot_be_launched(floor, provider):
    with pytest.raises(ConfigError, match=r"suppression/global\.csv"):
        floor.prepared(webhook(provider.url, audience=LISTED), ids(2))

    assert list(floor.layout.uploads.iterdir()) == []


def test_a_list_that_is_gone_when_it_is_needed_fails_the_run_and_contacts_nobody(
    floor, provider, listed
):
    listed("c00001")
    run_id = floor.launched(webhook(provider.url, audience=LISTED), ids(2))
    (floor.layout.root / "suppression" / "global.csv").unlink()

    floor.carried_out()

    run = floor.view(run_id)
    assert run.lifecycle.outcome is RunOutcome.FAILED
    assert "global.csv" in run.cause
    assert provider.arrivals == []
    floor.assert_books_hold(run_id)


@pytest.mark.parametrize("rate", ["", "100/s"], ids=["free", "paced"])
def test_an_opt_out_reaches_a_running_run_at_once(floor, provider, rate):
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=2, rate=rate), ids(40))
    with floor.engine():
        until(lambda: provider.at_once == 2)
        # Some of these are stored as intents already, and wait for a worker.
        stopped = ids(40)[2:30]
        answer = floor.suppressed(*stopped)
        provider.let_go()
        floor.until_ended(run_id)

    assert answer.detail == "28 of 28 were not suppressed before"
    assert sorted(provider.contacts) == [*ids(2), *ids(40)[30:]]
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.not_attempted, books.attempts) == (12, 28, 12)
    found = floor.records(run_id, S.NOT_ATTEMPTED)
    assert {(one.code, one.attempts) for one in found} == {("suppressed", 0)}
    assert sorted(one.contact for one in found) == stopped


def test_an_opt_out_holds_for_every_run_now_and_later_and_after_a_restart(
    floor, provider
):
    provider.hold()
    asked = floor.launched(webhook(provider.url, permits=1, name="asked"), ids(4))
    other = floor.launched(webhook(provider.url, permits=1, name="other"), ids(4))
    with floor.engine():
        until(lambda: provider.at_once == 2)
        floor.suppressed("c00004")
        provider.let_go()
        floor.until_ended(asked)
        floor.until_ended(other)
    later = floor.launched(webhook(provider.url, name="later"), ids(4))

    floor.carried_out()

    assert "c00004" not in provider.contacts
    assert floor.assert_books_hold(asked).not_attempted == 1
    assert floor.assert_books_hold(other).not_attempted == 1
    assert floor.assert_books_hold(later).suppressed == 1


def test_an_opt_out_without_an_engine_is_obeyed_by_the_next_one(floor, provider):
    run_id = floor.launched(webhook(provider.url), ids(3))
    floor.suppressed("c00002")

    floor.carried_out()

    assert sorted(provider.contacts) == ["c00001", "c00003"]
    floor.assert_books_hold(run_id)


def test_the_same_opt_out_twice_is_one(floor):
    floor.suppressed("a", "b")

    assert floor.suppressed("b", "c").detail == "1 of 2 were not suppressed before"


@pytest.mark.parametrize(
    "digests", [None, [], "abc", ["ab"], ["no hexadecimal digits"], [7]]
)
def test_an_opt_out_of_nobody_in_particular_is_refused(floor, digests):
    answer = floor.ordered("suppress", digests=digests)

    assert (answer.state, answer.refusal) == ("refused", "UNUSABLE")


def test_what_is_suppressed_in_mid_life_keeps_the_state_that_is_true(
    floor, provider, texts
):
    provider.replies |= {
        "c00001": [BUSY],
        "c00002": [Reply(drop=True)],
        "c00003": [LATER],
        "c00005": [Reply(status=404)],
    }
    texts.replies |= {
        "c00004": [BUSY],
        "c00005": [BUSY],
        "c00006": [Reply(drop=True)],
    }
    when = 'call.code in ("http_200", "http_404")'
    told = webhook(
        provider.url,
        retry=HOUR,
        steps=posting_step(texts.url, when=when, retry=HOUR),
    )
    run_id = floor.launched(told, ids(7))
    with floor.engine():
        until(lambda: floor.books(run_id).retry == 5)
        until(lambda: floor.books(run_id).callback == 1)
        floor.suppressed(*ids(6))
        sent = len(provider.arrivals) + len(texts.arrivals)
        floor.clock.move_to(DUE)
        floor.until_ended(run_id)

    found = {one.contact: one.state for one in floor.records(run_id)}
    assert found == {
        "c00001": S.FAILED,
        "c00002": S.UNKNOWN,
        "c00003": S.ABANDONED,
        "c00004": S.DELIVERED,
        "c00005": S.FAILED,
        "c00006": S.UNKNOWN,
        "c00007": S.DELIVERED,
    }
    assert len(provider.arrivals) + len(texts.arrivals) == sent
    for contact in ids(6):
        assert of(floor, run_id, contact).code == "suppressed"
    floor.assert_books_hold(run_id)


def test_who_opts_out_before_their_next_step_stays_as_the_last_one_left_them(
    floor, provider, texts
):
    provider.replies["c00002"] = [Reply(status=404)]
    provider.hold()
    run_id = floor.launched(
        webhook(provider.url, permits=3, steps=posting_step(texts.url)), ids(3)
    )
    with floor.engine():
        until(lambda: provider.at_once == 3)
        floor.suppressed("c00001", "c00002")
        provider.let_go()
        floor.until_ended(run_id)

    found = {one.contact: one.state for one in floor.records(run_id)}
    assert found == {"c00001": S.DELIVERED, "c00002": S.FAILED, "c00003": S.DELIVERED}
    assert texts.contacts == ["c00003"]
    floor.assert_books_hold(run_id)


@pytest.fixture
def paused(floor, provider, listed):
    """A run of 10 of which one was sent, paused, with a list that names nobody."""
    listed("nobody")
    provider.hold()
    told = webhook(
        provider.url, 'delivery = "at_most_once"', permits=1, audience=LISTED
    )
    run_id = floor.launched(told, ids(10))
    with floor.engine():
        until(lambda: provider.at_once == 1)
        floor.steered(Verb.PAUSE, run_id, state="applied")
        provider.let_go()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
        yield run_id


def test_a_list_that_changed_while_the_run_was_paused_is_read_at_the_resume(
    floor, provider, listed, paused
):
    listed("nobody", *ids(10)[4:])

    floor.steered(Verb.RESUME, paused)
    floor.until_ended(paused)

    assert sorted(provider.contacts) == ids(4)
    books = floor.assert_books_hold(paused)
    assert (books.delivered, books.not_attempted) == (4, 6)


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_list_is_read_again_though_its_length_and_time_are_as_before(
    floor, provider, listed, paused, is_replaced
):
    """As ``cp -p``, ``rsync -t`` and some editors leave it."""
    path = floor.layout.root / "suppression" / "global.csv"
    before = path.stat()
    if is_replaced:
        path.rename(path.with_name("old"))
    listed("c00009")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    now = path.stat()
    assert (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    floor.steered(Verb.RESUME, paused)
    floor.until_ended(paused)

    assert "c00009" not in provider.contacts
    assert "c00010" in provider.contacts


def test_without_its_list_a_resumed_run_pauses_itself_and_contacts_nobody(
    floor, provider, listed, paused
):
    (floor.layout.root / "suppression" / "global.csv").unlink()

    floor.steered(Verb.RESUME, paused)
    until(lambda: floor.view(paused).gate_asked.by == "engine")
    floor.rounds(paused)
    run = floor.view(paused)

    assert run.lifecycle.gate is Gate.PAUSED
    assert "global.csv" in run.gate_asked.why
    assert len(provider.arrivals) == 1

    listed("c00010")
    floor.steered(Verb.RESUME, paused)
    floor.until_ended(paused)
    assert sorted(provider.contacts) == ids(9)


def test_a_run_whose_list_is_gone_when_an_engine_starts_contacts_nobody_more(
    floor, provider, listed
):
    listed("c00010")
    provider.otherwise = Reply(after_s=0.03)
    text = webhook(provider.url, audience=LISTED, permits=2)
    run_id = floor.launched(text, ids(100))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 5)
    sent = len(provider.arrivals)
    (floor.layout.root / "suppression" / "global.csv").unlink()

    floor.carried_out()

    run = floor.view(run_id)
    assert run.label == "Running + paused"
    assert run.gate_asked.by == "engine"
    assert "global.csv" in run.gate_asked.why
    assert len(provider.arrivals) == sent


def test_a_digest_stands_for_one_kind_of_contact_only(floor, provider):
    run_id = floor.launched(webhook(provider.url), ids(1))
    wrong = contact_digest("email", "c00001").hex()
    floor.ordered("suppress", kind="email", digests=[wrong])

    floor.carried_out()

    assert provider.contacts == ids(1)
    floor.assert_books_hold(run_id)
