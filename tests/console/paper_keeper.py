"""What has the engine of a console's process, out of a few answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event


@dataclass
class PaperKeeper:
    """Writes down what is asked of it.

    Attributes:
        hindrance: What kept one from starting with the screens.
        why: Why no engine is started, and none stands by; empty where one is.
        owned: Whether a living process owns the workspace.
        waits_for: What giving up tells; while it is set, a start waits for that.
        started: How long each start was to wait, and whether it passed the owner over.
        handed_on: How often an engine without a screen was asked for.
    """

    hindrance: str = ""
    why: str = ""
    owned: bool = False
    started: list[tuple[float, bool]] = field(default_factory=list)
    handed_on: int = 0
    waits_for: str = ""
    left: Event = field(default_factory=Event, compare=False)

    def start(self, *, patience_s: float = 0.0, seizes: bool = False) -> str:
        """Start, unless there is a reason not to."""
        self.started.append((patience_s, seizes))
        if self.waits_for:
            self.left.wait()
        return self.why

    def is_owned(self) -> bool:
        """Return whether it is, as told."""
        return self.owned

    def awaited(self) -> str:
        """Return what leaving would end, while a start waits."""
        is_waiting = self.waits_for and self.started and not self.left.is_set()
        return f"Leaving ends the wait: {self.waits_for}." if is_waiting else ""

    def give_up(self) -> str:
        """Let a start wait no longer."""
        self.left.set()
        return self.waits_for

    def hand_on(self) -> str:
        """Stand by, unless there is a reason not to."""
        self.handed_on += 1
        return self.why
