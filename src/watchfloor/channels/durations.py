"""Lengths of time as operators write them: ``500ms 10s 5m 2h 30d``."""

from __future__ import annotations

from watchfloor.domain import measures


def duration_ms(value: object) -> int:
    """Return the milliseconds that *value* says; none at all is a duration too.

    Raises:
        ValueError: It is no text of this form; the message is fit for an operator.
    """
    try:
        return measures.duration_ms(value, least_ms=0)
    except ValueError as error:
        msg = (
            f"{value!r:.40} {error}; write a whole number and a unit "
            "in quotes, like 500ms, 10s, 5m, 2h or 30d"
        )
        raise ValueError(msg) from error


def positive_duration_ms(value: object) -> int:
    """Return the milliseconds that *value* says, which must be more than none.

    Raises:
        ValueError: It is no duration, or none at all.
    """
    length = duration_ms(value)
    if length == 0:
        raise ValueError("must be longer than nothing, like 500ms or 10s")
    return length
