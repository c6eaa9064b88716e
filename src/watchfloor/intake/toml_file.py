"""A bounded TOML file, read and checked against its pydantic model."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from watchfloor.domain.errors import ConfigError
from watchfloor.intake.mistakes import sentences

MAX_BYTES = 1024 * 1024


class StrictForm(BaseModel):
    """A table of the file: no value is converted, no other key is accepted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


Form = TypeVar("Form", bound=StrictForm)


def read_toml_text(path: Path) -> str:
    """Return the text of a file of at most ``MAX_BYTES`` bytes of UTF-8.

    Raises:
        ConfigError: It cannot be read, is too large or is no UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        why = (error.strerror or "it cannot be opened").lower()
        mistake = f"{path}: cannot be read: {why}; check its name and rights"
        raise ConfigError(mistake) from error
    if len(content) > MAX_BYTES:
        raise ConfigError(_too_large(str(path)))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        mistake = f"{path}: line {line}: this is not UTF-8; save the file as UTF-8"
        raise ConfigError(mistake) from error


def checked(
    text: str, form: type[Form], origin: str, unsupported: Collection[str] = ()
) -> Form:
    """Return *text* as the model *form*.

    Args:
        text: TOML.
        form: The file's model; its fields' ``examples`` say what would be right.
        origin: The file's name, for messages.
        unsupported: Dotted keys without list places, designed and not obeyed yet.

    Raises:
        ConfigError: With every mistake.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ConfigError(_too_large(origin))
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        mistake = f"{origin}: {_syntax(error)}"
        raise ConfigError(mistake) from error
    except RecursionError as error:
        mistake = f"{origin}: brackets are nested too deeply; flatten the values"
        raise ConfigError(mistake) from error
    try:
        return form.model_validate(values)
    except ValidationError as error:
        mistakes = sentences(error, form, unsupported)
        raise ConfigError(*(f"{origin}: {one}" for one in mistakes)) from error


def _too_large(origin: str) -> str:
    return f"{origin}: larger than {MAX_BYTES // 1024:,} KiB; move texts out of it"


def _syntax(error: tomllib.TOMLDecodeError) -> str:
    """Turn ``Expected '=' (at line 3, column 5)`` round: the place comes first."""
    what, _, place = str(error).rpartition(" (at ")
    what = what[:1].lower() + what[1:]
    return f"{place.rstrip(')')}: {what}; this is not TOML"
