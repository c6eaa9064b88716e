"""What every screen of one console shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from watchfloor.console.desk import Desk
from watchfloor.console.safety import SafetyCatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who looks at what, with which rights.

    Attributes:
        clock: Milliseconds since 1970, UTC.
        own_pid: This process, to tell its engine from another's.
    """

    desk: Desk
    workspace_name: str
    operator: str
    clock: Callable[[], int]
    read_only: bool = False
    own_pid: int = 0
    catch: SafetyCatch = field(default_factory=SafetyCatch)

    @property
    def is_armed(self) -> bool:
        """Whether a command passes at this moment."""
        return not self.read_only and self.catch.is_armed(self.clock())
