"""Calendar months of a zone: what a plan's monthly limits count by."""

from __future__ import annotations

from datetime import datetime, tzinfo

from watchfloor.domain.windows import instants_ms, local_time

_DECEMBER = 12


def month_of(at_ms: int, zone: tzinfo) -> str:
    """Return the month that the zone's calendar shows, as ``2026-11``."""
    local = local_time(zone, at_ms)
    return f"{local.year:04}-{local.month:02}"


def next_month_ms(at_ms: int, zone: tzinfo) -> int:
    """Return the first moment after *at_ms* of the zone's next month."""
    local = local_time(zone, at_ms)
    years, month = divmod(local.month, _DECEMBER)
    begins = datetime(local.year + years, month + 1, 1, tzinfo=zone)
    first, last = instants_ms(begins)
    # A clock put back over midnight shows the old month once more.
    return first if first > at_ms else last
