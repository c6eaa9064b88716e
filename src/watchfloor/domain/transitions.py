"""Everything that can happen to a run: one literal table.

A row matches by phase and by named guards; the first row that matches wins. What it
asks of the engine is an effect: a value, obeyed in or after the transaction that stores
the change. ``docs/run-life.md`` says the same for operators; a test holds them equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watchfloor.domain.guards import (
    Guard,
    gate_closed,
    gate_open,
    gate_paused,
    gate_pausing,
    history_creating,
    intake_admits,
    intake_done,
    intake_extracting,
    intake_filtering,
    intake_pending,
    launched,
    no_callbacks,
    no_cancel_intent,
    none_eligible,
    none_in_flight,
    none_waiting,
    not_launched,
    results_collecting,
    some_callbacks,
    some_eligible,
    some_in_flight,
    work_to_attempt,
)
from watchfloor.domain.regions import (
    Effect,
    Fact,
    Gate,
    History,
    Intake,
    Phase,
    Results,
    RunOutcome,
    Verb,
)

#: A live run: one that can still make attempts without an operator's second thought.
LIVE: Final = (Phase.QUEUED, Phase.RUNNING, Phase.CALLBACK, Phase.STOPPED_CALLBACK)
LAUNCHED_LIVE: Final = (Phase.RUNNING, Phase.CALLBACK)
IDLE: Final = (none_eligible, none_in_flight, none_waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table: from these phases, under these guards, to this.

    ``None`` leaves a region as it is. ``ends`` closes the run with that outcome; what
    every end has in common is written once, in ``_ended``.
    """

    event: Fact | Verb
    phases: tuple[Phase, ...]
    needs: tuple[Guard, ...] = ()
    phase: Phase | None = None
    gate: Gate | None = None
    intake: Intake | None = None
    results: Results | None = None
    history: History | None = None
    ends: RunOutcome | None = None
    launches: bool = False
    stops: int = 0
    effects: tuple[Effect, ...] = ()


P, G, F, V, E = Phase, Gate, Fact, Verb, Effect

