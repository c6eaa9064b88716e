"""What was on the screen when a command was given, in words."""

from __future__ import annotations

import json


def seen_words(seen_json: str) -> str:
    """Return the figures that a command carried, as ``untouched 4, in flight 2``.

    What is no such object is told as it stands; nothing is told of an empty one.
    """
    try:
        seen = json.loads(seen_json or "{}")
    except (ValueError, RecursionError):
        return seen_json
    if not isinstance(seen, dict):
        return "" if seen is None else seen_json
    return ", ".join(f"{name.replace('_', ' ')} {_word(seen[name])}" for name in seen)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value)
