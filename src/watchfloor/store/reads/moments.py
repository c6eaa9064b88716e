"""Finding a moment in the journal, which is kept by number and not by time."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from watchfloor.store.tables import journal


def first_entry_at(connection: Connection, at_ms: int) -> int:
    """Return the number of the first entry of a moment or after it.

    Entries are numbered as they happen, so that halving finds it in some twenty seeks.
    Where a clock was put back meanwhile, earlier entries may follow.

    Returns:
        One more than the newest number where none is so new.
    """
    low, high = connection.execute(
        select(
            select(func.min(journal.c.entry_id)).scalar_subquery(),
            select(func.max(journal.c.entry_id)).scalar_subquery(),
        )
    ).one()
    if low is None:
        return 1
    end = int(high) + 1
    while low < end:
        middle = (low + end) // 2
        # There may be gaps between the numbers.
        found = connection.execute(
            select(journal.c.entry_id, journal.c.at_ms)
            .where(journal.c.entry_id >= middle)
            .order_by(journal.c.entry_id)
            .limit(1)
        ).one()
        if found.at_ms >= at_ms:
            end = middle
        else:
            low = found.entry_id + 1
    return int(end)
