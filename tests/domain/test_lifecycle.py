from __future__ import annotations

from dataclasses import replace

import pytest

from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.lifecycle import (
    Step,
    acknowledge,
    apply_intent,
    due,
    may_call_back,
    may_dispatch,
    may_promise,
    may_retry,
    refusal,
    step,
)
from watchfloor.domain.regions import (
    Effect,
    Fact,
    Gate,
    History,
    Intake,
    Lifecycle,
    Mode,
    Phase,
    Results,
    RunOutcome,
    Verb,
    Work,
)

QUEUED = Lifecycle(intake=Intake.DONE)
RUNNING = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
SOME = Work(eligible=3)


def test_a_new_run_is_queued_open_and_unread():
    assert Lifecycle() == Lifecycle(
        mode=Mode.EXTRACT_FIRST,
        phase=Phase.QUEUED,
        gate=Gate.OPEN,
        intake=Intake.PENDING,
        results=Results.NONE,
        history=History.NONE,
        outcome=None,
        launched=False,
        stops=0,
        intent=None,
    )
    assert Work() == Work(eligible=0, in_flight=0, callbacks=0, waiting=0, sent=False)


def test_a_launch_makes_the_run_running_and_issues_the_launch_id():
    assert step(QUEUED, SOME, Fact.ADMITTED) == Step(
        Fact.ADMITTED, RUNNING, (Effect.ISSUE_LAUNCH_ID,)
    )


def test_an_event_without_a_row_changes_nothing():
    assert step(RUNNING, SOME, Fact.ADMITTED) is None
    assert step(RUNNING, SOME, Fact.ALL_DONE) is None


def test_verbs_are_ranked_from_resume_to_cancel():
    assert [verb.strength for verb in Verb] == [0, 1, 2, 3]
    assert list(Verb) == [Verb.RESUME, Verb.PAUSE, Verb.STOP, Verb.CANCEL]


def test_acknowledging_fills_the_intent_and_nothing_else():
    asked = acknowledge(RUNNING, Verb.PAUSE)

    assert asked.intent is Verb.PAUSE
    assert (asked.phase, asked.gate) == (Phase.RUNNING, Gate.OPEN)


def test_acknowledging_what_is_refused_names_the_refusal():
    with pytest.raises(RefusedError, match=r"^NEEDS_PAUSE: ") as caught:
        acknowledge(RUNNING, Verb.CANCEL)

    assert caught.value.refusal is Refusal.NEEDS_PAUSE


def test_only_a_stronger_verb_replaces_a_pending_intent(graph):
    for run, _ in graph.configurations:
        if run.intent is None:
            continue
        free = Lifecycle(
            phase=run.phase, gate=run.gate, launched=run.launched, intake=run.intake
        )
        for verb in Verb:
            stronger = verb.strength > run.intent.strength
            expected = refusal(free, verb) if stronger else Refusal.INTENT_PENDING
            assert refusal(run, verb) is expected
            if expected is None:
                assert acknowledge(run, verb).intent is verb


def test_a_stop_takes_the_place_of_a_pause_that_was_asked_first():
    asked = acknowledge(acknowledge(RUNNING, Verb.PAUSE), Verb.STOP)

    taken = apply_intent(asked, SOME)

    assert taken.event is Verb.STOP
    assert taken.after.phase is Phase.STOPPING
    assert taken.after.intent is None


def test_applying_nothing_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match=r"^no intent is pending$"):
        apply_intent(RUNNING, SOME)


def test_a_cancel_that_loses_the_race_to_the_launch_is_told_so():
    asked = acknowledge(QUEUED, Verb.CANCEL)
    launched = step(asked, SOME, Fact.ADMITTED)
    assert launched is not None
    assert launched.after.launched

    with pytest.raises(RefusedError) as caught:
        apply_intent(launched.after, SOME)

    assert caught.value.refusal is Refusal.LAUNCHED_AT


def test_a_cancel_that_wins_the_race_ends_the_run_before_anyone_is_contacted():
    taken = apply_intent(acknowledge(QUEUED, Verb.CANCEL), SOME)

    assert taken == Step(
        Verb.CANCEL,
        Lifecycle(
            phase=Phase.ENDED,
            intake=Intake.DONE,
            results=Results.CLOSED,
            history=History.CREATING,
            outcome=RunOutcome.CANCELLED,
        ),
        (
            Effect.DROP_UNTOUCHED,
            Effect.NOTIFY,
            Effect.RELEASE_QUOTA,
            Effect.CREATE_HISTORY,
        ),
    )


