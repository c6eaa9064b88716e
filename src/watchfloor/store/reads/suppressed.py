"""Records that must not be contacted any more and wait to be put aside."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from watchfloor.domain.records import RecordState
from watchfloor.store.reads.rows import seqs_of_rows
from watchfloor.store.tables import contact, dedupe, record, suppression

#: So many suppressed contacts are looked for in a run, each by its key.
MOST_LOOKED_FOR: Final = 2_000


class Suppressed(NamedTuple):
    """Suppressed records of a run, by what else would hold them.

    Attributes:
        startable: Pending ones, and others whose time has come.
        retries: Retries whose time has not come.
        callbacks: Callbacks whose time has not come.
    """

    startable: int = 0
    retries: int = 0
    callbacks: int = 0


def suppressed_of(connection: Connection, run_no: int, now_ms: int) -> Suppressed:
    """Return how many of a run's waiting records are suppressed.

    At least so many: of a long list only ``MOST_LOOKED_FOR`` are looked for. One that
    its window holds, or that rests until its next step, is held by that.
    """
    some = select(suppression.c.digest).limit(MOST_LOOKED_FOR).subquery()
    rows = list(
        connection.scalars(
            select(dedupe.c.row_no).join_from(
                some,
                dedupe,
                (dedupe.c.run_no == run_no) & (dedupe.c.digest == some.c.digest),
            )
        )
    )
    if not rows:
        return Suppressed()
    seqs = list(seqs_of_rows(connection, run_no, rows).values())
    startable = retries = callbacks = 0
    query = select(record.c.state, record.c.next_at_ms).where(
        record.c.run_no == run_no, record.c.seq.in_(seqs), record.c.held == 0
    )
    for state, next_at_ms in connection.execute(query):
        is_due = next_at_ms is None or next_at_ms <= now_ms
        match RecordState(state):
            case RecordState.PENDING:
                startable += 1
            case RecordState.RETRY | RecordState.CALLBACK if is_due:
                startable += 1
            case RecordState.RETRY:
                retries += 1
            case RecordState.CALLBACK:
                callbacks += 1
            case _:
                pass
    return Suppressed(startable, retries, callbacks)


def is_suppressed(connection: Connection, run_no: int, seq: int) -> bool:
    """Whether a record's contact must not be contacted any more, by anybody's word."""
    query = (
        select(suppression.c.digest)
        .join(contact, contact.c.digest == suppression.c.digest)
        .where(contact.c.run_no == run_no, contact.c.seq == seq)
    )
    return connection.scalar(query) is not None
