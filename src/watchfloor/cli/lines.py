"""Printing: answers to stdout, everything else to stderr, all through the text door."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from watchfloor.domain.shell_words import Address
from watchfloor.domain.text import clean

_address = Address()


def speak_of(address: Address) -> None:
    """Have commands that are told from now on be for this workspace."""
    global _address  # noqa: PLW0603 - who reads has one shell, as there is one stderr
    _address = address._replace(root=clean(address.root, 4_096))


def spoken_of() -> Address:
    """Return how the workspace of this process is named."""
    return _address


def for_shell(text: str) -> str:
    """Return a text whose commands do in the reader's shell what they say."""
    return _address.here(text)


@contextmanager
def printing() -> Iterator[None]:
    """Let an error of the system that comes of the block name where the answer goes."""
    try:
        yield
    except OSError as error:
        error.add_note("where its answer goes")
        raise


def answer(text: str = "") -> None:
    """Print one line of the answer, as it is: it may be somebody's data."""
    with printing():
        print(text)


def advise(text: str) -> None:
    """Print one line of the answer that is our own words, and may tell a command."""
    answer(for_shell(text))


def answer_json(value: object) -> None:
    """Print the answer as JSON, escaped to ASCII: no terminal can be led astray."""
    answer(json.dumps(value, indent=2))


def tell(text: str) -> None:
    """Print a remark to stderr, each line cleaned."""
    for line in for_shell(text).split("\n"):
        print(clean(line, 2_000), file=sys.stderr)


def iso(at_ms: int | None) -> str | None:
    """Return ISO 8601 UTC with milliseconds, or None."""
    if at_ms is None:
        return None
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(at_ms: int | None) -> str:
    """Return a time as a table shows it, to the second, UTC."""
    if at_ms is None:
        return "-"
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def span(duration_ms: int | None) -> str:
    """Return a duration as ``h:mm:ss``."""
    if duration_ms is None:
        return "-"
    minutes, seconds = divmod(duration_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
