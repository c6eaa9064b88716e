"""What the intake found: records with their contacts, and rejects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Table, bindparam, insert, select
from sqlalchemy.dialects.sqlite import insert as insert_or_skip

from watchfloor.domain.records import RecordState, RejectKind
from watchfloor.store.tables import contact, dedupe, record, reject
from watchfloor.store.writes.statements import Prepared


class Valid(NamedTuple):
    """A row that can become a record."""

    row_no: int
    contact: str
    digest: bytes
    values_json: str
    raw: str


class Rejected(NamedTuple):
    """A row that cannot."""

    row_no: int
    kind: RejectKind
    reason: str
    raw: str


class AudienceWriter:
    """Adds rows of one upload, a batch at a time, in the caller's transactions."""

    def __init__(self, connection: Connection) -> None:
        dialect = connection.dialect
        dedupe_order = ("run_no", "digest", "row_no")
        # ON CONFLICT DO NOTHING is the same words in PostgreSQL.
        self._keep = Prepared(
            insert_or_skip(dedupe)
            .values({name: bindparam(name) for name in dedupe_order})
            .on_conflict_do_nothing(),
            dialect,
            dedupe_order,
        )
        record_order = ("run_no", "seq", "state", "updated_at_ms")
        self._records = Prepared(
            insert(record).values({name: bindparam(name) for name in record_order}),
            dialect,
            record_order,
        )
        self._contacts = Prepared(insert(contact), dialect, _names(contact))
        self._rejects = Prepared(insert(reject), dialect, _names(reject))

    def add(
        self,
        connection: Connection,
        run_no: int,
        first_seq: int,
        valid: Sequence[Valid],
        now_ms: int,
    ) -> tuple[int, list[Rejected]]:
        """Store the rows of *valid* whose contact is new to the run as records.

        Returns:
            How many records were added, numbered from *first_seq* without a gap, and
            the rows that repeat a contact, as rejects not stored yet.
        """
        kept = self._keep.many(
            connection, [(run_no, row.digest, row.row_no) for row in valid]
        )
        repeats: list[Rejected] = []
        fresh: Sequence[Valid] = valid
        if kept != len(valid):
            fresh, repeats = _told_apart(connection, run_no, valid)
        self._records.many(
            connection,
            [
                (run_no, seq, int(RecordState.PENDING), now_ms)
                for seq in range(first_seq, first_seq + len(fresh))
            ],
        )
        self._contacts.many(
            connection,
            [
                (run_no, seq, row.row_no, row.contact, row.digest, row.values_json)
                for seq, row in enumerate(fresh, first_seq)
            ],
        )
        return len(fresh), repeats

    def add_rejects(
        self, connection: Connection, run_no: int, rows: Sequence[Rejected]
    ) -> None:
        """Store rows that became no record."""
        self._rejects.many(
            connection,
            [(run_no, row.row_no, row.kind, row.reason, row.raw) for row in rows],
        )


def _names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.c)


def _told_apart(
    connection: Connection, run_no: int, valid: Sequence[Valid]
) -> tuple[list[Valid], list[Rejected]]:
    query = select(dedupe.c.digest, dedupe.c.row_no).where(
        dedupe.c.run_no == run_no, dedupe.c.digest.in_({row.digest for row in valid})
    )
    first: dict[bytes, int] = dict(iter(connection.execute(query)))
    fresh = [row for row in valid if first[row.digest] == row.row_no]
    repeats = [
        Rejected(
            row.row_no,
            RejectKind.DUPLICATE,
            f"duplicate of row {first[row.digest]}",
            row.raw,
        )
        for row in valid
        if first[row.digest] != row.row_no
    ]
    return fresh, repeats
