"""How times, lengths of time, shares and sizes are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_BAR_FULL, _BAR_EMPTY = "━", "·"
_KIB = 1024
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_RATE_DIGITS = 3
_MANY_DAYS = 100
#: A tenth is told of what is still shorter than this.
_TENTHS = len("123.4k")


def _moment(at_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)


def clock_time(at_ms: int | None) -> str:
    """Return ``14:02:11`` in UTC; ``-`` for no time."""
    return "-" if at_ms is None else f"{_moment(at_ms):%H:%M:%S}"


def exact_time(at_ms: int | None) -> str:
    """Return ``14:02:11.120`` in UTC; ``-`` for no time."""
    if at_ms is None:
        return "-"
    return f"{_moment(at_ms):%H:%M:%S}.{at_ms % 1000:03}"


def full_time(at_ms: int | None) -> str:
    """Return ``2026-11-22 14:02:11 UTC``; ``-`` for no time."""
    return "-" if at_ms is None else f"{_moment(at_ms):%Y-%m-%d %H:%M:%S} UTC"


def near_time(at_ms: int | None, now_ms: int) -> str:
    """Return the time of day, with month and day where it is not today's."""
    if at_ms is None:
        return "-"
    then = _moment(at_ms)
    if then.date() == _moment(now_ms).date():
        return f"{then:%H:%M:%S}"
    return f"{then:%m-%d %H:%M}"


def near_minute(at_ms: int | None, now_ms: int) -> str:
    """Return ``14:02``, with month and day where it is not today's."""
    near = near_time(at_ms, now_ms)
    return near.rpartition(":")[0] if near.count(":") > 1 else near


def coming_time(at_ms: int, now_ms: int) -> str:
    """Return ``09:00`` for a time within a day from now, else with month and day."""
    if 0 <= at_ms - now_ms < _DAY_S * 1000:
        return f"{_moment(at_ms):%H:%M}"
    return f"{_moment(at_ms):%m-%d %H:%M}"


def wait(duration_ms: int) -> str:
    """Return ``2 h 05 min``, ``12 min`` or ``under 1 min``: what is still to come."""
    minutes = max(0, duration_ms) // 60_000
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min" if minutes else "under 1 min"


def wait_in_short(duration_ms: int | None) -> str:
    """Return ``2h 05m``, ``12m`` or ``<1m``, in at most 7 cells; ``-`` for none."""
    if duration_ms is None:
        return "-"
    hours, minutes = divmod(max(0, duration_ms) // 60_000, 60)
    days, rest = divmod(hours, 24)
    if days >= _MANY_DAYS:
        return f"{short_count(days)}d"
    if days:
        return f"{days}d {rest:02}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m" if minutes else "<1m"


def short_count(count: int, cells: int = 6) -> str:
    """Return ``99,999`` as it is where there is room, else ``123k`` or ``12.3M``."""
    exact = f"{count:,}"
    if len(exact) <= cells:
        return exact
    for unit, sign in ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G")):
        # Cut, not rounded: it never says more than there are.
        if count < unit * 1_000:
            tenths = f"{count * 10 // unit / 10}{sign}"
            return tenths if len(tenths) < _TENTHS else f"{count // unit}{sign}"
    return "many"


def rate(per_s: float | None) -> str:
    """Return ``20/s``, ``600/m`` or ``10/h``, which ``rate_per_s`` reads; or none."""
    if per_s is None:
        return "none"
    for unit, seconds in (("s", 1), ("m", _MINUTE_S), ("h", _HOUR_S)):
        number = per_s * seconds
        if abs(number - round(number, _RATE_DIGITS)) <= number * 1e-9:
            return f"{_plain(number)}/{unit}"
    return f"{_plain(max(per_s * _HOUR_S, 10**-_RATE_DIGITS))}/h"


def _plain(number: float) -> str:
    return f"{number:.{_RATE_DIGITS}f}".rstrip("0").rstrip(".")


def length(duration_ms: int | None) -> str:
    """Return ``0:41:10``, or ``3d 04:10`` from one day on; ``-`` for none."""
    if duration_ms is None:
        return "-"
    seconds = max(0, duration_ms) // 1000
    days, rest = divmod(seconds, _DAY_S)
    hours, rest = divmod(rest, _HOUR_S)
    minutes, left = divmod(rest, _MINUTE_S)
    if days:
        return f"{days}d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{left:02}"


def took(duration_ms: int | None) -> str:
    """Return ``812 ms``; empty for none."""
    return "" if duration_ms is None else f"{duration_ms:,} ms"


def percent(share: float) -> str:
    """Return a whole percentage that says 100 only when nothing is left."""
    return f"{int(min(1.0, max(0.0, share)) * 100)}%"


def bar(share: float, width: int) -> str:
    """Return a bar of *width* cells; full only when nothing is left."""
    full = int(min(1.0, max(0.0, share)) * width)
    return _BAR_FULL * full + _BAR_EMPTY * (width - full)


def size(number: int) -> str:
    """Return a number of bytes in the unit a person would use."""
    value = float(number)
    for unit in ("B", "KiB", "MiB"):
        if value < _KIB:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KIB
    return f"{value:.1f} GiB"


def counted(count: int, word: str) -> str:
    """Return ``1 row`` or ``2 rows``."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
