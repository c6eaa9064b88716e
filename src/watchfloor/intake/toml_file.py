"""A bounded TOML file, read and checked against its pydantic model."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.text import clean
from watchfloor.intake.mistakes import sentences
from watchfloor.intake.plain_file import opened

MAX_BYTES = 1024 * 1024
MAX_MISTAKES = 100
_MAX_SYNTAX_CHARS = 200
#: The parser's time grows with the square of a key's parts: ``[a.a.a.a`` and so on.
_ENDLESS_KEY = re.compile(r"""(?<![\w"'-])(?:[\w"'-]+[ \t]*\.[ \t]*){100}""")


class StrictForm(BaseModel):
    """A table of the file: no value is converted, no other key is accepted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


Form = TypeVar("Form", bound=StrictForm)


def read_toml_text(path: Path) -> str:
    """Return the text of a file of at most ``MAX_BYTES`` bytes of UTF-8.

    Raises:
        ConfigError: It cannot be read, is too large or is no UTF-8.
    """
    name = clean(path)
    try:
        file, _ = opened(path)
        with BufferedReader(file) as reader:
            content = reader.read(MAX_BYTES + 1)
    except OSError as error:
        why = (error.strerror or "it cannot be opened").lower()
        mistake = f"{name}: cannot be read: {why}; check its name and rights"
        raise ConfigError(mistake) from error
    if len(content) > MAX_BYTES:
        raise ConfigError(_too_large(name))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        mistake = f"{name}: line {line}: this is not UTF-8; save the file as UTF-8"
        raise ConfigError(mistake) from error


def checked(
    text: str,
    form: type[Form],
    origin: str,
    rules: Callable[[Mapping[str, object]], Iterable[str]] | None = None,
) -> Form:
    """Return *text* as the model *form*.

    Args:
        text: TOML.
        form: The file's model; its fields' ``examples`` say what would be right.
        origin: The file's name, for messages.
        rules: What holds between the file's keys. They get the tables as written, be
            the types right or not, and answer with the mistakes, each with its place.

    Raises:
        ConfigError: With every mistake, up to ``MAX_MISTAKES`` of them.
    """
    origin = clean(origin)
    values = tables(text, origin)
    mistakes: list[str] = []
    found = None
    try:
        found = form.model_validate(values)
    except ValidationError as error:
        mistakes += sentences(error, form)
    mistakes += rules(values) if rules else ()
    # Outside the handler, so that pydantic's error, which holds the values and so
    # perhaps a secret, is not carried along as this one's context.
    if found is None or mistakes:
        raise ConfigError(*_told(mistakes, origin))
    return found


def tables(text: str, origin: str) -> dict[str, object]:
    """Return *text* as it is written, held to no model.

    Raises:
        ConfigError: It is no TOML, or larger or deeper than any file of ours.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ConfigError(_too_large(origin))
    endless = _ENDLESS_KEY.search(text)
    if endless is not None:
        line = text.count("\n", 0, endless.start()) + 1
        mistake = f"{origin}: line {line}: a key has more than 100 parts; shorten it"
        raise ConfigError(mistake)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        mistake = f"{origin}: {_syntax(error)}"
        raise ConfigError(mistake) from error
    except RecursionError as error:
        mistake = f"{origin}: brackets are nested too deeply; flatten the values"
        raise ConfigError(mistake) from error
    except ValueError as error:
        # Python reads no number of more than some thousand digits.
        mistake = f"{origin}: a number has too many digits; write a smaller one"
        raise ConfigError(mistake) from error


def _told(mistakes: list[str], origin: str) -> list[str]:
    told = [f"{origin}: {one}" for one in mistakes[:MAX_MISTAKES]]
    more = len(mistakes) - MAX_MISTAKES
    if more > 0:
        told.append(f"{origin}: {more:,} more mistakes; correct these first")
    return told


def _too_large(origin: str) -> str:
    return f"{origin}: larger than {MAX_BYTES // 1024:,} KiB; move texts out of it"


def _syntax(error: tomllib.TOMLDecodeError) -> str:
    """Turn ``Expected '=' (at line 3, column 5)`` round: the place comes first."""
    what, _, place = str(error).rpartition(" (at ")
    what = what[:1].lower() + what[1:]
    what = clean(what, _MAX_SYNTAX_CHARS)
    return f"{place.rstrip(')')}: {what}; this is not TOML"
