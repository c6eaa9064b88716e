"""Lengths of time as operators write them: ``500ms 10s 5m 2h 30d``."""

from __future__ import annotations

import re

_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# Nine digits of days are beyond any use and far below what a timer takes.
_FORM = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")


def duration_ms(value: object) -> int:
    """Return the milliseconds that *value* says.

    Raises:
        ValueError: It is no text of this form; the message is fit for an operator.
    """
    match = _FORM.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        msg = (
            f"{value!r:.40} is not a duration; write a whole number and a unit "
            "in quotes, like 500ms, 10s, 5m, 2h or 30d"
        )
        raise ValueError(msg)
    return int(match[1]) * _UNIT_MS[match[2]]


def positive_duration_ms(value: object) -> int:
    """Return the milliseconds that *value* says, which must be more than none.

    Raises:
        ValueError: It is no duration, or none at all.
    """
    length = duration_ms(value)
    if length == 0:
        raise ValueError("must be longer than nothing, like 500ms or 10s")
    return length
