"""What the runbook's checks judge: everything that is known of one run, frozen.

It is gathered from a store once, or came in a bundle from elsewhere: the checks cannot
tell. Counters may have been read a second time, to see whether they move. No contact is
part of it, only where contacts come from (``cohorts.origin_of``).

Times are integer milliseconds since 1970, UTC. Text from outside is as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from watchfloor.domain.blocked_by import Situation
from watchfloor.domain.books import Books
from watchfloor.domain.failing import Failures
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState, RejectKind
from watchfloor.domain.regions import RunOutcome
from watchfloor.domain.views import EngineView, EventView, RunView

#: The form that is written and read; another one is refused in words.
FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """The counters of a run at one moment.

    Attributes:
        heartbeat_at_ms: The engine's last one as of then.
    """

    at_ms: int
    books: Books
    bytes_read: int = 0
    progress_at_ms: int | None = None
    heartbeat_at_ms: int = 0


class StepSetup(NamedTuple):
    """One step as launched.

    Attributes:
        most_attempts: At one record; 0 where the campaign could not be read.
    """

    name: str
    channel: str
    most_attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the run's campaign asks for.

    Attributes:
        kind: phone, email or id.
        retry_share: The most of the dispatch that may go to retries.
        window: The hours in which recipients may be contacted, in words; or empty.
        filter: Who of the valid rows is contacted; or empty.
        fault: Why the campaign could not be read; or empty.
    """

    steps: tuple[StepSetup, ...] = ()
    kind: str = ""
    region: str = ""
    retry_share: float = 0.2
    window: str = ""
    filter: str = ""
    breaker_after: int = 0
    fault: str = ""


class AttemptTally(NamedTuple):
    """Closed attempts that ended alike, of contacts of one origin.

    Attributes:
        again: How many of them were not the first at their record.
        took_ms: Of all of them together.
        longest_ms: Of the longest.
    """

    outcome_class: OutcomeClass | None
    code: str
    step: str
    origin: str
    attempts: int
    again: int
    took_ms: int
    longest_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSample:
    """Closed attempts, counted.

    Attributes:
        records: So many records they are of.
        since_ms: When the first of them ended; None for none.
        until_ms: When the last of them ended; None for none.
        after_permanent: Records that were tried again after a permanent failure.
        twice: Records of which more than one attempt at one step was delivered.
        most_tries: The most attempts at one step of one record.
    """

    tallies: tuple[AttemptTally, ...] = ()
    records: int = 0
    since_ms: int | None = None
    until_ms: int | None = None
    after_permanent: int = 0
    twice: int = 0
    most_tries: int = 0

    @property
    def attempts(self) -> int:
        """How many there are."""
        return sum(one.attempts for one in self.tallies)

    @property
    def again(self) -> int:
        """How many of them were not the first at their record."""
        return sum(one.again for one in self.tallies)

    def count(self, *classes: OutcomeClass) -> int:
        """Return how many of them ended in one of *classes*."""
        return sum(one.attempts for one in self.tallies if one.outcome_class in classes)


class RecordTally(NamedTuple):
    """Records that stand alike, of contacts of one origin."""

    state: RecordState
    outcome_class: OutcomeClass | None
    code: str
    step: str
    origin: str
    records: int


class RejectTally(NamedTuple):
    """Rejected rows of one reason.

    Attributes:
        origin: How the numbers begin that were rejected so; empty where that differs
            too much, and for what is no number.
    """

    kind: RejectKind
    reason: str
    origin: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Numbers of malformed rows, read once more.

    Attributes:
        numbers: So many were.
        by_region: How many of them are valid by a region, most first. What the
            campaign's own region can read stands in another column than the contact.
    """

    numbers: int = 0
    by_region: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another run of the same campaign or over the same file, none of the family.

    Attributes:
        looked_up: So many of this run's contacts were looked for in it.
        shared: So many of those it has too.
    """

    run_id: str
    campaign_name: str
    label: str
    is_live: bool
    created_at_ms: int
    ended_at_ms: int | None = None
    same_campaign: bool = False
    same_upload: bool = False
    same_fingerprint: bool = False
    looked_up: int = 0
    shared: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """Another run of the family: the parent, a retry, a fix file.

    Attributes:
        looked_up: So many delivered records of this run were looked for in it.
        delivered_too: So many of those were delivered by it as well.
    """

    run_id: str
    label: str
    is_child: bool
    outcome: RunOutcome | None
    books: Books
    looked_up: int = 0
    delivered_too: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """What the month's plan allows and what is reserved of it; None for no limit."""

    month: str = ""
    runs: int = 0
    most_runs: int | None = None
    records: int = 0
    most_records: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Commands in the inbox that no engine has taken."""

    commands: int = 0
    oldest_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One run at one moment, or at two.

    Attributes:
        version: Of the program that gathered it.
        as_of_ms: When it was gathered.
        again: The counters a little later; None where they were read once.
        expected_ms: How long it should take by earlier runs; None where none tells.
        upload_sha256: Of the contact file as received.
        recent: The newest attempts.
        whole: Attempts strewn over the whole run.
        records: Records strewn over the whole run.
        baseline_transient: The share of transient and ambiguous attempts in earlier
            healthy runs of the campaign; None where none tells.
        rejects: The reasons of rejected rows, as far as they were looked at.
        rejects_seen: So many of them were.
        readings: Whether other regions could read what was rejected.
        reads: Which run's upload is being read now; empty for none.
        free_bytes: Room beside the store; None where that is not known.
        events: The newest entries of its journal, oldest first.
        results: Of how many records each kind of result was reported.
    """

    version: str = ""
    workspace_id: str = ""
    workspace_name: str = ""
    as_of_ms: int
    engine: EngineView
    run: RunView
    situation: Situation
    again: Counters | None = None
    attempts_per_s: float = 0.0
    done_per_s: float = 0.0
    expected_ms: int | None = None
    setup: Setup = field(default_factory=Setup)
    upload_sha256: str = ""
    failures: Failures = field(default_factory=Failures)
    recent: AttemptSample = field(default_factory=AttemptSample)
    whole: AttemptSample = field(default_factory=AttemptSample)
    records: tuple[RecordTally, ...] = ()
    baseline_transient: float | None = None
    rejects: tuple[RejectTally, ...] = ()
    rejects_seen: int = 0
    readings: Readings = field(default_factory=Readings)
    reads: str = ""
    neighbours: tuple[Neighbour, ...] = ()
    relatives: tuple[Relative, ...] = ()
    plan: PlanState = field(default_factory=PlanState)
    waiting: Waiting = field(default_factory=Waiting)
    free_bytes: int | None = None
    events: tuple[EventView, ...] = ()
    results: Mapping[str, int] = field(default_factory=dict)

    @property
    def counters(self) -> Counters:
        """The counters as they were read first."""
        return Counters(
            at_ms=self.as_of_ms,
            books=self.run.books,
            bytes_read=self.run.bytes_read,
            progress_at_ms=self.run.progress_at_ms,
            heartbeat_at_ms=self.engine.heartbeat_at_ms,
        )

    @property
    def now_ms(self) -> int:
        """The moment that it tells of: of the second reading, if there was one."""
        return self.as_of_ms if self.again is None else self.again.at_ms
