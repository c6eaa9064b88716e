"""What is sent to whom and how: a campaign as frozen values.

The file's form and its mistakes are ``intake.campaign_file``'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchfloor.domain.regions import Mode
from watchfloor.domain.retries import RetryPolicy


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
    """

    contact: str
    kind: str = "phone"
    region: str = ""
    region_column: str = ""
    required: tuple[str, ...] = ()
    mode: Mode = Mode.EXTRACT_FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStep:
    """One action of the strategy for one record.

    Attributes:
        settings: For the channel, as written in the file; secrets are references.
    """

    name: str
    channel: str
    settings: Mapping[str, object] = field(default_factory=dict)
    retry: RetryPolicy = field(default_factory=RetryPolicy)


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
class Campaign:
    """A campaign as launched."""

    campaign_id: str
    name: str
    audience: Audience
    steps: tuple[CampaignStep, ...]
    limits: Limits = field(default_factory=Limits)
    notify: tuple[str, ...] = ()
    published: bool = True
