"""Who asks and who owns, as the operating system knows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and from where.

    Attributes:
        role: The most they are to be here, of a forced command; empty for all they are.
    """

    by: str
    origin: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who takes a workspace: for the header of every screen and for the log."""

    name: str
    pid: int
    host: str
