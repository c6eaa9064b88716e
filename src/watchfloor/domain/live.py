"""What the screens beside the jobs are told: frozen values, as in ``views``.

Times are integer milliseconds since 1970, UTC. Text from outside is as it came.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from watchfloor.domain.blocked_by import Blocked
from watchfloor.domain.failing import Failing, Failures
from watchfloor.domain.health import Health
from watchfloor.domain.progress import Progress
from watchfloor.domain.roles import Role
from watchfloor.domain.sharing import SharedUse
from watchfloor.domain.slowdown import Slowdown
from watchfloor.domain.views import (
    EngineView,
    EventView,
    Receipt,
    RecordView,
    RunView,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """The figures of the runs that the jobs screen lists.

    Attributes:
        asking: Runs that wait for a person's word.
        active: Runs that have begun and not ended.
        permits: Of all active runs together.
        per_s: Attempts that ended per second, lately.
    """

    asking: int = 0
    active: int = 0
    queued: int = 0
    failed: int = 0
    callback: int = 0
    unknown: int = 0
    attempting: int = 0
    permits: int = 0
    per_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What may be polled: the owner, how much changed, and the cards.

    Attributes:
        alert: The number of the newest alert that quiet hours do not hold; 0 for none.
        store: Which of the stores that stood in this place was read, counted from 1;
            another number means another workspace.
        name: What the workspace is called; empty where nobody looked.
        role: What who asks is to the workspace now; None where nobody looked.
    """

    engine: EngineView = field(default_factory=EngineView)
    cards: Cards = field(default_factory=Cards)
    alert: int = 0
    store: int = 0
    name: str = ""
    role: Role | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRun:
    """One run that has not ended, and how it does.

    Attributes:
        blocked: Why its remaining records do not move; empty where they do.
        attempts_per_s: Attempts that ended per second, lately.
        done_per_s: Records that became final per second, lately.
        oldest_at_ms: When the oldest attempt in flight began; None for none.
        expected_ms: How long it should take by earlier runs; None where none tells.
        is_late: Whether it should have ended.
        opens_at_ms: When the first record that rests outside its window is looked at
            again; None for none.
        sentence: How it does in one plain sentence, without a stop; text from outside
            in it is as it came.
        slowdown: Since when it is slower than earlier runs; None where it is not.
        failing: That most of what it tried fails though it is ok; None where it does
            not.
    """

    run: RunView
    health: Health
    blocked: tuple[Blocked, ...] = ()
    attempts_per_s: float = 0.0
    done_per_s: float = 0.0
    oldest_at_ms: int | None = None
    expected_ms: int | None = None
    is_late: bool = False
    opens_at_ms: int | None = None
    sentence: str = ""
    slowdown: Slowdown | None = None
    failing: Failing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOps:
    """Every run that has not ended, the one that needs somebody most first."""

    runs: tuple[LiveRun, ...] = ()
    shared: tuple[SharedUse, ...] = ()
    engine: EngineView = field(default_factory=EngineView)
    as_of_ms: int = 0


class DueSpan(NamedTuple):
    """So many promised callbacks are due within one span."""

    at_ms: int
    span_ms: int
    promises: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """What is drawn of one run.

    Attributes:
        earlier: Up to three earlier runs of the same campaign, the newest first.
        due: Callbacks by when they are due; overdue ones stand in the first span.
    """

    run: RunView
    progress: Progress
    earlier: tuple[Progress, ...] = ()
    failures: Failures = field(default_factory=Failures)
    due: tuple[DueSpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A record of which nobody knows whether its last attempt arrived."""

    run_id: str
    campaign_name: str
    record: RecordView


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPage:
    """Unknown records, those of the newest run first.

    Attributes:
        after: What to ask the next page with; None where this is the last.
        of: So many there are.
    """

    unknowns: tuple[Unknown, ...] = ()
    after: tuple[str, int] | None = None
    of: int = 0

    def without_keys(self) -> UnknownPage:
        """Return the same for somebody who must not find out who anybody is."""
        told = [
            replace(one, record=replace(one.record, key="")) for one in self.unknowns
        ]
        return replace(self, unknowns=tuple(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the journal and, of a command, what became of it.

    Attributes:
        run_name: The campaign's name; empty where the run is not known.
    """

    event: EventView
    run_name: str = ""
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Entries of the journal, newest first.

    Attributes:
        before: What to ask the next (older) page with; None where this is the last.
    """

    entries: tuple[AuditEntry, ...] = ()
    before: int | None = None
