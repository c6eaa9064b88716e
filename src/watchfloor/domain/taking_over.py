"""Taking a workspace over: who owns it, what that does, and what must be typed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from watchfloor.domain.draining import ABOUT_A_HOLDER, Drain, drain_words, holder_words
from watchfloor.domain.moments import at_minute, span_text
from watchfloor.domain.views import EngineView

#: What must be typed to ask an engine to let go; and to pass over one that hangs.
TAKE_OVER: Final = "take over"
SEIZE: Final = "seize"

#: An engine that lives answers in a fraction of this; who asks waits no longer.
ANSWER_S: Final = 10.0
#: An owner sends nothing on an older proof that the workspace is its own. Nobody passes
#: it over sooner: it is asked for longer before anybody may.
PROOF_S: Final = ANSWER_S / 2
#: For one that has answered to drain and let go: its grace, and what it closes.
LET_GO_S: Final = 120.0


def take_over_payload(seen: EngineView, now_ms: int) -> dict[str, object]:
    """Return what is asked of the engine that was seen: of no other one, and for now.

    One that hangs, and hears of it when nobody waits any more, must not leave the runs
    alone.
    """
    return {"epoch": seen.epoch, "until_ms": now_ms + round(ANSWER_S * 1_000)}


def owner_words(engine: EngineView, now_ms: int) -> str:
    """Return who owns the workspace, since when, and how old its heartbeat is."""
    age_s = max(0, now_ms - engine.heartbeat_at_ms) / 1_000
    return (
        f"{engine.owner}, pid {engine.pid} on {engine.host or 'this machine'}, since "
        f"{at_minute(engine.started_at_ms, now_ms)}, last heartbeat "
        f"{span_text(age_s)} ago"
    )


def take_over_lines() -> tuple[str, ...]:
    """Return what asking the owner to let go does."""
    return (
        "That engine is asked to drain: its attempts in flight end, none is begun.",
        "Then it lets go, and the runs go on with an engine here.",
        "If it has a console, that stays open, as a console of this engine.",
    )


def seize_lines(engine: EngineView, now_ms: int) -> tuple[str, ...]:
    """Return what is known of a silent owner, and what passing it over does."""
    age_s = max(0, now_ms - engine.heartbeat_at_ms) / 1_000
    where = f"pid {engine.pid} on {engine.host or 'this machine'}"
    last = f"its last heartbeat came {span_text(age_s)} ago"
    return (
        f"{where} holds the lock and took no command; {last}.",
        "It is stopped, or hangs. Nothing is killed here; look at it first.",
        "Passed over, it can store nothing any more, and ends when it notices.",
        "What it had in flight is accounted for as after a crash.",
        "It begins nothing more when it wakes; what it was sending may go out.",
    )


def beats_still(owner: EngineView, now_ms: int) -> bool:
    """Whether what an owner proved last may still hold: nobody passes it over then.

    Only what is stored counts. Who asks may have looked minutes ago.
    """
    return replace(owner, is_held=False).is_alive(now_ms, round(PROOF_S * 1_000))


def beats_still_said(owner: EngineView, now_ms: int) -> str:
    """Return why an owner that did not answer is not passed over now."""
    return (
        f"the owner lives and stores again: {owner_words(owner, now_ms)}. It was not "
        "passed over, and nothing was changed. Ask it once more to let go: watchfloor "
        f"engine --take-over. Where it still takes no command, {ending_said(owner)}"
    )


def ending_said(owner: EngineView) -> str:
    """Return how an owner that takes no command is ended, and what that does."""
    return (
        f"end that process, on {owner.host or 'this machine'}: kill {owner.pid}. It "
        "drains then: its attempts in flight end, and none is begun. Only where it "
        f"does not: kill -9 {owner.pid}. That cuts them off, and the next engine "
        "accounts for each as after a crash, by its channel's mode: sent again with "
        "the same key, or unknown"
    )


def not_taken_said(holder: str) -> str:
    """Return why nobody is asked where one holds the workspace that hears nothing."""
    return (
        f"{holder_words(holder)}: it can neither be asked nor passed over. Nothing was "
        f"changed; {ABOUT_A_HOLDER}"
    )


def drain_lines(drain: Drain, now_ms: int) -> tuple[str, ...]:
    """Return what waiting for an engine does that ends already."""
    return (
        f"That engine {drain_words(drain, now_ms)}.",
        "Nothing is asked of it: its attempts in flight end, none is begun.",
        "When it has ended, the runs go on with an engine here.",
    )
