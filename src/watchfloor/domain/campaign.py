"""What is sent to whom and how: a campaign as frozen values.

The file's form and its mistakes are ``intake.campaign_file``'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.regions import Mode
from watchfloor.domain.retries import HOUR_MS, RetryPolicy
from watchfloor.domain.windows import Window

#: The zone of a window that is each recipient's own.
RECIPIENT = "recipient"
#: How long late provider events are taken, unless the campaign says otherwise.
COLLECT_MS = 30 * 24 * HOUR_MS
#: So many attempts in a row without an answer open a channel's breaker.
BREAKER_AFTER = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Which column is the contact, and what a row needs to become a record.

    Attributes:
        contact: The name of the contact column.
        kind: ``phone``, ``email`` or ``id``.
        region: For phones without +, two letters; or empty.
        region_column: A column that names the region row by row; or empty.
        required: Columns that must not be empty.
        mode: Whether attempts may begin before the audience is complete.
        zone_column: A column that names the recipient's zone; or empty.
        filter: Who of the valid rows is contacted (``docs/guides/filters.md``); empty
            for all of them.
        suppression: Lists of contacts that must not be contacted: files, relative to
            the workspace.
    """

    contact: str
    kind: str = "phone"
    region: str = ""
    region_column: str = ""
    required: tuple[str, ...] = ()
    mode: Mode = Mode.EXTRACT_FIRST
    zone_column: str = ""
    filter: str = ""
    suppression: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStep:
    """One action of the strategy for one record.

    Attributes:
        settings: For the channel, as written in the file; secrets are references.
        when: A filter over the record and its earlier steps: who is taken on to this
            step. Empty for all.
    """

    name: str
    channel: str
    settings: Mapping[str, object] = field(default_factory=dict)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much at once and how fast.

    Attributes:
        permits: Attempts in flight, at least 1.
        rate_per_s: Attempts per second; None for no pacing.
        retry_share: The most of the dispatch that may go to retries, from 0 to 1.
    """

    permits: int = 50
    rate_per_s: float | None = None
    retry_share: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseWhen:
    """When a run pauses itself: too large a share of one outcome class.

    Attributes:
        share: From 0 to 1, of the attempts that ended within ``over_ms``.
        at_least: With fewer ended attempts than this no share means anything.
    """

    outcome_class: OutcomeClass
    share: float
    over_ms: int
    at_least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What pauses a run without a person.

    Attributes:
        breaker_after: So many attempts in a row without an answer open the channel's
            breaker; 0 for no breaker.
    """

    pause_when: PauseWhen | None = None
    breaker_after: int = BREAKER_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign as launched.

    Attributes:
        notify: E-mail addresses that are told when a run ends before its launch.
        window: When a recipient may be contacted; None for always.
        callback_expire_ms: From its due time; a promise that could not be kept until
            then expires.
        approval_after: After so many attempts the run waits for a person's word.
        collect_ms: How long late provider events are taken after the end.
    """

    campaign_id: str
    name: str
    audience: Audience
    steps: tuple[CampaignStep, ...]
    limits: Limits = field(default_factory=Limits)
    notify: tuple[str, ...] = ()
    published: bool = True
    window: Window | None = None
    callback_expire_ms: int = 48 * HOUR_MS
    approval_after: int | None = None
    guard: Guard = field(default_factory=Guard)
    collect_ms: int = COLLECT_MS

    @property
    def is_by_recipient(self) -> bool:
        """Whether every recipient's own zone decides about the window."""
        return self.window is not None and self.window.zone == RECIPIENT
