"""Sets of zones by their numbers."""

from __future__ import annotations

from sqlalchemy import Connection, select

from watchfloor.store.tables import zone_set


def zone_names(connection: Connection, zone_no: int) -> tuple[str, ...]:
    """Return the names behind a number; none for 0, which stands for no zone."""
    query = select(zone_set.c.names).where(zone_set.c.zone_no == zone_no)
    names = connection.scalar(query)
    return tuple(names.split("|")) if names else ()
