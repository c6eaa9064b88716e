"""What the last poll told of the engine, for every screen of one console."""

from __future__ import annotations

from watchfloor.console.figures import clock_time
from watchfloor.domain.views import EngineView

#: Several polls, also of a calm console.
STALE_MS = 15_000


class EngineSight:
    """Whether an engine lives, as far as the console knows.

    Attributes:
        engine: The owner as last read; None before the first read.
        fault: Why it could not be read; empty where it could.
    """

    def __init__(self) -> None:
        self.engine: EngineView | None = None
        self.fault = ""
        self._told_at_ms = 0
        self._alert: int | None = None
        self._store = 0
        self._ended_pid = 0

    def tell(self, engine: EngineView, now_ms: int) -> None:
        """Take what a read told at this moment."""
        self.engine, self.fault, self._told_at_ms = engine, "", now_ms

    def see_end(self) -> None:
        """Take it that the engine has ended: its last heartbeat may look fresh yet."""
        self._ended_pid = 0 if self.engine is None else self.engine.pid

    def lives(self, now_ms: int) -> bool:
        """Whether an engine lives, as far as the console has heard of it."""
        engine = self.engine
        if engine is None or engine.pid == self._ended_pid:
            return False
        return engine.is_alive(now_ms)

    def is_news(self, alert: int) -> bool:
        """Take the newest alert's number; return whether it came since the last read.

        What stood when the console was opened is no news.
        """
        before, self._alert = self._alert, alert
        return before is not None and alert > before

    def is_other(self, store: int) -> bool:
        """Take which store was read; return whether it replaced the one before.

        Of that one nothing is known any more.
        """
        before, self._store = self._store, store
        if before in (0, store):
            return False
        self.engine, self.fault, self._alert = None, "", None
        return True

    def doubt(self, now_ms: int) -> str:
        """Return why nothing is known of the engine; nothing where something is."""
        if self.fault or not self.is_stale(now_ms):
            return self.fault
        return f"the store has not answered since {clock_time(self._told_at_ms)}"

    def alarm(self, now_ms: int) -> str:
        """Return what every screen must say of it; nothing while all is well."""
        if self.doubt(now_ms):
            return "engine: not known"
        # Judged as of the read: an old answer says nothing about now.
        if self.engine is None:
            return ""
        if self.engine.hangs:
            return "ENGINE HANGS"
        if self.engine.is_unseen:
            return "ENGINE DOES NOT ANSWER"
        if not self.engine.is_alive(self._told_at_ms):
            return "NO ENGINE"
        return "STORE FAULT" if self.engine.fault else ""

    def is_stale(self, now_ms: int) -> bool:
        """Whether what was told last is too old to say anything about now."""
        return self.engine is not None and now_ms - self._told_at_ms > STALE_MS
