"""The five steps to a launch: what was chosen, and what is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from watchfloor.console.keymap import Keymap
from watchfloor.console.questions import Question
from watchfloor.console.session import Session
from watchfloor.domain.errors import Refusal
from watchfloor.domain.prospects import CampaignOffer, Prospect, UploadOffer

#: What a twin of an ended run wants typed, here as on the command line.
AGAIN = "again"
READ_ONLY = "READ ONLY: this session checks and launches nothing; open one that may act"


class Step(IntEnum):
    """The steps, in the order in which they are gone through."""

    CAMPAIGN = 1
    UPLOAD = 2
    CHECKS = 3
    RENDER = 4
    REVIEW = 5

    @property
    def title(self) -> str:
        """How it is called above the page."""
        return _TITLES[self]

    @property
    def is_choosing(self) -> bool:
        """Whether there is a field to write in and a list to choose from."""
        return self in (Step.CAMPAIGN, Step.UPLOAD)


_TITLES = {
    Step.CAMPAIGN: "Campaign",
    Step.UPLOAD: "Contact file",
    Step.CHECKS: "Checks",
    Step.RENDER: "Dry render",
    Step.REVIEW: "Review",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was chosen, to go on with later. What was checked is never kept."""

    campaign: CampaignOffer | None = None
    upload: UploadOffer | None = None
    step: Step = Step.CAMPAIGN


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How far the check of what was chosen is.

    Attributes:
        rows: Rows read so far.
        failure: Why there is nothing to launch; sentences, one a line.
        prospect: What was found; None until the last row was read.
    """

    is_under_way: bool = False
    rows: int = 0
    failure: str = ""
    prospect: Prospect | None = None


def missing(draft: Draft, check: Check, keymap: Keymap) -> str:
    """Return what the step of a draft still needs before the next one; or nothing."""
    takes = f"{keymap.key('wizard.choose')} takes"
    if draft.step is Step.CAMPAIGN and draft.campaign is None:
        return f"No campaign is chosen yet: {takes} the one under the cursor."
    if draft.step is Step.UPLOAD and draft.upload is None:
        return f"No contact file is chosen yet: {takes} the one under the cursor."
    if draft.step is Step.REVIEW:
        return "This is the last step."
    if draft.step < Step.CHECKS or check.prospect is not None:
        return ""
    if check.is_under_way:
        return "The check reads the file still; the next step needs every row."
    return "The check found nothing that can be launched; see above."


def blocked(check: Check, session: Session) -> str:
    """Return why what was checked cannot be launched now, as far as is known here."""
    found = check.prospect
    if session.read_only:
        return READ_ONLY
    if found is None:
        return "nothing is checked"
    if found.obstacle:
        return found.obstacle
    if found.plan:
        return f"the plan would refuse it: {found.plan}"
    if not session.is_armed:
        arm, yes = map(session.keymap.key, ("wizard.arm", "wizard.launch"))
        return f"disarmed: press {arm} to arm for five minutes, then {yes}"
    return ""


def matching(offers: Sequence[CampaignOffer], typed: str) -> tuple[CampaignOffer, ...]:
    """Return the campaigns in whose name or path every word that was typed occurs."""
    words = typed.casefold().split()
    return tuple(
        offer
        for offer in offers
        if all(word in f"{offer.name} {offer.path}".casefold() for word in words)
    )


def typed_path(typed: str) -> str:
    """Return the path of a campaign file that was written out; or nothing."""
    path = typed.strip()
    return path if "/" in path or path.endswith(".toml") else ""


def file_name(path: str) -> str:
    """Return the last part of a path."""
    return path.rstrip("/").rpartition("/")[2] or path


def twin_question(prospect: Prospect, why: str) -> Question:
    """Return what is asked before the same people are contacted once more."""
    return Question(
        title=f"Launch {prospect.campaign_name} once more?",
        state=f"over {prospect.upload_name}",
        lines=(
            f"Up to {prospect.candidates:,} people are contacted AGAIN.",
            "Nothing takes back what was sent.",
        ),
        note=f"{Refusal.DUPLICATE_RUN}: {why}.",
        yes="Yes, launch it again",
        no="No, launch nothing",
        typed=AGAIN,
    )
