"""A command as it lies in an inbox, whichever form the inbox has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from watchfloor.domain.roles import Identity
from watchfloor.store.plain_json import plain_json

#: Of a reason, and of any other text. What is refused is kept for good too.
MOST_CHARS: Final = 16 * 1024
MOST_NAME_CHARS: Final = 500
#: What is kept of each text of somebody who may not ask for it.
MOST_KEPT_CHARS: Final = 200
#: The last moment of the year 9999: of a later one no calendar tells.
LATEST_MS: Final = 253_402_300_799_999
TEXTS: Final = ("command_id", "verb", "run_id", "by", "origin", "why", "role")


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


def check_sound(command: Command) -> None:
    """Check that a command is one that every store takes, whatever it asks for.

    Raises:
        ValueError: It is none; a ``TypeError`` says the same.
    """
    texts = [getattr(command, name) for name in TEXTS]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("texts are texts")
    if too_long(command):
        raise ValueError("a text of a size that nobody writes")
    if not _is_moment(command.at_ms):
        raise ValueError("no moment")
    if not isinstance(command.payload, dict) or not command.command_id:
        raise ValueError("no payload")


def too_long(command: Command) -> str:
    """Return which text has more characters than any asker writes; empty for none."""
    for name in TEXTS:
        if len(getattr(command, name)) > _most_chars(name):
            return name
    return ""


def refusable(command: Command) -> Command:
    """Return a command as the store takes it, to be refused: cut, and replaced.

    What is no text is told as Python tells it, and what is no moment is the first one.
    """
    texts: dict[str, Any] = {
        name: _plain(getattr(command, name), _most_chars(name)) for name in TEXTS
    }
    at_ms = command.at_ms if _is_moment(command.at_ms) else 0
    payload: Any = {}
    with suppress(ValueError, TypeError, RecursionError):
        payload = plain_json(json.dumps(command.payload))
    payload = payload if isinstance(payload, dict) else {}
    return replace(command, at_ms=at_ms, payload=payload, **texts)


def curtailed(command: Command) -> Command:
    """Return a command with as much of its texts as tells what was asked.

    Of its id everything: by that its asker finds the answer.
    """
    texts: dict[str, Any] = {
        name: getattr(command, name)[:MOST_KEPT_CHARS]
        for name in TEXTS
        if name != "command_id"
    }
    return replace(command, **texts)


def _is_moment(at_ms: object) -> bool:
    return type(at_ms) is int and 0 <= at_ms <= LATEST_MS


def _most_chars(name: str) -> int:
    return MOST_CHARS if name == "why" else MOST_NAME_CHARS


def _plain(text: object, most: int) -> str:
    said = text if isinstance(text, str) else repr(text)
    return said[:most].encode(errors="replace").decode()
