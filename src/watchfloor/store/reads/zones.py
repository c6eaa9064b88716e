"""Sets of zones by their numbers."""

from __future__ import annotations

from sqlalchemy import Connection, and_, bindparam, func, select

from watchfloor.store.tables import contact, record, zone_set

_NAMES = select(zone_set.c.names).where(zone_set.c.zone_no == bindparam("zone_no"))


def zone_names(connection: Connection, zone_no: int) -> tuple[str, ...]:
    """Return the names behind a number; none for 0, which stands for no zone."""
    names = connection.scalar(_NAMES, {"zone_no": zone_no})
    return tuple(names.split("|")) if names else ()


def records_by_zones(
    connection: Connection, run_no: int
) -> list[tuple[tuple[str, ...], int]]:
    """Return how many records are in which set of zones; it reads every record."""
    query = (
        select(zone_set.c.names, func.count())
        .select_from(record)
        .join(
            contact,
            and_(contact.c.run_no == record.c.run_no, contact.c.seq == record.c.seq),
        )
        .outerjoin(zone_set, zone_set.c.zone_no == contact.c.zone_no)
        .where(record.c.run_no == run_no)
        .group_by(contact.c.zone_no)
    )
    return [
        (tuple(names.split("|")) if names else (), count)
        for names, count in connection.execute(query)
    ]
