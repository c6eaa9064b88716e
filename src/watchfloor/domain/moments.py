"""Times of day, waits and paces as sentences say them. Times of day are UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_SECOND_MS = 1_000


def at_minute(at_ms: int, now_ms: int) -> str:
    """Return ``14:02``, with month and day where that is not today's."""
    then, now = _moment(at_ms), _moment(now_ms)
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%m-%d %H:%M}"


def span_text(seconds: float) -> str:
    """Return a wait as people say it: ``12 s``, ``1 min 30 s``, ``1 h 15 min``."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def age_text(since_ms: int, now_ms: int) -> str:
    """Return how long ago something was."""
    return span_text((now_ms - since_ms) / _SECOND_MS)


def pace_text(per_s: float) -> str:
    """Return ``12/s``, or per minute or hour where that is less than one."""
    for unit, seconds in (("s", 1), ("min", 60)):
        if per_s * seconds >= 1:
            return f"{_figure(per_s * seconds)}/{unit}"
    return f"{_figure(per_s * 3_600)}/h" if per_s > 0 else "0/s"


def counted(count: int, word: str) -> str:
    """Return ``1 record`` or ``2 records``."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _figure(number: float) -> str:
    if number >= 10:  # noqa: PLR2004 - tenths of small figures only
        return f"{number:,.0f}"
    return f"{number:.1f}".removesuffix(".0")


def _moment(at_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
