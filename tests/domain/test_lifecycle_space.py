"""The design's properties, each over every configuration a run can reach."""

from __future__ import annotations

from collections import Counter
from itertools import product

from watchfloor.domain.errors import Refusal
from watchfloor.domain.labels import native
from watchfloor.domain.lifecycle import refusal
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

#: How often each event occurs in the design's model of the statechart.
OCCURRENCES = {
    "asked resume": 135,
    "asked pause": 95,
    "asked stop": 460,
    "asked cancel": 201,
    "declined LAUNCHED_AT": 42,
    "resume": 135,
    "pause": 95,
    "stop": 24 + 206,
    "cancel": 24 + 43,
    "intake_started": 16,
    "extracted": 16,
    "filter yields": 167,
    "filter_done": 167,
    "admitted": 9 + 2,
    "nothing_to_do": 8,
    "dispatch": 55,
    "dispatch, more left": 55,
    "callback": 70,
    "callback, more left": 70,
    "attempt final": 269,
    "attempt to retry": 188,
    "attempt waits": 188,
    "attempt to call back": 269,
    "external step done": 208,
    "external step requeues": 208,
    "pause_settled": 120,
    "only_callbacks_left": 8,
    "all_done": 16,
    "stop_settled": 15,
    "callbacks_done": 18,
    "cancel_settled": 12,
    "fatal_error": 539,
    "history_created": 75,
    "results_closed": 52,
    "result arrived": 52,
}


def test_the_space_is_the_one_the_design_explored(graph):
    assert len(graph.configurations) == 985
    assert len(graph.edges) == 4_332
    assert Counter(edge.event for edge in graph.edges) == OCCURRENCES


def test_a_paused_run_has_nothing_in_flight(graph):
    paused = [c for c in graph.configurations if c.run.gate is Gate.PAUSED]

    assert paused
    assert not [c for c in paused if c.work.in_flight]


def test_an_ended_run_has_no_work_left(graph):
    ended = [c for c in graph.configurations if c.run.is_ended]

    assert ended
    assert {c.work for c in ended} == {Work(), Work(sent=True)}


def test_a_run_cancelled_or_stopped_before_launch_contacted_nobody(graph):
    early = [
        c
        for c in graph.configurations
        if c.run.outcome in (RunOutcome.CANCELLED, RunOutcome.STOPPED)
        and not c.run.launched
    ]

    assert early
    assert not [c for c in early if c.work.sent]


def test_history_comes_only_after_the_end_and_after_every_end(graph):
    for run, _ in graph.configurations:
        assert run.is_ended == (run.history is not History.NONE)


def test_a_run_that_sent_nothing_has_nothing_to_collect(graph):
    for edge in graph.edges:
        if edge.after.run.is_ended and not edge.before.run.is_ended:
            collecting = edge.after.run.results is Results.COLLECTING
            assert collecting == edge.after.work.sent


def test_results_have_no_state_before_the_end(graph):
    for run, _ in graph.configurations:
        assert run.is_ended == (run.results is not Results.NONE)


def test_a_run_that_sent_was_launched(graph):
    assert not [c for c in graph.configurations if c.work.sent and not c.run.launched]


def test_only_a_streaming_run_runs_while_it_filters(graph):
    early = [
        c.run
        for c in graph.configurations
        if c.run.phase is Phase.RUNNING and c.run.intake is not Intake.DONE
    ]

    assert {(run.mode, run.intake) for run in early} == {
        (Mode.STREAMING, Intake.FILTERING)
    }


def test_a_run_has_an_outcome_exactly_when_it_has_ended(graph):
    for run, _ in graph.configurations:
        assert (run.outcome is not None) == (run.phase is Phase.ENDED)


def test_every_outcome_can_be_reached(graph):
    assert {c.run.outcome for c in graph.configurations} == {None, *RunOutcome}


def test_the_gate_is_open_once_stopping_cancelling_or_ended(graph):
    closing = (Phase.STOPPING, Phase.CANCELLING, Phase.ENDED)

    for run, _ in graph.configurations:
        assert run.phase not in closing or run.gate is Gate.OPEN


