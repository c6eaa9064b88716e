"""Why an engine let go in good order, and what that means for its runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from watchfloor.domain.moments import at_minute
from watchfloor.domain.regions import Gate
from watchfloor.domain.views import EngineView, RunView


class Leaving(StrEnum):
    """Why; stored on the lease and told to whoever looks afterwards."""

    HANG_UP = "hang-up"
    SIGNAL = "signal"
    QUIT = "quit"
    HANDED_ON = "handed on"
    TAKEN_OVER = "take-over"
    IDLE = "idle"
    STORE_GONE = "store gone"


_WORDS: Final = {
    Leaving.HANG_UP: "interrupted by a hang-up",
    Leaving.SIGNAL: "interrupted by a stop signal",
    Leaving.QUIT: "interrupted when the console was left",
    Leaving.HANDED_ON: "handed on, and no engine took it",
    Leaving.TAKEN_OVER: "let go for a take-over, and no engine took it",
    Leaving.STORE_GONE: "interrupted when files of its store were moved or deleted",
}


def left_words(engine: EngineView, now_ms: int) -> str:
    """Return how the last engine let go and when: ``interrupted by a hang-up at 3:12``.

    Empty while an engine lives, and where the last one died or had nothing to do.
    """
    words = _WORDS.get(Leaving(engine.left)) if engine.left in _KNOWN else None
    if words is None or not engine.left_at_ms or engine.is_alive(now_ms):
        return ""
    return f"{words} at {at_minute(engine.left_at_ms, now_ms)}"


def interruption(run: RunView, engine: EngineView, now_ms: int) -> str:
    """Return what interrupted a run; empty where nothing did.

    Only what was under way is interrupted: a run that was launched since waits for its
    first engine, and one that somebody paused goes on by a word, not by an engine.
    """
    life = run.lifecycle
    begun_ms = run.started_at_ms
    if life.is_ended or life.gate is not Gate.OPEN or begun_ms is None:
        return ""
    return left_words(engine, now_ms) if begun_ms <= engine.left_at_ms else ""


_KNOWN: Final = frozenset(Leaving)
