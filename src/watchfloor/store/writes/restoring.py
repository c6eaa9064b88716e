"""What a restored workspace must not do once more."""

from __future__ import annotations

from sqlalchemy import Connection, update

from watchfloor.store.tables import alert_message, notice


def give_up_owed(connection: Connection, why: str) -> int:
    """Give up every notice and alert that is owed; return how many there were."""
    count = 0
    for table in (notice, alert_message):
        changed = connection.execute(
            update(table)
            .where(table.c.state == "owed")
            .values(state="failed", next_at_ms=None, detail=why)
        )
        count += changed.rowcount
    return count
