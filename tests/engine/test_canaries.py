from __future__ import annotations

from tests.support.floor import NORA, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply
from tests.support.retries import (
    BUSY,
    FINE,
    GONE,
    ONCE,
    QUIET,
    canary_of,
    previewed,
    retried,
    sick,
)

from watchfloor.domain.blocked_by import Reason, blocked_by
from watchfloor.domain.canary import StageState
from watchfloor.domain.regions import Gate, RunOutcome, Verb
from watchfloor.engine import canaries
from watchfloor.engine.desk_reads import preview_of
from watchfloor.store.reads.situations import situation


def states(floor, run_id):
    return [one.state for one in canary_of(floor, run_id).stages]


def is_paused(floor, run_id):
    return floor.view(run_id).lifecycle.gate is Gate.PAUSED


def stopped(floor, provider, count=140):
    """Return a retry whose first stage stopped itself: the provider is still sick."""
    run_id = sick(floor, provider, count)
    provider.arrivals.clear()
    provider.otherwise = BUSY
    child = retried(floor, run_id)
    floor.carried_out()
    return run_id, child


def test_each_stage_is_judged_and_lets_the_next_one_go(floor, provider):
    run_id = sick(floor, provider, 140)
    provider.arrivals.clear()
    child = retried(floor, run_id)
    floor.carried_out()

    assert states(floor, child) == [StageState.PASSED] * 3
    words = floor.event_words(child)
    assert words.count("canary passed") == 3
    assert words.count("canary released") == 2
    assert sorted(provider.contacts) == ids(140)
    assert floor.view(child).lifecycle.outcome is RunOutcome.COMPLETED
    first = canary_of(floor, child).stages[0]
    assert "0 of 15 failed: with 95 % confidence fewer than 18 %" in first.evidence[-1]
    assert first.decided_by == "engine"


def test_the_rest_is_judged_at_its_end_by_the_same_figures(
    floor, provider, monkeypatch
):
    monkeypatch.setattr(canaries, "MOST_JUDGED", 20)
    run_id = sick(floor, provider, 45)
    provider.replies = {contact: [BUSY] for contact in ids(45)[25:]}
    child = retried(floor, run_id)
    with floor.engine():
        floor.until_ended(child)
    first, rest = canary_of(floor, child).stages

    assert first.state is StageState.PASSED
    assert rest.state is StageState.FAILED
    assert rest.evidence[0].startswith("20 of 20 attempts failed for now")
    assert rest.evidence[-1] == "judged by its last 20 records"
    assert rest.judged_at_ms is not None
    (told,) = [one for one in floor.events(child) if one.event == "canary failed"]
    assert told.detail.startswith("stage 2: 20 of 20 attempts failed for now")
    assert not canary_of(floor, child).is_stopped
    assert floor.view(child).lifecycle.outcome is RunOutcome.COMPLETED


def test_the_rest_is_not_judged_while_some_of_it_is_left(floor, provider):
    child = retried(floor, sick(floor, provider, 40))
    provider.replies = {ids(40)[-1]: [Reply(after_s=20.0)]}
    with floor.engine(grace_s=0.1):
        until(lambda: floor.books(child).delivered == 39)
        floor.rounds(child)
        assert states(floor, child) == [StageState.PASSED, StageState.RELEASED]


def test_nobody_past_the_stage_is_contacted_before_it_was_judged(floor, provider):
    run_id = sick(floor, provider, 40)
    provider.arrivals.clear()
    provider.hold()
    child = retried(floor, run_id)
    with floor.engine():
        until(lambda: provider.at_once == 10)
        floor.rounds(child)
        now = floor.read(
            lambda connection: situation(connection, child, floor.around.now_ms())
        )
        held = {one.reason: one for one in blocked_by(now)}

        assert held[Reason.WAITING_EXTERNAL].count == 25
        assert held[Reason.WAITING_EXTERNAL].detail == "canary stage 1: 0 of 15 final"
        assert set(held) == {Reason.WAITING_EXTERNAL}
        provider.let_go()
        floor.until_ended(child)
    assert len(provider.arrivals) == 40


def test_a_stage_that_is_as_sick_as_before_stops_the_run_with_its_evidence(
    floor, provider
):
    _, child = stopped(floor, provider)
    view = floor.view(child)
    canary = canary_of(floor, child)
    stage = canary.stages[0]

    assert view.lifecycle.gate is Gate.PAUSED
    assert view.gate_asked.by == "engine"
    assert view.gate_asked.why.startswith("canary stage 1 stopped: 15 of 15 attempts")
    assert len(provider.arrivals) == 15
    assert canary.is_stopped
    assert canary.held_back == 125
    assert stage.figures is not None
    assert (stage.figures.attempts, stage.figures.transient) == (15, 15)
    assert stage.evidence[-1] == "15 of 15 failed: the others may all fail too"
    assert "canary stopped" in floor.event_words(child)
    assert "notice owed" not in floor.event_words(child)
    assert floor.assert_books_hold(child).pending == 125


def test_a_person_may_overrule_a_stage_and_the_next_one_is_judged_again(
    floor, provider
):
    _, child = stopped(floor, provider)
    shown = floor.read(lambda c: preview_of(c, Verb.RESUME, child))
    floor.steered(Verb.RESUME, child)

    assert shown.lines[0] == ("Overrules the canary and releases stage 2, 100 records.")
    assert states(floor, child) == [
        StageState.OVERRULED,
        StageState.RUNNING,
        StageState.WAITING,
    ]
    assert canary_of(floor, child).stages[0].decided_by == NORA
    (released,) = [
        one.detail for one in floor.events(child) if one.event == "canary released"
    ]
    assert released == f"stage 2 of 3, 100 records: by {NORA}, over the evidence"
    floor.carried_out()
    # Still sick: the second stage stops it again, and the rest is not contacted.
    assert states(floor, child)[1] is StageState.STOPPED
    assert len(provider.arrivals) == 115
    provider.otherwise = FINE
    floor.steered(Verb.RESUME, child)
    floor.carried_out()
    assert len(provider.arrivals) == 140
    assert floor.view(child).lifecycle.outcome is RunOutcome.COMPLETED


