"""JSON from elsewhere: bounded in depth and figures, nothing twice, all cleaned."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from watchfloor.domain.text import clean

MOST_DEPTH = 24
_MOST_FIGURES = 20
_MOST_CHARS = 4_000
_MOST_KEY_CHARS = 200
#: Possessive: linear also in a text of quotes and backslashes alone.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[{}\]]")


def bounded_json(content: bytes) -> Any:  # noqa: ANN401 - JSON may be anything
    """Return what *content* says, every text cleaned.

    Raises:
        ValueError: It is no JSON, nested too deeply, says something twice, or holds a
            number that no figure of ours is; the text is fit to be put behind a name.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("is no UTF-8") from None
    if _depth(text) > MOST_DEPTH:
        raise ValueError("is nested too deeply")
    try:
        return _cleaned(
            json.loads(
                text,
                object_pairs_hook=_once,
                parse_int=_whole,
                parse_float=_finite,
                parse_constant=_no_number,
            )
        )
    except json.JSONDecodeError:
        raise ValueError("is no JSON") from None


def _depth(text: str) -> int:
    """Return how deep brackets stand within one another, those in strings left out."""
    deepest = depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {clean(key, _MOST_KEY_CHARS): value for key, value in pairs}
    if len(found) < len(pairs):
        raise ValueError("says something twice")
    return found


def _whole(figures: str) -> int:
    if len(figures) > _MOST_FIGURES:
        raise ValueError("holds a number that is too long")
    return int(figures)


def _finite(figures: str) -> float:
    number = float(figures)
    if not math.isfinite(number):
        raise ValueError("holds a number that is none")
    return number


def _no_number(_: str) -> NoReturn:
    raise ValueError("holds a number that is none")


def _cleaned(value: Any) -> Any:  # noqa: ANN401 - JSON may be anything
    if isinstance(value, str):
        return clean(value, _MOST_CHARS)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    return value
