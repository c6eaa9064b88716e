"""Every error Watchfloor raises on purpose.

    WatchfloorError
    ├── RefusedError      the request was understood and declined, by name
    ├── NotFoundError     no such run, record, channel, file
    ├── ConfigError       a setting, file or plug-in cannot be used as given
    └── StoreError        the workspace's files cannot be used as they are
        └── OwnedError    another process owns the workspace

The text of each is a sentence for an operator: what happened, to what, what was not
done, what to do next. Anything that is not a ``WatchfloorError`` is a bug.
"""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why a command was declined. The value is the name an operator sees."""

    INTENT_PENDING = "INTENT_PENDING"
    ALREADY_PAUSED = "ALREADY_PAUSED"
    NOT_PAUSED = "NOT_PAUSED"
    NEEDS_PAUSE = "NEEDS_PAUSE"
    STOPPING = "STOPPING"
    ALREADY_STOPPING = "ALREADY_STOPPING"
    CANCELLING = "CANCELLING"
    ALREADY_ENDED = "ALREADY_ENDED"
    LAUNCHED_AT = "LAUNCHED_AT"
    DRIFTED = "DRIFTED"
    PLAN_LIMIT = "PLAN_LIMIT"
    DUPLICATE_RUN = "DUPLICATE_RUN"
    SECOND_PERSON = "SECOND_PERSON"
    NOT_YET = "NOT_YET"
    NOT_UNKNOWN = "NOT_UNKNOWN"
    STILL_LIVE = "STILL_LIVE"
    PURGED = "PURGED"
    EMPTY_COHORT = "EMPTY_COHORT"
    ONLY_PERMANENT = "ONLY_PERMANENT"
    RETRY_LIMIT = "RETRY_LIMIT"
    RESTORED = "RESTORED"
    NO_ROOM = "NO_ROOM"
    NOT_ALLOWED = "NOT_ALLOWED"
    READ_ONLY = "READ_ONLY"


#: What each refusal means and what can be done next, in one sentence each.
EXPLANATIONS: dict[Refusal, str] = {
    Refusal.INTENT_PENDING: (
        "an equal or stronger command is already requested; wait for it to be applied"
    ),
    Refusal.ALREADY_PAUSED: "the run is paused or pausing; resume it, or stop it",
    Refusal.NOT_PAUSED: "the run is not paused; there is nothing to resume",
    Refusal.NEEDS_PAUSE: (
        "the run is launched, and cancel works on a paused run; pause it first"
    ),
    Refusal.STOPPING: "the run is stopping; wait until it has stopped",
    Refusal.ALREADY_STOPPING: "the run is stopping already; wait until it has stopped",
    Refusal.CANCELLING: "the run is being cancelled; wait until it has ended",
    Refusal.ALREADY_ENDED: "the run has ended; nothing can change it any more",
    Refusal.LAUNCHED_AT: (
        "the run was launched before the cancel could be applied; pause it, then cancel"
    ),
    Refusal.DRIFTED: (
        "the figures changed since they were shown; decide again on the new ones"
    ),
    Refusal.PLAN_LIMIT: (
        "the monthly limit is used up; wait for the next month or raise it"
    ),
    Refusal.DUPLICATE_RUN: (
        "a run of this campaign over this very upload is live or ended recently; "
        "look at that run first"
    ),
    Refusal.SECOND_PERSON: (
        "the run is very large; a second person must ask for the same within 15 minutes"
    ),
    Refusal.NOT_YET: (
        "it cannot be done as things stand; look at the state and try again later"
    ),
    Refusal.NOT_UNKNOWN: (
        "none of these records is unknown now; only what is unknown can be resolved"
    ),
    Refusal.STILL_LIVE: (
        "the run has not ended and its retries are its own; wait for its end, or "
        "stop it"
    ),
    Refusal.PURGED: (
        "the people of the family were taken out, and nobody knows any more whom it "
        "contacted; launch the campaign anew"
    ),
    Refusal.EMPTY_COHORT: (
        "no record that is selected can be retried; select others, or leave it"
    ),
    Refusal.ONLY_PERMANENT: (
        "every record that is selected failed for good, and that is never retried; "
        "correct the rows and launch them as a fix file"
    ),
    Refusal.RETRY_LIMIT: (
        "the retry budget is used up; find the cause, or raise it in the workspace's "
        "file"
    ),
    Refusal.RESTORED: (
        "the run came back from a backup, and what was sent after that is not known "
        "here; look with the provider, then cancel it, or confirm by the number of "
        "records that may be contacted twice"
    ),
    Refusal.NO_ROOM: (
        "the store has room only for the outcomes of what is in flight; make room on "
        "its disk, then ask again"
    ),
    Refusal.NOT_ALLOWED: "this session may not do that; nothing was done",
    Refusal.READ_ONLY: "this session only looks; open one that may act",
}


class WatchfloorError(Exception):
    """Base of every deliberate error; its text is fit to show an operator."""


class RefusedError(WatchfloorError):
    """The request was understood and declined. Nothing was changed.

    Attributes:
        refusal: The name of the no.
        detail: The particulars of this case, or an empty string.
    """

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        text = f"{refusal}: {EXPLANATIONS[refusal]}"
        super().__init__(f"{text} ({detail})" if detail else text)
        self.refusal = refusal
        self.detail = detail


class NotFoundError(WatchfloorError):
    """No row, file or plug-in answers to this name."""


class ConfigError(WatchfloorError):
    """A setting, file or plug-in cannot be used as given.

    Attributes:
        mistakes: Every mistake found, each a sentence with its place; at least one.
    """

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class StoreError(WatchfloorError):
    """The workspace's files cannot be used as they are; nothing was written."""


class OwnedError(StoreError):
    """Another process owns the workspace; this one may read and ask, not dispatch."""