@pytest.mark.parametrize("verb", [Verb.PAUSE, Verb.RESUME, Verb.STOP])
def test_an_intent_whose_guard_is_gone_is_refused_by_the_name_it_would_get(verb):
    ending = Lifecycle(phase=Phase.CANCELLING, launched=True, intent=verb)

    with pytest.raises(RefusedError) as caught:
        apply_intent(ending, Work(in_flight=1, sent=True))

    assert caught.value.refusal is Refusal.CANCELLING


def test_an_intent_the_table_has_no_row_for_is_refused_as_drifted():
    # No history leads here: a queued run cannot be launched already.
    odd = Lifecycle(phase=Phase.QUEUED, launched=True, intent=Verb.STOP)

    with pytest.raises(RefusedError) as caught:
        apply_intent(odd, SOME)

    assert caught.value.refusal is Refusal.DRIFTED


def test_a_stop_while_the_audience_is_filtered_aborts_the_intake():
    streaming = Lifecycle(
        mode=Mode.STREAMING,
        phase=Phase.RUNNING,
        intake=Intake.FILTERING,
        launched=True,
        intent=Verb.STOP,
    )

    assert apply_intent(streaming, SOME).after.intake is Intake.ABORTED


def test_a_stopped_callback_run_counts_no_more_than_two_stops():
    again = Lifecycle(
        phase=Phase.STOPPED_CALLBACK,
        intake=Intake.DONE,
        launched=True,
        stops=2,
        intent=Verb.STOP,
    )

    assert apply_intent(again, Work(callbacks=1, sent=True)).after.stops == 2


def test_a_failed_callback_brings_the_run_back_to_running_even_while_pausing():
    pausing = Lifecycle(
        phase=Phase.CALLBACK, gate=Gate.PAUSING, intake=Intake.DONE, launched=True
    )
    work = Work(eligible=1, sent=True)

    returned = step(pausing, work, Fact.WORK_RETURNED)

    assert due(pausing, work) is Fact.PAUSE_SETTLED
    assert returned is not None
    assert returned.after.phase is Phase.RUNNING
    assert returned.after.gate is Gate.PAUSING


@pytest.mark.parametrize("gate", Gate)
@pytest.mark.parametrize("phase", Phase)
def test_the_four_permissions_follow_phase_and_gate(phase, gate):
    run = Lifecycle(phase=phase, gate=gate)
    is_open = gate is Gate.OPEN
    calling = (Phase.RUNNING, Phase.CALLBACK, Phase.STOPPED_CALLBACK)

    assert may_dispatch(run) == (is_open and phase is Phase.RUNNING)
    assert may_call_back(run) == (is_open and phase in calling)
    assert may_retry(run) == (phase in (Phase.RUNNING, Phase.CALLBACK))
    assert may_promise(run) == (phase is not Phase.CANCELLING)


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("intake", [Intake.DONE, Intake.FILTERING])
def test_every_end_leaves_the_same_behind(intake, sent):
    run = Lifecycle(
        phase=Phase.STOPPING,
        gate=Gate.PAUSED,
        intake=intake,
        launched=True,
        stops=2,
        intent=Verb.CANCEL,
    )
    ended = step(run, Work(sent=sent), Fact.STOP_SETTLED)

    assert ended is not None
    assert ended.after == Lifecycle(
        phase=Phase.ENDED,
        gate=Gate.OPEN,
        intake=Intake.DONE if intake is Intake.DONE else Intake.ABORTED,
        results=Results.COLLECTING if sent else Results.CLOSED,
        history=History.CREATING,
        outcome=RunOutcome.STOPPED,
        launched=True,
        stops=2,
        intent=None,
    )


def test_a_stop_before_the_launch_counts_as_one():
    ended = step(QUEUED, Work(), Verb.STOP)

    assert ended is not None
    assert (ended.after.stops, ended.after.outcome) == (1, RunOutcome.STOPPED)


def test_regions_that_a_row_does_not_name_stay_and_those_it_names_move():
    ended = Lifecycle(
        phase=Phase.ENDED,
        intake=Intake.DONE,
        results=Results.COLLECTING,
        history=History.CREATING,
        outcome=RunOutcome.COMPLETED,
        launched=True,
    )
    created = step(ended, Work(sent=True), Fact.HISTORY_CREATED)
    closed = step(ended, Work(sent=True), Fact.RESULTS_CLOSED)
    paused = step(RUNNING, Work(in_flight=1), Verb.PAUSE)

    assert created is not None
    assert created.after == replace(ended, history=History.CREATED)
    assert closed is not None
    assert closed.after == replace(ended, results=Results.CLOSED)
    assert paused is not None
    assert paused.after == replace(RUNNING, gate=Gate.PAUSING)
