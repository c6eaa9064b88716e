"""The life of a run: what its table of transitions means, read by one function.

Local laws:

1. Every change of a run is a row of ``transitions.ROWS``. If no row matches, it cannot
   happen; no other module compares phases to decide what is allowed.
2. This module does not know who sends events or who obeys effects.
3. A command is first acknowledged (it fills the intent slot) and later applied. Between
   the two its guard may have become false; then it is refused by name, not forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.regions import (
    Effect,
    Fact,
    Gate,
    History,
    Intake,
    Lifecycle,
    Phase,
    Results,
    Verb,
    Work,
)
from watchfloor.domain.transitions import ROWS, Row


@dataclass(frozen=True, slots=True)
class Step:
    """One change: the configuration after it, and what it asks of the engine."""

    event: Fact | Verb
    after: Lifecycle
    effects: tuple[Effect, ...] = ()


def step(run: Lifecycle, work: Work, event: Fact | Verb) -> Step | None:
    """Return the change that *event* makes, or None where the table has no row."""
    for row in _ROWS_OF.get(event, ()):
        if run.phase in row.phases and _holds(row, run, work):
            return Step(event, _taken(run, work, row), _effects(row))
    return None


def refusal(run: Lifecycle, verb: Verb) -> Refusal | None:
    """Return why *verb* is declined now, or None where it would be acknowledged.

    Total: every configuration has an answer for every verb
    (``tests/reference/commands.tsv`` row by row).
    """
    if run.intent is not None and verb.strength <= run.intent.strength:
        return Refusal.INTENT_PENDING
    return _REFUSALS[verb](run)


def acknowledge(run: Lifecycle, verb: Verb) -> Lifecycle:
    """Return *run* with *verb* in its intent slot.

    Raises:
        RefusedError: The verb has no place here; nothing changed.
    """
    declined = refusal(run, verb)
    if declined is not None:
        raise RefusedError(declined)
    return replace(run, intent=verb)


def apply_intent(run: Lifecycle, work: Work) -> Step:
    """Return the change that the acknowledged intent makes now.

    Raises:
        RefusedError: Its guard no longer holds. The caller clears the intent and tells
            who asked; ``LAUNCHED_AT`` where a cancel lost the race to the launch.
        ValueError: No intent is pending.
    """
    verb = run.intent
    if verb is None:
        raise ValueError("no intent is pending")
    freed = replace(run, intent=None)
    declined = refusal(freed, verb)
    if declined is None:
        taken = step(freed, work, verb)
        if taken is not None:
            return taken
    if verb is Verb.CANCEL and declined is Refusal.NEEDS_PAUSE:
        declined = Refusal.LAUNCHED_AT
    raise RefusedError(declined or Refusal.DRIFTED)


def due(run: Lifecycle, work: Work) -> Fact | None:
    """Return the fact that is true of *run* now and not yet told, or None.

    The engine asks after every commit that changed the run or its work, until the
    answer is None. Facts about files and time (intake, history, results, faults) are
    told by those who see them. A run with a pending stop or cancel is not launched.
    """
    for fact, row in _SETTLES[run.phase]:
        if fact is Fact.ADMITTED and run.intent in (Verb.STOP, Verb.CANCEL):
            continue
        if _holds(row, run, work):
            return fact
    return None


def may_dispatch(run: Lifecycle) -> bool:
    """Whether attempts at pending and retried records may start."""
    return run.phase is Phase.RUNNING and run.gate is Gate.OPEN


def may_call_back(run: Lifecycle) -> bool:
    """Whether attempts at due callbacks may start."""
    return run.gate is Gate.OPEN and run.phase in (
        Phase.RUNNING,
        Phase.CALLBACK,
        Phase.STOPPED_CALLBACK,
    )


def may_retry(run: Lifecycle) -> bool:
    """Whether a transient failure may leave work for later."""
    return run.phase in (Phase.RUNNING, Phase.CALLBACK)


def may_promise(run: Lifecycle) -> bool:
    """Whether an outcome may leave a callback."""
    return run.phase is not Phase.CANCELLING


#: The rows of the table by what they answer to, each in its order.
_ROWS_OF: Final[Mapping[Fact | Verb, tuple[Row, ...]]] = {
    event: tuple(row for row in ROWS if row.event is event)
    for event in {row.event for row in ROWS}
}
_SETTLING: Final = (
    Fact.PAUSE_SETTLED,
    Fact.ADMITTED,
    Fact.NOTHING_TO_DO,
    Fact.WORK_RETURNED,
    Fact.ONLY_CALLBACKS_LEFT,
    Fact.ALL_DONE,
    Fact.STOP_SETTLED,
    Fact.CALLBACKS_DONE,
    Fact.CANCEL_SETTLED,
)
#: What may have become true in a phase, and the row that says when.
_SETTLES: Final[Mapping[Phase, tuple[tuple[Fact, Row], ...]]] = {
    phase: tuple(
        (fact, row)
        for fact in _SETTLING
        for row in _ROWS_OF[fact]
        if phase in row.phases
    )
    for phase in Phase
}


def _holds(row: Row, run: Lifecycle, work: Work) -> bool:
    for guard in row.needs:  # noqa: SIM110 - all() makes a generator, for every commit
        if not guard(run, work):
            return False
    return True


def _taken(run: Lifecycle, work: Work, row: Row) -> Lifecycle:
    if row.ends is not None:
        return _ended(run, work, row)
    aborts = row.event is Verb.STOP and run.intake is not Intake.DONE
    return replace(
        run,
        phase=row.phase or run.phase,
        gate=row.gate or run.gate,
        intake=Intake.ABORTED if aborts else row.intake or run.intake,
        results=row.results or run.results,
        history=row.history or run.history,
        launched=run.launched or row.launches,
        stops=min(2, run.stops + row.stops),
    )


def _ended(run: Lifecycle, work: Work, row: Row) -> Lifecycle:
    return replace(
        run,
        phase=Phase.ENDED,
        gate=Gate.OPEN,
        intake=run.intake if run.intake is Intake.DONE else Intake.ABORTED,
        results=Results.COLLECTING if work.sent else Results.CLOSED,
        history=History.CREATING,
        outcome=row.ends,
        stops=min(2, run.stops + row.stops),
        intent=None,
    )


def _effects(row: Row) -> tuple[Effect, ...]:
    if row.ends is None:
        return row.effects
    return (*row.effects, Effect.RELEASE_QUOTA, Effect.CREATE_HISTORY)


def _no_pause(run: Lifecycle) -> Refusal | None:
    if run.phase is Phase.ENDED:
        return Refusal.ALREADY_ENDED
    if run.phase is Phase.CANCELLING:
        return Refusal.CANCELLING
    if run.phase is Phase.STOPPING:
        return Refusal.STOPPING
    return None if run.gate is Gate.OPEN else Refusal.ALREADY_PAUSED


def _no_resume(run: Lifecycle) -> Refusal | None:
    if run.phase is Phase.ENDED:
        return Refusal.ALREADY_ENDED
    if run.phase is Phase.CANCELLING:
        return Refusal.CANCELLING
    return Refusal.NOT_PAUSED if run.gate is Gate.OPEN else None


def _no_stop(run: Lifecycle) -> Refusal | None:
    if run.phase is Phase.ENDED:
        return Refusal.ALREADY_ENDED
    if run.phase is Phase.CANCELLING:
        return Refusal.CANCELLING
    return Refusal.ALREADY_STOPPING if run.phase is Phase.STOPPING else None


def _no_cancel(run: Lifecycle) -> Refusal | None:
    if run.phase is Phase.ENDED:
        return Refusal.ALREADY_ENDED
    if run.phase is Phase.CANCELLING:
        return Refusal.CANCELLING
    if not run.launched:
        return None
    if run.phase is Phase.STOPPING:
        return Refusal.STOPPING
    return None if run.gate is Gate.PAUSED else Refusal.NEEDS_PAUSE


_REFUSALS: Final[Mapping[Verb, Callable[[Lifecycle], Refusal | None]]] = (
    MappingProxyType(
        {
            Verb.PAUSE: _no_pause,
            Verb.RESUME: _no_resume,
            Verb.STOP: _no_stop,
            Verb.CANCEL: _no_cancel,
        }
    )
)
