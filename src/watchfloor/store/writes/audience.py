"""What the intake found: records with their contacts, and rejects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    func,
    insert,
    literal,
    not_,
    select,
)
from sqlalchemy.dialects.sqlite import insert as insert_or_skip
from sqlalchemy.engine.interfaces import Dialect

from watchfloor.domain.records import RecordState, RejectKind
from watchfloor.store.digests import among_digests, bound_digests
from watchfloor.store.tables import contact, dedupe, record, reject, zone_set
from watchfloor.store.writes.statements import Prepared, inserting


class Valid(NamedTuple):
    """A row that can become a record."""

    row_no: int
    contact: str
    digest: bytes
    values_json: str
    raw: str
    zones: str = ""


class Judged(NamedTuple):
    """What a filter made of a slice of rows."""

    records: int
    filtered: int


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
        self._keep = _keeping(dialect)
        record_order = ("run_no", "seq", "state", "updated_at_ms")
        self._records = inserting(record, record_order, dialect)
        self._contacts = inserting(contact, _names(contact), dialect)
        self._rejects = inserting(reject, _names(reject), dialect)

    def add(
        self,
        connection: Connection,
        run_no: int,
        first_seq: int,
        valid: Sequence[Valid],
    ) -> tuple[int, list[Rejected]]:
        """Store the rows of *valid* whose contact is new to the run, not judged yet.

        Returns:
            How many were added, numbered from *first_seq* without a gap, and the rows
            that repeat a contact, as rejects not stored yet.
        """
        kept = self._keep.many(
            connection, [(run_no, row.digest, row.row_no) for row in valid]
        )
        repeats: list[Rejected] = []
        fresh: Sequence[Valid] = valid
        if kept != len(valid):
            fresh, repeats = _told_apart(connection, run_no, valid)
        zones = _zone_numbers(connection, {row.zones for row in fresh} - {""})
        self._contacts.many(
            connection,
            [
                (
                    run_no,
                    seq,
                    row.row_no,
                    row.contact,
                    row.digest,
                    row.values_json,
                    zones.get(row.zones, 0),
                )
                for seq, row in enumerate(fresh, first_seq)
            ],
        )
        return len(fresh), repeats

    def accept(
        self, connection: Connection, run_no: int, seqs: range, now_ms: int
    ) -> None:
        """Make records of the rows *seqs*: no filter asks about them."""
        pending = int(RecordState.PENDING)
        self._records.many(connection, [(run_no, seq, pending, now_ms) for seq in seqs])

    def judge(
        self,
        connection: Connection,
        run_no: int,
        seqs: range,
        wanted: ColumnElement[bool],
        now_ms: int,
    ) -> Judged:
        """Make records of the rows *seqs* that are *wanted*, and rejects of the others.

        Args:
            connection: In a fenced transaction.
            run_no: Whose rows.
            seqs: Which of them, without a step.
            wanted: The campaign's filter over ``contact``; never NULL.
            now_ms: The moment they carry.
        """
        here = and_(
            contact.c.run_no == run_no,
            contact.c.seq >= seqs.start,
            contact.c.seq < seqs.stop,
        )
        kept = connection.execute(
            insert(record).from_select(
                ["run_no", "seq", "state", "updated_at_ms"],
                select(
                    contact.c.run_no,
                    contact.c.seq,
                    literal(int(RecordState.PENDING)),
                    literal(now_ms),
                ).where(here, wanted),
            )
        )
        # The cells stand in for the raw row: it was read in another transaction.
        left_out = connection.execute(
            insert(reject).from_select(
                ["run_no", "row_no", "kind", "reason", "raw"],
                select(
                    contact.c.run_no,
                    contact.c.row_no,
                    literal(RejectKind.FILTERED.value),
                    literal(FILTERED),
                    contact.c.values_json,
                ).where(here, not_(wanted)),
            )
        )
        return Judged(kept.rowcount, left_out.rowcount)

    def add_rejects(
        self, connection: Connection, run_no: int, rows: Sequence[Rejected]
    ) -> None:
        """Store rows that became no record."""
        self._rejects.many(
            connection,
            [(run_no, row.row_no, row.kind, row.reason, row.raw) for row in rows],
        )


_FIRST_ROWS = select(dedupe.c.digest, dedupe.c.row_no).where(
    dedupe.c.run_no == bindparam("of_run"), among_digests(dedupe.c.digest)
)
_NAMES = func.json_each(bindparam("names")).table_valued("value")
_ZONE_NUMBERS = select(zone_set.c.names, zone_set.c.zone_no).where(
    zone_set.c.names.in_(select(_NAMES.c.value))
)
#: Why a row was left out by the campaign's filter.
FILTERED = "the campaign's filter leaves it out"


def _zone_numbers(connection: Connection, names: set[str]) -> dict[str, int]:
    """Return the numbers of sets of zones; new ones get one."""
    if not names:
        return {}
    connection.execute(
        insert_or_skip(zone_set).on_conflict_do_nothing(),
        [{"names": one} for one in sorted(names)],
    )
    wanted = {"names": json.dumps(sorted(names))}
    return dict(iter(connection.execute(_ZONE_NUMBERS, wanted)))


@lru_cache(maxsize=4)
def _keeping(dialect: Dialect) -> Prepared:
    """Return what keeps a contact that is new to its run, compiled once."""
    order = ("run_no", "digest", "row_no")
    # ON CONFLICT DO NOTHING is the same words in PostgreSQL.
    return Prepared(
        insert_or_skip(dedupe)
        .values({name: bindparam(name) for name in order})
        .on_conflict_do_nothing(),
        dialect,
        order,
    )


def _names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.c)


def _told_apart(
    connection: Connection, run_no: int, valid: Sequence[Valid]
) -> tuple[list[Valid], list[Rejected]]:
    wanted = {"of_run": run_no, **bound_digests({row.digest for row in valid})}
    first: dict[bytes, int] = dict(iter(connection.execute(_FIRST_ROWS, wanted)))
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
