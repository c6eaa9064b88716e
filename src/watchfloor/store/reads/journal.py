"""What was asked, what happened, and what became of a command."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, select

from watchfloor.domain.views import EventView, Receipt
from watchfloor.store.tables import command, journal


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
    return tuple(_event(row) for row in reversed(rows))


def receipt(connection: Connection, command_id: str) -> Receipt | None:
    """Return what became of a command; None where the engine has not taken it."""
    query = select(command).where(command.c.command_id == command_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
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


def _event(row: RowMapping) -> EventView:
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
