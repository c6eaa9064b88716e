"""A launch before it is asked for: what there is to choose, and what it would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchfloor.domain.errors import Refusal
from watchfloor.domain.views import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignOffer:
    """A campaign file that can be chosen.

    Attributes:
        path: Where it stands.
        name: The campaign's; empty where the file cannot be used.
        summary: Its steps and limits in a few words.
        fault: Why it cannot be used, or empty.
    """

    path: str
    name: str = ""
    summary: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOffer:
    """A contact file that can be chosen, or a folder to look for one in."""

    path: str
    bytes: int
    modified_at_ms: int
    is_folder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """A launch that was checked against every row; nothing is asked yet.

    Attributes:
        ident: What to launch or to drop it with; the run's id once it is launched.
        upload_name: Of the file alone; ``upload_path`` says where it stood.
        sha256: Of the bytes that were checked; they are what is launched.
        columns: Of the contact file.
        rows: Rows read.
        candidates: Rows that can become records; repeats are not told apart yet.
        rejects: Rows that cannot, by kind.
        reasons: The commonest reasons, with their counts.
        unfit: Candidates that no channel could send as they are.
        unfit_examples: The first of them, each with its row and why.
        sample: What every step would send for the first candidate that all of them
            can: pairs of step and part, and its text; contacts are masked.
        warnings: What somebody should know.
        is_streaming: Whether people are contacted while the file is still read.
        obstacle: Why it cannot be launched whatever the plan says, or empty.
        plan: Why the plan would refuse it; empty where it would not.
        limits: Permits and pace as the campaign says, in words.
    """

    ident: str
    campaign_name: str
    campaign_path: str
    upload_name: str
    upload_bytes: int
    columns: tuple[str, ...]
    rows: int
    candidates: int
    upload_path: str = ""
    sha256: str = ""
    rejects: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    unfit: int = 0
    unfit_examples: tuple[str, ...] = ()
    sample: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    is_streaming: bool = False
    obstacle: str = ""
    plan: str = ""
    limits: str = ""


def is_of_ended_twin(receipt: Receipt) -> bool:
    """Whether a launch was refused only because the same has run, and has ended."""
    is_twin = receipt.refusal == Refusal.DUPLICATE_RUN
    return is_twin and not receipt.detail.rstrip(".").endswith("is live)")