#: Everything that can happen to a run.
ROWS: Final[tuple[Row, ...]] = (
    # The audience pipeline.
    Row(
        event=F.INTAKE_STARTED,
        phases=(P.QUEUED, P.RUNNING),
        needs=(intake_pending,),
        intake=Intake.EXTRACTING,
    ),
    Row(
        event=F.EXTRACTED,
        phases=(P.QUEUED, P.RUNNING),
        needs=(intake_extracting,),
        intake=Intake.FILTERING,
    ),
    Row(
        event=F.FILTER_DONE,
        phases=(P.QUEUED, P.RUNNING),
        needs=(intake_filtering,),
        intake=Intake.DONE,
    ),
    # Launch: the point of no return. The second row is the race that a cancel loses:
    # acknowledged, not yet applied, and the audience was complete.
    Row(
        event=F.ADMITTED,
        phases=(P.QUEUED,),
        needs=(gate_open, some_eligible, intake_admits, no_cancel_intent),
        phase=P.RUNNING,
        launches=True,
        effects=(E.ISSUE_LAUNCH_ID,),
    ),
    Row(
        event=F.ADMITTED,
        phases=(P.QUEUED,),
        needs=(gate_open, some_eligible, intake_done),
        phase=P.RUNNING,
        launches=True,
        effects=(E.ISSUE_LAUNCH_ID,),
    ),
    Row(
        event=F.NOTHING_TO_DO,
        phases=(P.QUEUED,),
        needs=(gate_open, none_eligible, intake_done),
        ends=RunOutcome.COMPLETED,
    ),
    # An attempt at a callback failed for now: there is work beside callbacks again.
    Row(
        event=F.WORK_RETURNED,
        phases=(P.CALLBACK,),
        needs=(work_to_attempt,),
        phase=P.RUNNING,
    ),
    # Pause and resume.
    Row(
        event=V.PAUSE,
        phases=LIVE,
        needs=(gate_open, some_in_flight),
        gate=G.PAUSING,
    ),
    Row(
        event=V.PAUSE,
        phases=LIVE,
        needs=(gate_open, none_in_flight),
        gate=G.PAUSED,
        effects=(E.RELEASE_PERMITS,),
    ),
    Row(
        event=F.PAUSE_SETTLED,
        phases=LIVE,
        needs=(gate_pausing, none_in_flight),
        gate=G.PAUSED,
        effects=(E.RELEASE_PERMITS,),
    ),
    Row(event=V.RESUME, phases=LIVE, needs=(gate_closed,), gate=G.OPEN),
    # Stop: no new contacts; promises are kept by the first, dropped by the second.
    Row(
        event=V.STOP,
        phases=(P.QUEUED,),
        needs=(not_launched,),
        ends=RunOutcome.STOPPED,
        stops=1,
        effects=(E.DROP_UNTOUCHED, E.NOTIFY),
    ),
    Row(
        event=V.STOP,
        phases=LAUNCHED_LIVE,
        needs=(launched,),
        phase=P.STOPPING,
        gate=G.OPEN,
        stops=1,
        effects=(E.DROP_UNTOUCHED,),
    ),
    Row(
        event=V.STOP,
        phases=(P.STOPPED_CALLBACK,),
        phase=P.STOPPING,
        gate=G.OPEN,
        stops=1,
        effects=(E.DROP_UNTOUCHED, E.DROP_CALLBACKS),
    ),
    Row(
        event=F.STOP_SETTLED,
        phases=(P.STOPPING,),
        needs=(*IDLE, some_callbacks),
        phase=P.STOPPED_CALLBACK,
    ),
    Row(
        event=F.STOP_SETTLED,
        phases=(P.STOPPING,),
        needs=(*IDLE, no_callbacks),
        ends=RunOutcome.STOPPED,
    ),
    # Cancel: before the launch at once, after it only from paused.
    Row(
        event=V.CANCEL,
        phases=(P.QUEUED,),
        needs=(not_launched,),
        ends=RunOutcome.CANCELLED,
        effects=(E.DROP_UNTOUCHED, E.NOTIFY),
    ),
    Row(
        event=V.CANCEL,
        phases=LIVE,
        needs=(launched, gate_paused),
        phase=P.CANCELLING,
        gate=G.OPEN,
        effects=(E.DROP_UNTOUCHED, E.DROP_CALLBACKS),
    ),
    Row(
        event=F.CANCEL_SETTLED,
        phases=(P.CANCELLING,),
        needs=(*IDLE, no_callbacks),
        ends=RunOutcome.CANCELLED,
    ),
    # Running out of work.
    Row(
        event=F.ONLY_CALLBACKS_LEFT,
        phases=(P.RUNNING,),
        needs=(gate_open, intake_done, *IDLE, some_callbacks),
        phase=P.CALLBACK,
    ),
    Row(
        event=F.ALL_DONE,
        phases=(P.RUNNING,),
        needs=(gate_open, intake_done, *IDLE, no_callbacks),
        ends=RunOutcome.COMPLETED,
    ),
    Row(
        event=F.ALL_DONE,
        phases=(P.CALLBACK,),
        needs=(gate_open, *IDLE, no_callbacks),
        ends=RunOutcome.COMPLETED,
    ),
    Row(
        event=F.CALLBACKS_DONE,
        phases=(P.STOPPED_CALLBACK,),
        needs=(gate_open, *IDLE, no_callbacks),
        ends=RunOutcome.STOPPED,
    ),
    # A fault of the run itself: selection, campaign, template, channel settings.
    Row(
        event=F.FATAL_ERROR,
        phases=LIVE,
        needs=(none_in_flight,),
        ends=RunOutcome.FAILED,
        effects=(E.DROP_UNTOUCHED, E.DROP_CALLBACKS),
    ),
    # After the end.
    Row(
        event=F.HISTORY_CREATED,
        phases=(P.ENDED,),
        needs=(history_creating,),
        history=History.CREATED,
    ),
    Row(
        event=F.RESULTS_CLOSED,
        phases=(P.ENDED,),
        needs=(results_collecting,),
        results=Results.CLOSED,
    ),
)
