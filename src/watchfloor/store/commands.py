"""A command as it lies in an inbox, whichever form the inbox has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from watchfloor.domain.roles import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing asked of the engine.

    Attributes:
        command_id: Made by the asker; asking twice with one id has one effect.
        verb: launch, pause, resume, stop or cancel.
        by: Who, in the asker's own words; ``asker`` says who it was.
        origin: From where: a host and terminal, for the audit.
        payload: What the verb needs: the figures seen, or the launch's campaign.
        role: The most the asker is to be, of a forced command; empty for all they are.
        asker: Whose file it came in, as the system knows them. Set by who reads an
            inbox; None for what was asked inside the engine's own process.
    """

    command_id: str
    at_ms: int
    verb: str
    run_id: str
    by: str
    origin: str = ""
    why: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    role: str = ""
    asker: Identity | None = field(default=None, compare=False)
