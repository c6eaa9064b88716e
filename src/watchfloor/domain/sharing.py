"""Limits that several runs share, by scope, and who uses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watchfloor.domain.workspace import Shared, Workspace

#: The scope of what all runs share.
WORKSPACE: Final = "workspace"


def channel_scope(name: str) -> str:
    """Return the scope of what all runs through one channel share."""
    return f"channel:{name}"


def filed_limits(workspace: Workspace) -> dict[str, Shared]:
    """Return the limits that a workspace's file sets, by scope."""
    return {WORKSPACE: workspace.shared} | {
        channel_scope(name): shared for name, shared in workspace.channels.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedUse:
    """One limit that several runs share, and who uses it.

    Attributes:
        scope: ``workspace`` or ``channel:NAME``.
        in_flight: Attempts in flight of the live runs that it binds.
        holders: Those runs' ids with their attempts in flight, most first.
    """

    scope: str
    permits: int | None = None
    rate_per_s: float | None = None
    in_flight: int = 0
    holders: tuple[tuple[str, int], ...] = ()

    @property
    def is_full(self) -> bool:
        """Whether every permit is in use."""
        return self.permits is not None and self.in_flight >= self.permits
