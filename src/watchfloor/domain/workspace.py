"""The boundary of campaigns, uploads and runs: what all its runs have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from watchfloor.domain.alerts import AlertRules
from watchfloor.domain.reach import Reach
from watchfloor.domain.roles import RoleRules

#: A run of more records than this is not cancelled by one person alone.
VERY_LARGE = 10_000_000
#: The most attempts in flight that a run, a channel or a workspace may be given.
MOST_PERMITS = 10_000
#: The fastest pace that can be asked for while attempts are made.
MOST_RATE_PER_S = 1_000_000.0


class NoticePreset(StrEnum):
    """Which ends and pauses are told by e-mail."""

    DEFAULT = "default"  #: only an end before the launch
    OPS = "ops"  #: job cancels, pauses by the engine and failures too


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all runs together, or all runs through one channel, may do at once.

    Attributes:
        permits: Attempts in flight; None for no limit beside the runs' own.
        rate_per_s: Attempts per second; None for no limit beside the runs' own.
    """

    permits: int | None = None
    rate_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What may be launched in a calendar month of the workspace's zone.

    Attributes:
        monthly_runs: None for no limit.
        monthly_records: None for no limit.
    """

    monthly_runs: int | None = None
    monthly_records: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudget:
    """How much may be retried by hand, and how long a canary may take.

    Attributes:
        retries: Retries of one family: a launch and all that came of it.
        generations: How often one record may be taken up again.
        stage_ms: A stage of a canary is judged at the latest after so long, counted
            while attempts could be made.
    """

    retries: int = 10
    generations: int = 3
    stage_ms: int = 1_800_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsIntake:
    """How providers report results to the engine.

    Attributes:
        token: A reference (``env:NAME`` or ``file:PATH``) to the bearer token.
        rate_per_s: Requests per second.
        max_bytes: Of one request's body.
    """

    token: str = "env:WATCHFLOOR_RESULTS_TOKEN"  # noqa: S105 - a reference, no secret
    rate_per_s: float = 200.0
    max_bytes: int = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """Where the head of the audit chain is noted, and how often.

    Attributes:
        path: A second file beside the workspace's own, as of another disk; or empty.
        every_ms: At least so often while something happens.
        hook: The label of the alerts' hook that is told each one; or empty.
    """

    path: str = ""
    every_ms: int = 900_000
    hook: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The boundary of campaigns, uploads and runs.

    Attributes:
        zone: An IANA name: the zone in which its people read times and in which its
            plan's months begin.
        channels: What runs share by channel name.
        mail: Settings of the server that sends notices, as written; empty for none.
        alerts: Of what people are alerted, how and when.
        audit: Where anchors of the audit chain are noted.
        network_disk: Whether it may lie on a disk that is shared over a network.
        second_person_above: A job cancel of a run with more records needs two people.
        roles: Who is what beside the owner.
        reach: Whom webhooks may contact.
        lent: References to secrets that campaigns of anybody may use.
    """

    workspace_id: str
    name: str
    zone: str = "UTC"
    plan: Plan = field(default_factory=Plan)
    shared: Shared = field(default_factory=Shared)
    channels: Mapping[str, Shared] = field(default_factory=dict)
    mail: Mapping[str, object] = field(default_factory=dict)
    notices: NoticePreset = NoticePreset.DEFAULT
    results: ResultsIntake = field(default_factory=ResultsIntake)
    alerts: AlertRules = field(default_factory=AlertRules)
    second_person_above: int = VERY_LARGE
    network_disk: bool = False
    retry: RetryBudget = field(default_factory=RetryBudget)
    audit: Anchored = field(default_factory=Anchored)
    roles: RoleRules = field(default_factory=RoleRules)
    reach: Reach = field(default_factory=Reach)
    lent: frozenset[str] = frozenset()