def test_intake_is_over_in_every_run_that_ended_or_stops(graph):
    for run, _ in graph.configurations:
        if run.phase in (Phase.ENDED, Phase.STOPPING, Phase.STOPPED_CALLBACK):
            assert run.intake in (Intake.DONE, Intake.ABORTED)


def test_a_complete_audience_is_never_called_aborted(graph):
    for edge in graph.edges:
        if edge.before.run.intake is Intake.DONE:
            assert edge.after.run.intake is Intake.DONE


def test_a_job_is_cancelled_only_launched_and_from_paused(graph):
    cancels = [e for e in graph.edges if e.event == Verb.CANCEL]

    for edge in cancels:
        if edge.before.run.launched:
            assert edge.before.run.gate is Gate.PAUSED
            assert edge.after.run.phase is Phase.CANCELLING
            assert edge.effects == (Effect.DROP_UNTOUCHED, Effect.DROP_CALLBACKS)


def test_an_extraction_is_cancelled_only_before_launch_and_it_mails(graph):
    at_once = [
        e for e in graph.edges if e.event == Verb.CANCEL and e.after.run.is_ended
    ]

    assert at_once
    for edge in at_once:
        assert not edge.before.run.launched
        assert not edge.after.work.sent
        assert edge.after.run.outcome is RunOutcome.CANCELLED
        assert Effect.NOTIFY in edge.effects


def test_nothing_but_a_stop_or_cancel_before_launch_mails(graph):
    for edge in graph.edges:
        before_launch = (
            edge.event in (Verb.STOP, Verb.CANCEL) and not edge.before.run.launched
        )
        assert (Effect.NOTIFY in edge.effects) == before_launch


def test_the_first_stop_keeps_every_callback(graph):
    first = [e for e in graph.edges if e.event == Verb.STOP and e.before.run.stops == 0]

    assert any(edge.before.work.callbacks for edge in first)
    for edge in first:
        assert Effect.DROP_CALLBACKS not in edge.effects
        assert edge.after.work.callbacks == edge.before.work.callbacks
        assert edge.after.run.stops == 1


def test_the_second_stop_drops_every_callback(graph):
    second = [
        e
        for e in graph.edges
        if e.event == Verb.STOP and e.before.run.phase is Phase.STOPPED_CALLBACK
    ]

    assert {edge.before.run.stops for edge in second} == {1, 2}
    for edge in second:
        assert Effect.DROP_CALLBACKS in edge.effects
        assert edge.after.work.callbacks == 0
        assert edge.after.run.stops == 2


def test_a_stop_opens_the_gate_and_leaves_nothing_untouched(graph):
    for edge in graph.edges:
        if edge.event == Verb.STOP:
            assert edge.after.run.gate is Gate.OPEN
            assert Effect.DROP_UNTOUCHED in edge.effects


def test_attempts_start_only_in_running_with_the_gate_open(graph):
    starts = [e.before.run for e in graph.edges if e.event.startswith("dispatch")]

    assert {(run.phase, run.gate) for run in starts} == {(Phase.RUNNING, Gate.OPEN)}


def test_callbacks_fire_only_with_the_gate_open(graph):
    fired = [
        e.before.run
        for e in graph.edges
        if e.event in ("callback", "callback, more left")
    ]

    assert {(run.phase, run.gate) for run in fired} == {
        (Phase.RUNNING, Gate.OPEN),
        (Phase.CALLBACK, Gate.OPEN),
        (Phase.STOPPED_CALLBACK, Gate.OPEN),
    }


def test_nothing_new_is_kept_for_later_once_a_run_stops(graph):
    kept = ("attempt to retry", "attempt waits")

    phases = {e.before.run.phase for e in graph.edges if e.event in kept}

    assert phases == {Phase.RUNNING, Phase.CALLBACK}


def test_no_promise_is_made_while_cancelling(graph):
    phases = {
        e.before.run.phase for e in graph.edges if e.event == "attempt to call back"
    }

    assert phases == {
        Phase.RUNNING,
        Phase.CALLBACK,
        Phase.STOPPING,
        Phase.STOPPED_CALLBACK,
    }


