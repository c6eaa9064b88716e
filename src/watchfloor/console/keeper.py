"""The engine beside the screens, as a console has it: started, taken, handed on."""

from __future__ import annotations

from typing import Protocol


class Keeper(Protocol):
    """Has the engine of this process, or starts one.

    Every method blocks but ``awaited`` and ``give_up``.

    Attributes:
        hindrance: What kept the engine from starting with the screens, for good as far
            as anybody can tell; empty for nothing.
    """

    hindrance: str

    def start(self, *, patience_s: float = 0.0, seizes: bool = False) -> str:
        """Start an engine in this process, where none runs.

        Args:
            patience_s: How long to wait for whoever owns the workspace to let go; for
                one that drains, as long as it says that it takes.
            seizes: Whether an owner that does not answer is passed over.

        Returns:
            Why there is none; empty where it runs.
        """
        ...

    def is_owned(self) -> bool:
        """Whether a living process owns the workspace, this one too."""
        ...

    def awaited(self) -> str:
        """Return whose end a start waits for, and what leaving does to that wait.

        Empty for nobody's.
        """
        ...

    def give_up(self) -> str:
        """Start none from now on, and wait for nobody: the console is being left.

        Returns:
            Whose end was waited for, and what to do about it; empty for nobody's.
        """
        ...

    def hand_on(self) -> str:
        """Have an engine without a screen stand by until this one has let go.

        Returns:
            Why there is none; empty where it stands by.
        """
        ...
