"""What has the engine of a console's process, out of a few answers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class PaperKeeper:
    """Writes down what is asked of it.

    Attributes:
        hindrance: What kept one from starting with the screens.
        why: Why no engine is started, and none stands by; empty where one is.
        owned: Whether a living process owns the workspace.
        started: How long each start was to wait, and whether it passed the owner over.
        handed_on: How often an engine without a screen was asked for.
    """

    hindrance: str = ""
    why: str = ""
    owned: bool = False
    started: list[tuple[float, bool]] = field(default_factory=list)
    handed_on: int = 0

    def start(self, *, patience_s: float = 0.0, seizes: bool = False) -> str:
        """Start, unless there is a reason not to."""
        self.started.append((patience_s, seizes))
        return self.why

    def is_owned(self) -> bool:
        """Return whether it is, as told."""
        return self.owned

    def hand_on(self) -> str:
        """Stand by, unless there is a reason not to."""
        self.handed_on += 1
        return self.why
