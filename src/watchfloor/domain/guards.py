"""The named conditions of the run's table, each one fact about a run and its work."""

from __future__ import annotations

from collections.abc import Callable

from watchfloor.domain.regions import (
    Gate,
    History,
    Intake,
    Lifecycle,
    Mode,
    Results,
    Verb,
    Work,
)

Guard = Callable[[Lifecycle, Work], bool]


def gate_open(run: Lifecycle, work: Work) -> bool:
    """Attempts may start."""
    return run.gate is Gate.OPEN


def gate_closed(run: Lifecycle, work: Work) -> bool:
    """The run is pausing or paused."""
    return run.gate is not Gate.OPEN


def gate_pausing(run: Lifecycle, work: Work) -> bool:
    """A pause waits for attempts in flight."""
    return run.gate is Gate.PAUSING


def gate_paused(run: Lifecycle, work: Work) -> bool:
    """Nothing is in flight and nothing may start."""
    return run.gate is Gate.PAUSED


def intake_pending(run: Lifecycle, work: Work) -> bool:
    """Nobody has begun to read the upload."""
    return run.intake is Intake.PENDING


def intake_extracting(run: Lifecycle, work: Work) -> bool:
    """The upload is being read."""
    return run.intake is Intake.EXTRACTING


def intake_filtering(run: Lifecycle, work: Work) -> bool:
    """Records are being judged by the campaign's filter."""
    return run.intake is Intake.FILTERING


def intake_done(run: Lifecycle, work: Work) -> bool:
    """The audience is complete."""
    return run.intake is Intake.DONE


def intake_admits(run: Lifecycle, work: Work) -> bool:
    """The audience is complete, or complete enough for a streaming run."""
    return run.intake is Intake.DONE or (
        run.mode is Mode.STREAMING and run.intake is Intake.FILTERING
    )


def no_cancel_intent(run: Lifecycle, work: Work) -> bool:
    """No cancel is acknowledged."""
    return run.intent is not Verb.CANCEL


def launched(run: Lifecycle, work: Work) -> bool:
    """The launch id was issued."""
    return run.launched


def not_launched(run: Lifecycle, work: Work) -> bool:
    """The launch id was not issued: nobody can have been contacted."""
    return not run.launched


def some_eligible(run: Lifecycle, work: Work) -> bool:
    """Some records are left to attempt."""
    return work.eligible > 0


def none_eligible(run: Lifecycle, work: Work) -> bool:
    """No record is left to attempt."""
    return work.eligible == 0


def some_in_flight(run: Lifecycle, work: Work) -> bool:
    """Some attempts have no stored outcome yet."""
    return work.in_flight > 0


def none_in_flight(run: Lifecycle, work: Work) -> bool:
    """Every attempt has its stored outcome."""
    return work.in_flight == 0


def some_callbacks(run: Lifecycle, work: Work) -> bool:
    """Promises are kept."""
    return work.callbacks > 0


def no_callbacks(run: Lifecycle, work: Work) -> bool:
    """No promise is left."""
    return work.callbacks == 0


def none_waiting(run: Lifecycle, work: Work) -> bool:
    """No record waits for an external or human step."""
    return work.waiting == 0


def work_to_attempt(run: Lifecycle, work: Work) -> bool:
    """Records are left that are no callbacks."""
    return bool(work.eligible or work.waiting)


def history_creating(run: Lifecycle, work: Work) -> bool:
    """The archive is being written."""
    return run.history is History.CREATING


def results_collecting(run: Lifecycle, work: Work) -> bool:
    """Provider events are still taken."""
    return run.results is Results.COLLECTING
