"""Which suppression lists a campaign names, whatever else is wrong with it."""

from __future__ import annotations

from pathlib import PurePosixPath

from pydantic import TypeAdapter, ValidationError

from watchfloor.domain.errors import ConfigError
from watchfloor.intake.audience_form import ListPath
from watchfloor.intake.toml_file import tables

_PATH: TypeAdapter[str] = TypeAdapter(ListPath)


def named_lists(text: str) -> tuple[str, ...]:
    """Return the lists that a campaign file names, relative to the workspace.

    One file has one name here, however it is written: ``./a//b`` is ``a/b``. What no
    launch would accept as a name is none.
    """
    try:
        audience = tables(text, "").get("audience")
    except ConfigError:
        return ()
    named = audience.get("suppression") if isinstance(audience, dict) else None
    found = named if isinstance(named, list) else []
    return tuple(dict.fromkeys(name for one in found if (name := _name(one))))


def _name(one: object) -> str:
    """Return a list's name as files are called; empty where it is none."""
    try:
        path = _PATH.validate_python(one, strict=True)
    except ValidationError:
        return ""
    return PurePosixPath(path).as_posix()
