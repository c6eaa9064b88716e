"""Durations and rates as people write them in campaign files and settings."""

from __future__ import annotations

import re

_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PER_S = {"s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)", re.ASCII)
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)/(s|m|h)", re.ASCII)

#: A year: nothing a run waits for takes longer.
MAX_DURATION_MS = 366 * _UNIT_MS["d"]


def duration_ms(text: object, *, least_ms: int = 1) -> int:
    """Return the milliseconds of ``500ms``, ``10s``, ``5m``, ``2h`` or ``30d``.

    Raises:
        ValueError: With what is wrong, to be put behind the value.
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("is not a duration")
    milliseconds = int(found[1]) * _UNIT_MS[found[2]]
    if not least_ms <= milliseconds <= MAX_DURATION_MS:
        msg = f"is not between {least_ms}ms and 366d"
        raise ValueError(msg)
    return milliseconds


def duration_text(milliseconds: int) -> str:
    """Return the shortest text that ``duration_ms`` reads as *milliseconds*."""
    units = sorted(_UNIT_MS.items(), key=lambda unit: -unit[1])
    unit, size = next(one for one in units if milliseconds % one[1] == 0)
    return f"{milliseconds // size}{unit}"


def rate_per_s(text: object) -> float:
    """Return the attempts per second of ``20/s``, ``600/m`` or ``10/h``.

    Raises:
        ValueError: With what is wrong, to be put behind the value.
    """
    found = _RATE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("is not a rate")
    rate = float(found[1]) / _PER_S[found[2]]
    if rate <= 0:
        raise ValueError("lets nothing through")
    return rate
