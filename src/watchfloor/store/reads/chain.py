"""The chain in slices, with the rows that its links stand for."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, func, or_, select

from watchfloor.domain.chain_walk import ChainSlice, Rest
from watchfloor.store.tables import chain, command, journal, lease

#: Links of one read transaction.
SLICE: Final = 5_000
_INSTANCE: Final = select(lease.c.instance)
_NEWEST: Final = (
    select(chain.c.link_no, chain.c.hash).order_by(chain.c.link_no.desc()).limit(1)
)


class Head(NamedTuple):
    """The newest link, and of which workspace; number 0 where there is none."""

    instance: str
    number: int
    hash: bytes


def chain_head(connection: Connection) -> Head:
    """Return the newest link."""
    instance = connection.scalar(_INSTANCE) or ""
    row = connection.execute(_NEWEST).first()
    return Head(instance, row.link_no, row.hash) if row else Head(instance, 0, b"")


def chain_slice(
    connection: Connection, *, after: int, last_entry: int, most: int = SLICE
) -> ChainSlice:
    """Return the links behind a number, and all that is needed to judge them.

    Args:
        connection: Any; everything is of one snapshot.
        after: The last link that was judged.
        last_entry: The last entry that was judged.
        most: At most so many links.
    """
    query = select(chain).where(chain.c.link_no > after).order_by(chain.c.link_no)
    links = _rows(connection, query.limit(most))
    if not links:
        return ChainSlice(links=())
    within = chain.c.link_no.between(links[0]["link_no"], links[-1]["link_no"])
    named = [one["entry_id"] for one in links if isinstance(one["entry_id"], int)]
    # From the last one on, so that those are found too that no link names; and such as
    # somebody linked out of their order.
    span = journal.c.entry_id.between(last_entry + 1, max(named, default=last_entry))
    behind = select(chain.c.entry_id).where(within, chain.c.entry_id <= last_entry)
    some = select(journal).where(or_(span, journal.c.entry_id.in_(behind)))
    asked = select(chain.c.command_id).where(within, chain.c.command_id.is_not(None))
    stored = select(command).where(command.c.command_id.in_(asked))
    newest = (
        select(chain.c.command_id, func.max(chain.c.link_no))
        .where(chain.c.command_id.in_(asked))
        .group_by(chain.c.command_id)
    )
    return ChainSlice(
        links=links,
        entries={row["entry_id"]: row for row in _rows(connection, some)},
        commands={row["command_id"]: row for row in _rows(connection, stored)},
        newest=dict(iter(connection.execute(newest))),
    )


def unwalked(connection: Connection, last_entry: int) -> Rest:
    """Return what else is stored once no link follows; it reads every command.

    Args:
        connection: Of the snapshot in which no link followed.
        last_entry: The last entry that a link stands for.
    """
    outside = (
        select(journal.c.entry_id)
        .where(or_(journal.c.entry_id > last_entry, journal.c.entry_id < 1))
        .order_by(journal.c.entry_id)
        .limit(1)
    )
    stands_for_it = select(chain).where(
        chain.c.link_no > 0, chain.c.command_id == command.c.command_id
    )
    unlinked = (
        select(command.c.command_id)
        .where(~stands_for_it.exists())
        .order_by(command.c.command_id)
        .limit(1)
    )
    # Without NULL it goes by the index.
    asked = select(func.count(chain.c.command_id.distinct())).where(
        chain.c.command_id.is_not(None)
    )
    entry = connection.scalar(outside)
    return Rest(
        # A table that somebody made anew may hold a text there; it is counted.
        entry=entry if isinstance(entry, int) else None,
        command=connection.scalar(unlinked),
        links=_count(connection, select(func.count()).select_from(chain)),
        entries=_count(connection, select(func.count()).select_from(journal)),
        commands=_count(connection, select(func.count()).select_from(command)),
        linked_commands=_count(connection, asked),
    )


def _count(connection: Connection, query: Select[Any]) -> int:
    found: int = connection.execute(query).scalar_one()
    return found


def _rows(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]