def test_after_a_stop_the_untouched_ones_can_be_retried_from_where_they_failed(
    floor, provider
):
    run_id, child = stopped(floor, provider)
    floor.steered(Verb.STOP, child)
    books = floor.assert_books_hold(child)
    counts = previewed(floor, run_id).counts

    assert (books.failed, books.not_attempted) == (15, 125)
    assert (counts.retried, dict(counts.taken)) == (125, {child: 15})
    assert previewed(floor, child).counts.retried == 15


def test_a_person_who_pauses_a_stage_and_resumes_it_releases_nothing(floor, provider):
    run_id = sick(floor, provider, 40)
    provider.arrivals.clear()
    provider.hold()
    child = retried(floor, run_id)
    with floor.engine():
        until(lambda: provider.at_once == 10)
        floor.steered(Verb.PAUSE, child, state="applied")
        provider.otherwise = BUSY
        provider.let_go()
        until(lambda: is_paused(floor, child))
        floor.steered(Verb.RESUME, child)
        until(lambda: canary_of(floor, child).is_stopped)

    assert len(provider.arrivals) == 15
    assert states(floor, child)[:2] == [StageState.STOPPED, StageState.WAITING]


def test_a_resume_that_was_given_before_the_evidence_overrules_nothing(floor, provider):
    run_id = sick(floor, provider, 140)
    provider.arrivals.clear()
    provider.otherwise = BUSY
    provider.hold()
    child = retried(floor, run_id)
    with floor.engine():
        floor.ordered("limit", child, scope="run", permits=15)
        until(lambda: provider.at_once == 15)
        floor.steered(Verb.PAUSE, child, state="applied")
        provider.let_go()
        until(lambda: is_paused(floor, child))
        # Two consoles show the same pause, and in both somebody resumes it.
        first = floor.command(Verb.RESUME, child)
        second = floor.command(Verb.RESUME, child)
        floor.asked(first)
        until(lambda: is_paused(floor, child))
        answer = floor.asked(second)

    assert (answer.state, answer.refusal) == ("refused", "DRIFTED")
    assert "canary stage 1 stopped the run since" in answer.detail
    assert states(floor, child)[:2] == [StageState.STOPPED, StageState.WAITING]
    assert len(provider.arrivals) == 15
    # Whoever has seen it may.
    assert floor.steered(Verb.RESUME, child).state == "settled"
    assert states(floor, child)[0] is StageState.OVERRULED


def test_a_code_that_was_never_seen_before_stops_the_run(floor, provider):
    run_id = sick(floor, provider, 30, gone=2)
    provider.replies = {"c00003": [Reply(status=410)], "c00004": [GONE]}
    child = retried(floor, run_id)
    floor.carried_out()
    evidence = canary_of(floor, child).stages[0].evidence

    # That rows are gone was known before; that they are gone for good was not.
    assert evidence[0] == "permanent failures that were not there before: 1 http_410"


def test_a_provider_that_knows_a_key_already_stops_the_run(floor, provider):
    run_id = sick(floor, provider, 30)
    known = Reply(status=200, body={"code": "duplicate_request"})
    provider.replies = {"c00005": [known]}
    child = retried(floor, run_id)
    floor.carried_out()
    stage = canary_of(floor, child).stages[0]

    assert stage.state is StageState.STOPPED
    assert stage.evidence[0] == (
        "attempts of which the provider knew the key already: 1 duplicate_request"
    )


def test_a_stage_whose_time_is_over_is_judged_on_what_is_settled(floor, provider):
    floor.configure('[retry]\nstage = "2s"')
    child = retried(floor, sick(floor, provider, 40))
    provider.replies = {contact: [Reply(after_s=20.0)] for contact in ids(5)}
    with floor.engine(grace_s=0.1):
        until(lambda: canary_of(floor, child).is_stopped)
    stage = canary_of(floor, child).stages[0]

    assert stage.evidence[0] == (
        "10 of 15 final when its time was over; at least 80 % must be"
    )


def test_a_healthy_run_before_it_is_what_a_stage_is_compared_with(floor, provider):
    # How long each attempt took is compared too: by this clock, nothing took any time.
    at_ms = floor.clock.now_ms()
    floor.around = floor.around._replace(now_ms=lambda: at_ms)
    text = webhook(provider.url, retry=ONCE, rest=QUIET)
    provider.replies = {contact: [BUSY] for contact in ids(4)}
    healthy = floor.launched(text, ids(50))
    floor.carried_out()
    run_id = sick(floor, provider, 40, text=text.replace("Trial", "Trial two"))
    child = retried(floor, run_id)
    floor.carried_out()
    stage = canary_of(floor, child).stages[0]

    assert stage.state is StageState.PASSED
    assert any("healthy runs had 8.0 %" in one for one in stage.evidence)
    assert any("up to 12.0 % passes" in one for one in stage.evidence)
    assert any(
        "took at most 0 ms; up to 250 ms passes" in one for one in stage.evidence
    )
    assert floor.view(healthy).lifecycle.outcome is RunOutcome.COMPLETED


def test_a_small_cohort_has_no_canary(floor, provider):
    run_id = sick(floor, provider, 15)
    child = retried(floor, run_id)

    assert floor.view(child).released_seq is None
    floor.carried_out()
    assert floor.books(child).delivered == 15
