"""Runs, their lifecycle, their commands and their journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.engine.interfaces import Dialect

from watchfloor.domain.books import Books
from watchfloor.domain.errors import StoreError
from watchfloor.domain.regions import Lifecycle
from watchfloor.store.tables import books, command, history, journal, run, upload
from watchfloor.store.writes.chain import link_commands, link_entry
from watchfloor.store.writes.statements import Prepared

_COUNTERS = tuple(Books().as_dict())
_PROGRESS = (
    "frontier",
    "bytes_read",
    "progress_at_ms",
    "held",
    "shut_until_ms",
    "active_ms",
    "paused_ms",
    "window_ms",
    "waiting_ms",
)

#: Made once: they run for every change of a run.
_ENTER = insert(journal).returning(*journal.c)
_ADD_COMMAND = insert(command)
_ANSWER = update(command).where(command.c.command_id == bindparam("b_command_id"))
_CHANGE = update(run).where(run.c.run_no == bindparam("b_run_no"))
_CHANGE_ONCE = _CHANGE.where(run.c.version == bindparam("b_version"))
_ADD_UPLOAD = insert(upload)
_ADD_RUN = insert(run).returning(run.c.run_no)
_ADD_BOOKS = insert(books)
_APPLIED = command.c.run_id == bindparam("b_run_id"), command.c.state == "applied"
_ALL_APPLIED = (
    select(command.c.command_id).where(*_APPLIED).order_by(command.c.command_id)
)
_SETTLE = update(command).where(*_APPLIED)


class BooksWriter:
    """Stores counters; one per connection, since it runs in every transaction."""

    def __init__(self, connection: Connection) -> None:
        self._save = _saving(connection.dialect)

    def save(
        self, connection: Connection, run_no: int, counters: Sequence[int | None]
    ) -> None:
        """Store a run's counters as they are after this transaction.

        Args:
            connection: In a fenced transaction.
            run_no: Which run.
            counters: The books in the order of ``Books``, then the frontier, the bytes
                read, the time of the last outcome, the records held by their window,
                when the common one opens, and the milliseconds spent active, paused,
                outside the window, waiting.
        """
        self._save.one(connection, (*counters, run_no))


@lru_cache(maxsize=4)
def _saving(dialect: Dialect) -> Prepared:
    """Return what stores a run's counters, compiled once: it has thirty values."""
    order = (*_COUNTERS, *_PROGRESS, "b_run_no")
    return Prepared(
        update(books)
        .where(books.c.run_no == bindparam("b_run_no"))
        .values({name: bindparam(name) for name in order[:-1]}),
        dialect,
        order,
    )


def add_upload(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store what is known of a contact file."""
    connection.execute(_ADD_UPLOAD, values)


def add_run(connection: Connection, values: Mapping[str, Any]) -> int:
    """Store a new run with empty books and return its number."""
    number: int = connection.execute(_ADD_RUN, values).scalar_one()
    connection.execute(_ADD_BOOKS, {"run_no": number})
    return number


def save_lifecycle(
    connection: Connection,
    run_no: int,
    version: int,
    lifecycle: Lifecycle,
    others: Mapping[str, Any],
) -> None:
    """Store a run's new regions and raise its version, if it still has *version*.

    Args:
        connection: In a fenced transaction.
        run_no: Which run.
        version: The version the change was decided on.
        lifecycle: The regions after the change; ``launched`` is told by the launch id.
        others: Other columns that change with it.

    Raises:
        StoreError: The row has another version, which one writer cannot bring about:
            somebody changed the store from outside.
    """
    changed = connection.execute(
        _CHANGE_ONCE,
        {
            "b_run_no": run_no,
            "b_version": version,
            "phase": lifecycle.phase,
            "gate": lifecycle.gate,
            "intake": lifecycle.intake,
            "results": lifecycle.results,
            "history": lifecycle.history,
            "outcome": lifecycle.outcome,
            "stops": lifecycle.stops,
            "intent": lifecycle.intent,
            "version": version + 1,
            **others,
        },
    )
    if changed.rowcount != 1:
        msg = (
            f"run number {run_no} is not at version {version} any more: the store was "
            "changed from outside. Nothing was written; check with: watchfloor doctor"
        )
        raise StoreError(msg)


def save_run_values(connection: Connection, run_no: int, **values: object) -> None:
    """Store columns of a run that are no part of its lifecycle."""
    connection.execute(_CHANGE, {"b_run_no": run_no, **values})


def add_command(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store a command with the answer it got."""
    connection.execute(_ADD_COMMAND, values)
    link_commands(connection, [values["command_id"]])


def answer_command(connection: Connection, command_id: str, **values: object) -> None:
    """Store what became of a command."""
    connection.execute(_ANSWER, {"b_command_id": command_id, **values})
    link_commands(connection, [command_id])


def settle_commands(connection: Connection, run_id: str, now_ms: int) -> None:
    """Mark every applied command of a run as settled."""
    mine = {"b_run_id": run_id}
    settled = connection.scalars(_ALL_APPLIED, mine).all()
    if settled:
        told = {"state": "settled", "settled_at_ms": now_ms}
        connection.execute(_SETTLE, mine | told)
        link_commands(connection, settled)


def add_entry(connection: Connection, values: Mapping[str, Any]) -> None:
    """Append one entry to the journal."""
    link_entry(connection, connection.execute(_ENTER, values).mappings().one())


def add_history(
    connection: Connection, run_no: int, report_json: str, now_ms: int
) -> None:
    """Store an ended run's report."""
    connection.execute(
        insert(history).values(
            run_no=run_no, created_at_ms=now_ms, report_json=report_json
        )
    )
