"""What a run is called: in our own words and in those of three reference systems.

``tests/reference/labels.tsv`` lists every label that can occur; a test walks every
reachable configuration and holds this module to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watchfloor.domain.regions import (
    Gate,
    History,
    Intake,
    Lifecycle,
    Phase,
    Results,
    RunOutcome,
    Verb,
    Work,
)


class Dialect(StrEnum):
    """Whose words the screens speak."""

    WATCHFLOOR = "watchfloor"
    DIALER = "dialer"
    JOBS_PAGE = "jobs_page"
    SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Labels:
    """One configuration in every dialect."""

    native: str
    dialer: str
    jobs_page: str
    sender: str

    def in_dialect(self, dialect: Dialect) -> str:
        """Return the label in one dialect."""
        return {
            Dialect.WATCHFLOOR: self.native,
            Dialect.DIALER: self.dialer,
            Dialect.JOBS_PAGE: self.jobs_page,
            Dialect.SENDER: self.sender,
        }[dialect]


def labels(run: Lifecycle, work: Work) -> Labels:
    """Return what *run* is called."""
    return Labels(native(run, work), _dialer(run), _jobs_page(run, work), _sender(run))


def is_waiting(run: Lifecycle, work: Work) -> bool:
    """Whether everything left waits on an external or human step."""
    return (
        run.phase is Phase.RUNNING
        and work.waiting > 0
        and not (work.eligible or work.in_flight)
    )


_PHASES = {
    Phase.QUEUED: "Queued",
    Phase.RUNNING: "Running",
    Phase.CALLBACK: "Callbacks only",
    Phase.STOPPING: "Stopping",
    Phase.STOPPED_CALLBACK: "Stopped, callbacks",
    Phase.CANCELLING: "Cancelling",
}


def native(run: Lifecycle, work: Work) -> str:
    """Return our own label: a phase word, then overlays joined with ' + '."""
    if run.outcome is not None:
        return " + ".join([_end(run, run.outcome), *_after_the_end(run)])
    word = _PHASES[run.phase]
    if is_waiting(run, work) and not work.callbacks:
        word = "Waiting (external)"
    overlays = [] if run.gate is Gate.OPEN else [run.gate.value]
    if run.intake in (Intake.EXTRACTING, Intake.FILTERING):
        overlays.append(run.intake.value)
    if run.intent is not None:
        overlays.append(f"{run.intent} requested")
    return " + ".join([word, *overlays])


def _end(run: Lifecycle, outcome: RunOutcome) -> str:
    if outcome is RunOutcome.CANCELLED and not run.launched:
        return "Cancelled before launch"
    return outcome.value.capitalize()


def _after_the_end(run: Lifecycle) -> list[str]:
    overlays = []
    if run.results is Results.COLLECTING:
        overlays.append("collecting")
    if run.history is History.CREATING:
        overlays.append("creating history")
    return overlays


_ASKED = {
    Verb.PAUSE: "Pause",
    Verb.RESUME: "Resumed",
    Verb.STOP: "Stop",
    Verb.CANCEL: "Stop",
}


def _dialer(run: Lifecycle) -> str:
    if run.outcome is not None:
        if run.outcome is not RunOutcome.COMPLETED:
            return "Stopped"
        creating = run.history is History.CREATING
        return "Completed, Creating History" if creating else "Completed"
    if run.intent is not None:
        again = run.intent is Verb.STOP and run.phase is Phase.STOPPED_CALLBACK
        return "Stop, StoppedCallback" if again else _ASKED[run.intent]
    if run.phase in (Phase.STOPPING, Phase.CANCELLING):
        return "Stopping"
    if run.gate is not Gate.OPEN:
        return run.gate.value.capitalize()
    return _dialer_phase(run)


def _dialer_phase(run: Lifecycle) -> str:
    if run.phase is Phase.STOPPED_CALLBACK:
        return "Stopped, Callback"
    if run.phase is Phase.CALLBACK:
        return "Callback"
    filtering = run.intake in (Intake.EXTRACTING, Intake.FILTERING)
    word, filters = (
        ("Queued", "Queued") if run.phase is Phase.QUEUED else ("Active", "Running")
    )
    return f"{filters}, Filter In Progress" if filtering else word


def _jobs_page(run: Lifecycle, work: Work) -> str:
    if run.outcome is not None:
        well = run.outcome in (RunOutcome.COMPLETED, RunOutcome.STOPPED)
        return "Completed" if well else "Failed"
    if run.gate is Gate.PAUSED or is_waiting(run, work):
        return "Waiting"
    if run.phase in (Phase.CALLBACK, Phase.STOPPED_CALLBACK) and not work.in_flight:
        return "Waiting"
    return "Running"


def _sender(run: Lifecycle) -> str:
    if run.outcome is not None:
        if run.outcome is not RunOutcome.COMPLETED:
            return "Failed"
        return "Collecting" if run.results is Results.COLLECTING else "Completed"
    if run.gate is Gate.PAUSED:
        return "Paused"
    return "Processing" if run.launched else "Initializing"