def test_the_callback_phase_holds_no_other_work(graph):
    for run, work in graph.configurations:
        if run.phase in (Phase.CALLBACK, Phase.STOPPED_CALLBACK):
            assert work.eligible == work.waiting == 0


def test_permits_are_released_exactly_when_the_gate_becomes_paused(graph):
    for edge in graph.edges:
        settles = (
            edge.after.run.gate is Gate.PAUSED
            and edge.before.run.gate is not Gate.PAUSED
        )
        assert (Effect.RELEASE_PERMITS in edge.effects) == settles


def test_the_launch_id_is_issued_once_by_the_change_that_launches(graph):
    for edge in graph.edges:
        launches = edge.after.run.launched and not edge.before.run.launched
        assert (Effect.ISSUE_LAUNCH_ID in edge.effects) == launches
        assert edge.after.run.launched >= edge.before.run.launched
        if launches:
            assert edge.event == Fact.ADMITTED
            assert edge.after.run.phase is Phase.RUNNING


def test_every_end_and_nothing_else_releases_quota_and_begins_the_history(graph):
    for edge in graph.edges:
        ends = edge.after.run.is_ended and not edge.before.run.is_ended
        owed = (Effect.RELEASE_QUOTA, Effect.CREATE_HISTORY)
        assert (edge.effects[-2:] == owed) == ends
        assert set(edge.effects).isdisjoint(owed) != ends
        if ends:
            assert edge.after.run.history is History.CREATING


def test_an_end_is_final_and_leaves_no_intent(graph):
    for edge in graph.edges:
        if edge.before.run.is_ended:
            assert edge.after.run.outcome is edge.before.run.outcome
            assert not edge.is_asked
        if edge.after.run.is_ended:
            assert edge.after.run.intent is None


def test_a_resume_touches_the_gate_and_nothing_else(graph):
    for before, after, effects in [
        (e.before, e.after, e.effects) for e in graph.edges if e.event == Verb.RESUME
    ]:
        assert after.run.gate is Gate.OPEN
        assert after.run.phase is before.run.phase
        assert after.work == before.work
        assert effects == ()


def test_a_pause_with_attempts_in_flight_is_pausing_else_paused(graph):
    for edge in graph.edges:
        if edge.event == Verb.PAUSE:
            flying = edge.before.work.in_flight > 0
            assert edge.after.run.gate is (Gate.PAUSING if flying else Gate.PAUSED)


def test_only_a_cancel_can_lose_its_guard_between_word_and_deed(graph):
    declined = {
        (e.event, e.before.run.intent)
        for e in graph.edges
        if e.event.startswith("declined")
    }

    assert declined == {(f"declined {Refusal.LAUNCHED_AT}", Verb.CANCEL)}


def test_every_configuration_can_come_to_a_closed_end_with_its_history(graph):
    goals = frozenset(
        c
        for c in graph.configurations
        if c.run.history is History.CREATED and c.run.results is Results.CLOSED
    )

    assert goals
    assert graph.from_which(goals) == graph.configurations


def test_only_a_paused_or_pausing_run_needs_a_human_to_finish(graph):
    goals = frozenset(c for c in graph.configurations if c.run.is_ended)
    human = {e.event for e in graph.edges if e.is_asked} | {Fact.FATAL_ERROR}

    stuck = graph.configurations - graph.from_which(goals, without=frozenset(human))

    assert len(stuck) == 135
    assert stuck == {
        c
        for c in graph.configurations
        if c.run.gate is not Gate.OPEN and c.run.intent is None
    }
    assert len({native(*c) for c in stuck}) == 15


def test_every_configuration_answers_every_verb():
    # All that can be written down, not only what can be reached.
    for phase, gate, launched, intent, verb in product(
        Phase, Gate, (False, True), (None, *Verb), Verb
    ):
        run = Lifecycle(phase=phase, gate=gate, launched=launched, intent=intent)
        assert refusal(run, verb) in (None, *Refusal)
