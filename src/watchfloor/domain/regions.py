"""The five regions of a run's life and the values that cross them.

What is stored on the run's row is ``Lifecycle``; what the books say is left of it is
``Work``. Anything derivable is never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """May a run be running while its intake is still filtering?"""

    EXTRACT_FIRST = "extract_first"
    STREAMING = "streaming"


class Phase(StrEnum):
    """What the run is for now."""

    QUEUED = "queued"  #: accepted, not launched
    RUNNING = "running"  #: attempts are being made
    CALLBACK = "callback"  #: only promised callbacks remain
    STOPPING = "stopping"  #: no new attempt, some in flight
    STOPPED_CALLBACK = "stopped_callback"  #: stopped, promised callbacks are kept
    CANCELLING = "cancelling"  #: no new attempt, promises dropped, some in flight
    ENDED = "ended"


class Gate(StrEnum):
    """May attempts start? Orthogonal to the phase, so resume needs no memory."""

    OPEN = "open"
    PAUSING = "pausing"  #: closed, some attempts still in flight
    PAUSED = "paused"  #: closed, nothing in flight


class Intake(StrEnum):
    """The audience pipeline; a pause does not halt it."""

    PENDING = "pending"
    EXTRACTING = "extracting"
    FILTERING = "filtering"
    DONE = "done"
    ABORTED = "aborted"


class Results(StrEnum):
    """Late provider events; this region outlives the end."""

    NONE = "none"
    COLLECTING = "collecting"
    CLOSED = "closed"


class History(StrEnum):
    """The archive; begins for every end, not only for a natural one."""

    NONE = "none"
    CREATING = "creating"
    CREATED = "created"


class RunOutcome(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Verb(StrEnum):
    """What an operator may ask of a run, from the weakest to the strongest."""

    RESUME = "resume"
    PAUSE = "pause"
    STOP = "stop"
    CANCEL = "cancel"

    @property
    def strength(self) -> int:
        """Rank: a pending intent is replaced only by a stronger one."""
        return list(Verb).index(self)


class Fact(StrEnum):
    """What the engine saw happen to a run."""

    INTAKE_STARTED = "intake_started"
    EXTRACTED = "extracted"
    FILTER_DONE = "filter_done"
    ADMITTED = "admitted"
    NOTHING_TO_DO = "nothing_to_do"
    WORK_RETURNED = "work_returned"
    PAUSE_SETTLED = "pause_settled"
    ONLY_CALLBACKS_LEFT = "only_callbacks_left"
    ALL_DONE = "all_done"
    STOP_SETTLED = "stop_settled"
    CALLBACKS_DONE = "callbacks_done"
    CANCEL_SETTLED = "cancel_settled"
    FATAL_ERROR = "fatal_error"
    HISTORY_CREATED = "history_created"
    RESULTS_CLOSED = "results_closed"


class Effect(StrEnum):
    """What the engine owes once a change is stored."""

    ISSUE_LAUNCH_ID = "issue_launch_id"  #: in the same transaction: no return
    RELEASE_PERMITS = "release_permits"
    DROP_UNTOUCHED = "drop_untouched"  #: pending, retry, waiting -> not attempted
    DROP_CALLBACKS = "drop_callbacks"  #: callback -> abandoned
    RELEASE_QUOTA = "release_quota"
    CREATE_HISTORY = "create_history"
    NOTIFY = "notify"  #: a mail to the campaign's notification addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """One configuration of a run: what the run row stores, nothing derivable.

    Attributes:
        launched: Whether the launch id was issued: the point of no return.
        stops: How many stops were applied (0, 1, 2).
        intent: A command that is acknowledged and not yet applied.
    """

    mode: Mode = Mode.EXTRACT_FIRST
    phase: Phase = Phase.QUEUED
    gate: Gate = Gate.OPEN
    intake: Intake = Intake.PENDING
    results: Results = Results.NONE
    history: History = History.NONE
    outcome: RunOutcome | None = None
    launched: bool = False
    stops: int = 0
    intent: Verb | None = None

    @property
    def is_ended(self) -> bool:
        """Whether no attempt will ever start again."""
        return self.phase is Phase.ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is left of a run, in records.

    Attributes:
        eligible: Records to attempt now or later, callbacks not counted.
        in_flight: Attempts whose outcome is not stored yet.
        callbacks: Promises kept for a time.
        waiting: Records that wait for an external or human step.
        sent: Whether any attempt of this run ever started.
    """

    eligible: int = 0
    in_flight: int = 0
    callbacks: int = 0
    waiting: int = 0
    sent: bool = False
