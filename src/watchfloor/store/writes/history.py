"""The history of an ended run, and taking its people out again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    Connection,
    Table,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)

from watchfloor.domain.masking import PURGED
from watchfloor.store.tables import (
    attempt,
    books,
    contact,
    dedupe,
    reject,
    report,
    resolved,
    result,
)
from watchfloor.store.writes.purged_words import (
    purge_commands,
    purge_journal,
    purge_run_words,
)
from watchfloor.store.writes.statements import inserting

#: What stands where a contact's digest stood.
_NO_DIGEST = bytes(16)
#: The key of the last row that was done, as the table's primary key goes on.
Key: TypeAlias = tuple[int, ...]


def note_archived(connection: Connection, run_no: int, count: int) -> None:
    """Store how many records the history has taken so far."""
    connection.execute(
        update(books).where(books.c.run_no == run_no).values(archived=count)
    )


def add_report(
    connection: Connection, run_no: int, lines: Iterable[Sequence[Any]]
) -> None:
    """Store an ended run's report.

    Args:
        connection: In a fenced transaction.
        run_no: Which run.
        lines: Step, outcome class, code, hour_ms, attempts and took_ms of each.
    """
    order = tuple(column.name for column in report.c)
    written = inserting(report, order, connection.dialect)
    written.many(connection, [(run_no, *line) for line in lines])


def purge_contacts(
    connection: Connection, run_no: int, after: Key, most: int
) -> Key | None:
    """Take the people out of a slice of contacts.

    Rows are deleted and made anew: a page that is freed is overwritten whole, with the
    copies that SQLite left in it when it moved rows about.
    """
    query = (
        select(contact.c.seq, contact.c.row_no)
        .where(contact.c.run_no == run_no, contact.c.seq > _first(after, 0))
        .order_by(contact.c.seq)
        .limit(most)
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    connection.execute(
        delete(contact).where(
            contact.c.run_no == run_no,
            contact.c.seq >= rows[0].seq,
            contact.c.seq <= rows[-1].seq,
        )
    )
    order = ("run_no", "seq", "row_no", "contact", "digest", "values_json")
    _made_anew(
        connection,
        contact,
        order,
        [(run_no, seq, row_no, PURGED, _NO_DIGEST, "[]") for seq, row_no in rows],
    )
    return (rows[-1].seq,)


def purge_dedupe(connection: Connection, run_no: int, _: Key, most: int) -> Key | None:
    """Delete a slice of contact keys; nobody is told apart in an ended run."""
    some = select(dedupe.c.digest).where(dedupe.c.run_no == run_no).limit(most)
    gone = connection.execute(
        delete(dedupe).where(dedupe.c.run_no == run_no, dedupe.c.digest.in_(some))
    )
    return () if gone.rowcount else None


def purge_rejects(
    connection: Connection, run_no: int, after: Key, most: int
) -> Key | None:
    """Take the people out of a slice of rejects; reasons quote their cells."""
    query = (
        select(reject.c.row_no, reject.c.kind)
        .where(reject.c.run_no == run_no, reject.c.row_no > _first(after, -1))
        .order_by(reject.c.row_no)
        .limit(most)
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    connection.execute(
        delete(reject).where(
            reject.c.run_no == run_no,
            reject.c.row_no >= rows[0].row_no,
            reject.c.row_no <= rows[-1].row_no,
        )
    )
    order = ("run_no", "row_no", "kind", "reason", "raw")
    _made_anew(
        connection,
        reject,
        order,
        [(run_no, row_no, kind, PURGED, "") for row_no, kind in rows],
    )
    return (rows[-1].row_no,)


def purge_attempts(
    connection: Connection, run_no: int, after: Key, most: int
) -> Key | None:
    """Take what providers said out of a slice of attempts."""
    key = tuple_(attempt.c.seq, attempt.c.number)
    begin = tuple_(*(literal(one) for one in after or (-1, -1)))
    query = (
        select(attempt.c.seq, attempt.c.number)
        .where(attempt.c.run_no == run_no, key > begin)
        .order_by(attempt.c.seq, attempt.c.number)
        .limit(most)
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    end = tuple_(*(literal(one) for one in rows[-1]))
    connection.execute(
        update(attempt)
        .where(attempt.c.run_no == run_no, key > begin, key <= end)
        .values(detail="", provider_id="")
    )
    return tuple(rows[-1])


def purge_results(
    connection: Connection, run_no: int, after: Key, most: int
) -> Key | None:
    """Take what providers reported out of the results of a slice of records.

    Their ids go too: a provider can tell by its own id whom it meant.
    """
    query = (
        select(func.coalesce(result.c.seq, 0).label("seq"))
        .where(
            result.c.run_no == run_no,
            func.coalesce(result.c.seq, 0) > _first(after, -1),
        )
        .order_by("seq")
        .limit(most)
    )
    if after:
        # Only the first slice has those of no record; the others go by the index.
        query = query.where(result.c.seq > after[0])
    seqs = connection.scalars(query).all()
    if not seqs:
        return None
    own = func.lower(func.hex(func.randomblob(literal(12))))
    connection.execute(
        update(result)
        .where(
            result.c.run_no == run_no,
            func.coalesce(result.c.seq, 0) > _first(after, -1),
            func.coalesce(result.c.seq, 0) <= seqs[-1],
        )
        .values(event_id=literal("purged-") + own, key="", provider_id="", detail="")
    )
    return (seqs[-1],)


def purge_resolutions(
    connection: Connection, run_no: int, after: Key, most: int
) -> Key | None:
    """Take what providers said out of a slice of what was looked up."""
    some = (
        select(resolved.c.seq)
        .where(resolved.c.run_no == run_no, resolved.c.seq > _first(after, -1))
        .distinct()
        .order_by(resolved.c.seq)
        .limit(most)
    )
    seqs = connection.scalars(some).all()
    if not seqs:
        return None
    connection.execute(
        update(resolved)
        .where(
            resolved.c.run_no == run_no,
            resolved.c.seq > _first(after, -1),
            resolved.c.seq <= seqs[-1],
            resolved.c.detail != "",
        )
        .values(detail="")
    )
    return (seqs[-1],)


#: Everything that holds somebody of a run, in the order in which it is purged: what
#: finds people first, so that nobody is found any more while the rest goes on.
PURGES: tuple[Callable[[Connection, int, Key, int], Key | None], ...] = (
    purge_dedupe,
    purge_contacts,
    purge_rejects,
    purge_attempts,
    purge_results,
    purge_resolutions,
    purge_run_words,
    purge_journal,
    purge_commands,
)


def _first(after: Key, otherwise: int) -> int:
    return after[0] if after else otherwise


def _made_anew(
    connection: Connection,
    table: Table,
    order: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    inserting(table, order, connection.dialect).many(connection, rows)
