"""What was asked, what happened, and what became of a command."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import Connection, RowMapping, Select, bindparam, func, or_, select

from watchfloor.domain.live import AuditEntry, AuditPage
from watchfloor.domain.views import EventView, Receipt
from watchfloor.store.reads.search import Walk, following, searched
from watchfloor.store.tables import command, journal, run
from watchfloor.store.text_conditions import occurs_in

#: Entries that a text is looked for in, in one read.
MOST_SEARCHED: Final = 20_000
#: Where a text is looked for.
_SAID: Final = (
    journal.c.event,
    journal.c.by,
    journal.c.why,
    journal.c.detail,
    journal.c.before,
    journal.c.after,
    journal.c.origin,
    journal.c.run_id,
)
#: Made once: it is asked before every command.
_COMMAND: Final = select(command).where(command.c.command_id == bindparam("command_id"))


def events(
    connection: Connection, run_id: str, *, limit: int = 200, after: int = 0
) -> tuple[EventView, ...]:
    """Return the newest *limit* entries about a run with a greater id than *after*.

    They come oldest first.
    """
    query = (
        select(journal)
        .where(journal.c.run_id == run_id, journal.c.entry_id > after)
        .order_by(journal.c.entry_id.desc())
        .limit(limit)
    )
    rows = list(connection.execute(query).mappings())
    return tuple(event_of(row) for row in reversed(rows))


def has_event(connection: Connection, run_id: str, names: Collection[str]) -> bool:
    """Whether any of these events stands in the journal of a run."""
    query = (
        select(journal.c.entry_id)
        .where(journal.c.run_id == run_id, journal.c.event.in_(names))
        .limit(1)
    )
    return connection.scalar(query) is not None


def receipt(connection: Connection, command_id: str) -> Receipt | None:
    """Return what became of a command; None where the engine has not taken it."""
    asked = {"command_id": command_id}
    row = connection.execute(_COMMAND, asked).mappings().first()
    return None if row is None else _receipt(row)


def audit_page(
    connection: Connection,
    run_id: str = "",
    *,
    text: str = "",
    before: int | None = None,
    size: int = 40,
) -> AuditPage:
    """Return entries of the journal, newest first, each with what became of it.

    A text is looked for in the next ``MOST_SEARCHED`` entries; where that ends the
    search, the page is short and its ``before`` goes on with it.

    Args:
        connection: Any.
        run_id: Of which run; empty for all.
        text: What must occur in the run, the event, who, what, why or the detail.
        before: The page before this one told it; None for the newest.
        size: The most entries.

    Raises:
        ConfigError: The text is longer than anybody means.
    """
    walk = Walk(
        key=journal.c.entry_id,
        where=(journal.c.run_id == run_id,) if run_id else (),
        over=journal,
        start=before,
        backwards=True,
    )
    if text.strip():
        holds = or_(*(occurs_in(column, text.strip()) for column in _SAID))
        found = searched(connection, walk, holds, size=size, most=MOST_SEARCHED)
    else:
        found = following(connection, walk, size)
    next_before = found.keys[-1] if found.has_more else found.searched_to
    entries = _entries(connection, found.keys)
    return AuditPage(entries=entries, before=next_before)


def _entries(connection: Connection, entry_ids: list[int]) -> tuple[AuditEntry, ...]:
    query = (
        select(*journal.c, run.c.campaign_name)
        .join_from(journal, run, run.c.run_id == journal.c.run_id, isouter=True)
        .where(journal.c.entry_id.in_(_each(entry_ids)))
        .order_by(journal.c.entry_id.desc())
    )
    rows = list(connection.execute(query).mappings())
    receipts = _receipts(connection, {row["command_id"] for row in rows} - {""})
    return tuple(
        AuditEntry(
            event=event_of(row),
            run_name=row["campaign_name"] or "",
            receipt=receipts.get(row["command_id"]),
        )
        for row in rows
    )


def _receipts(connection: Connection, command_ids: set[str]) -> dict[str, Receipt]:
    if not command_ids:
        return {}
    query = select(command).where(command.c.command_id.in_(_each(command_ids)))
    rows = connection.execute(query).mappings()
    return {row["command_id"]: _receipt(row) for row in rows}


def _each(keys: Iterable[int | str]) -> Select[tuple[object]]:
    rows = func.json_each(json.dumps(list(keys))).table_valued("value")
    return select(rows.c.value)


def _receipt(row: RowMapping) -> Receipt:
    return Receipt(
        command_id=row["command_id"],
        verb=row["verb"],
        run_id=row["run_id"],
        state=row["state"],
        refusal=row["refusal"],
        detail=row["detail"],
        asked_at_ms=row["asked_at_ms"],
        acknowledged_at_ms=row["acknowledged_at_ms"],
        applied_at_ms=row["applied_at_ms"],
        settled_at_ms=row["settled_at_ms"],
        seen=row["seen_json"],
    )


def cancel_askers(
    connection: Connection, run_id: str, refusal: str, *, since_ms: int
) -> set[str]:
    """Return who asked for a cancel of the run and was refused so since a moment."""
    query = select(command.c.by).where(
        command.c.run_id == run_id,
        command.c.verb == "cancel",
        command.c.refusal == refusal,
        command.c.acknowledged_at_ms >= since_ms,
    )
    return set(connection.scalars(query))


def event_of(row: RowMapping) -> EventView:
    """Return a row of the journal as readers see it."""
    return EventView(
        entry_id=row["entry_id"],
        at_ms=row["at_ms"],
        run_id=row["run_id"],
        event=row["event"],
        before=row["before"],
        after=row["after"],
        by=row["by"],
        origin=row["origin"],
        why=row["why"],
        detail=row["detail"],
    )


def last_entry_at(connection: Connection, entry_id: int) -> int:
    """Return when the last entry up to a number was made, ms since 1970 UTC; or 0."""
    query = (
        select(journal.c.at_ms)
        .where(journal.c.entry_id <= entry_id)
        .order_by(journal.c.entry_id.desc())
        .limit(1)
    )
    return int(connection.scalar(query) or 0)
