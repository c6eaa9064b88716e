"""Taking people out of what was said of a run: its row, its journal, its commands.

Only words in which somebody's number or address stands go; who asked for what, and
when, stays, and the audit chain goes on holding.
"""

from __future__ import annotations

from sqlalchemy import Connection, ScalarSelect, select, update

from watchfloor.domain.privacy import names_somebody
from watchfloor.store.reads.run_words import key_of, named_in_words
from watchfloor.store.tables import command, journal, run
from watchfloor.store.writes.chain import (
    take_words_out_of_command,
    take_words_out_of_entry,
)


def purge_run_words(
    connection: Connection, run_no: int, _: tuple[int, ...], __: int
) -> None:
    """Take people out of the reasons and causes that stand in a run's own rows.

    Of resolutions there are some dozens.
    """
    for table, key, values in named_in_words(connection, run_no):
        connection.execute(update(table).where(key_of(table) == key).values(values))


def purge_journal(
    connection: Connection, run_no: int, after: tuple[int, ...], most: int
) -> tuple[int, ...] | None:
    """Take people out of a slice of a run's entries."""
    query = (
        select(journal.c.entry_id, journal.c.why, journal.c.detail)
        .where(journal.c.run_id == _id_of(run_no))
        .where(journal.c.entry_id > (after[0] if after else 0))
        .order_by(journal.c.entry_id)
        .limit(most)
    )
    rows = connection.execute(query).all()
    for entry_id, *words in rows:
        if any(map(names_somebody, words)):
            take_words_out_of_entry(connection, entry_id)
    return (rows[-1].entry_id,) if rows else None


def purge_commands(
    connection: Connection, run_no: int, _: tuple[int, ...], __: int
) -> None:
    """Take people out of a run's commands, of which there are some dozens."""
    query = select(
        command.c.command_id, command.c.why, command.c.seen_json, command.c.detail
    ).where(command.c.run_id == _id_of(run_no))
    for command_id, *words in connection.execute(query).all():
        if any(map(names_somebody, words)):
            take_words_out_of_command(connection, command_id)


def _id_of(run_no: int) -> ScalarSelect[str]:
    return select(run.c.run_id).where(run.c.run_no == run_no).scalar_subquery()
