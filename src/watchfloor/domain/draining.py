"""An engine that ends, comes or stands still: what everybody is told of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from watchfloor.domain.moments import age_text, at_minute

_MINUTE_MS: Final = 60_000
#: What the lock says of a holder that only applies a command.
FOR_A_MOMENT: Final = "for a moment"


class Drain(NamedTuple):
    """How far an engine is that ends, as it tells itself.

    Attributes:
        since_ms: When it began to drain.
        until_ms: When it has ended at the latest.
        in_flight: Attempts that began and whose outcome is not stored.
    """

    since_ms: int
    until_ms: int
    in_flight: int


def drain_words(drain: Drain, now_ms: int) -> str:
    """Return ``drains, 10 in flight, since 14:55; ends by 15:05 at the latest``."""
    return f"drains, {drain_figures(drain, now_ms)}"


def drain_figures(drain: Drain, now_ms: int) -> str:
    """Return the same without the word for it."""
    # The next full minute: what is promised must not be too early.
    until_ms = -(-drain.until_ms // _MINUTE_MS) * _MINUTE_MS
    return (
        f"{drain.in_flight:,} in flight, since "
        f"{at_minute(drain.since_ms, now_ms)}; ends by {at_minute(until_ms, now_ms)} "
        "at the latest"
    )


def wait_s(drain: Drain, now_ms: int) -> int:
    """Return for how many seconds an engine is to wait that comes after it."""
    return max(1, -(-(drain.until_ms - now_ms) // 1_000))


def waits_for_it(drain: Drain, now_ms: int) -> str:
    """Return the command that goes on when it has ended."""
    return f"watchfloor engine --wait {wait_s(drain, now_ms)}"


def hang_words(pid: int, heartbeat_at_ms: int, now_ms: int) -> str:
    """Return ``hangs: last heartbeat 12 s ago, and its process 4711 lives``."""
    last = age_text(heartbeat_at_ms, now_ms)
    return f"hangs: last heartbeat {last} ago, and its process {pid} lives"


#: What is not known of an owner whose lock this account may not read.
NOT_TOLD: Final = (
    "whether its process lives cannot be told: its lock cannot be read from this "
    "account"
)


def unseen_words(heartbeat_at_ms: int, now_ms: int) -> str:
    """Return what is known of one that is silent, where its lock tells nothing."""
    last = age_text(heartbeat_at_ms, now_ms)
    return f"does not answer: last heartbeat {last} ago; {NOT_TOLD}"


#: What to do about such a one: its account sees whether it hangs or is gone.
ABOUT_UNSEEN: Final = (
    "ask whoever owns the workspace to look, from their account: watchfloor status"
)
#: What to do about one that hangs: it is asked first, and passed over only by a word.
ABOUT_A_HANG: Final = "look at that process, or: watchfloor engine --take-over"


def at_words(holder: str) -> str:
    """Return what a holder of the workspace is at whom no heartbeat tells of yet.

    Args:
        holder: As the lock names it.
    """
    return "applies a command" if FOR_A_MOMENT in holder else "is starting"


def holder_words(holder: str) -> str:
    """Return ``engine of nora (pid 7 on desk) is starting``."""
    return f"{holder.removesuffix(f', {FOR_A_MOMENT}')} {at_words(holder)}"


#: What to do about one that does not come to an end with that: nothing, at first.
ABOUT_A_HOLDER: Final = "wait for that; where it takes long, look at that process"
