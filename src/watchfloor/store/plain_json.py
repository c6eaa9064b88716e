"""JSON that anybody may have written: bounded before it is read, and plain after."""

from __future__ import annotations

import json
import re
from typing import Any, Final

#: A string in JSON; one without an end goes to the end, so that nothing is read twice.
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


def bounded_json(data: bytes, most_values: int) -> Any:  # noqa: ANN401 - JSON may be anything
    """Return what JSON says; see ``plain_json``.

    A value takes up to forty times the room of its two or three letters, so they are
    counted before any of them is made.

    Raises:
        ValueError: It is no JSON in UTF-8, or says more than so many values.
        RecursionError: It is nested without an end.
    """
    # Of one encoding: in another one a quotation mark would be other bytes.
    text = data.decode()
    if _values(text) > most_values and _values_outside(text, most_values):
        msg = f"more than {most_values:,} values"
        raise ValueError(msg)
    return plain_json(text)


def plain_json(text: str) -> Any:  # noqa: ANN401 - JSON may be anything
    """Return what JSON says, with a ``?`` for half of a pair of code units.

    JSON can name half of a pair, as a shell's odd bytes become, and no store takes
    one: a command that holds it could be neither obeyed nor refused.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested without an end.
    """
    said = json.loads(text)
    if "\\u" not in text:
        return said  # only an escape names half of a pair
    return json.loads(json.dumps(said, ensure_ascii=False).encode(errors="replace"))


def _values(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def _values_outside(text: str, most: int) -> bool:
    """Whether there are more than *most*, commas and brackets in strings aside."""
    quotes = text.count('"') - text.count('\\"')
    # A name and a value have two each: with more of them there are more values too.
    return quotes > 4 * (most + 1) or _values(_STRING.sub("", text)) > most
