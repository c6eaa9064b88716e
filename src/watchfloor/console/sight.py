"""What the last poll told of the engine, for every screen of one console."""

from __future__ import annotations

from watchfloor.domain.views import EngineView


class EngineSight:
    """Whether an engine lives, as far as the console knows.

    Attributes:
        engine: The owner as last read; None before the first read.
        fault: Why it could not be read; empty where it could.
    """

    def __init__(self) -> None:
        self.engine: EngineView | None = None
        self.fault = ""

    def tell(self, engine: EngineView) -> None:
        """Take what a read told."""
        self.engine, self.fault = engine, ""

    def alarm(self, now_ms: int) -> str:
        """Return what every screen must say of it; nothing while all is well."""
        if self.fault:
            return "engine: not known"
        if self.engine is None or self.engine.is_alive(now_ms):
            return ""
        return "NO ENGINE"
