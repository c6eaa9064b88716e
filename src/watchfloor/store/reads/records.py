"""Records page by page, by key, and the journey of one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    and_,
    func,
    literal,
    select,
    tuple_,
)

from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.identity import dedupe_key
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import CallbackPage, PageKey, RecordPage, RecordView
from watchfloor.store.conditions import is_state
from watchfloor.store.filter_conditions import Condition
from watchfloor.store.reads.runs import family_id, run_number
from watchfloor.store.reads.search import Found, Walk, following, searched
from watchfloor.store.tables import books, contact, record

#: What ``record_view`` reads, and more, of ``record, contact``.
RECORD_COLUMNS = (
    record.c.seq,
    record.c.state,
    record.c.step,
    record.c.attempts,
    record.c.interrupted,
    record.c.generation,
    record.c.outcome_class,
    record.c.code,
    record.c.first_at_ms,
    record.c.updated_at_ms,
    record.c.next_at_ms,
    record.c.due_at_ms,
    record.c.expires_at_ms,
    record.c.held,
    contact.c.row_no,
    contact.c.contact,
    contact.c.digest,
)
#: So many records are looked at in one read for a state that no index tells: 2 ms.
MOST_PASSED = 20_000
#: So many for a filter or a text: some 50 ms.
MOST_SEARCHED = 50_000
#: So many for one in a state that an index tells: they are strewn over the whole run.
MOST_STREWN = 15_000

_INDEXES = {index.name for index in record.indexes}
#: The states that few records are in, so that an index of their own tells which.
_INDEXED = frozenset(s for s in RecordState if f"record_{s.word}" in _INDEXES)

#: A record and its contact.
SAME = and_(record.c.run_no == contact.c.run_no, record.c.seq == contact.c.seq)


def record_page(
    connection: Connection,
    run_id: str,
    steps: tuple[str, ...],
    wanted: PageKey,
    *asked: Condition,
) -> RecordPage:
    """Return a page of records in seq order.

    What no index tells is looked for in so many records and no more; then the page's
    ``searched_to`` says how far that was.

    Args:
        connection: Any.
        run_id: Whose records.
        steps: The names of the campaign's steps, by number.
        wanted: Which page; what its ``where`` and ``text`` mean is in *asked*.
        *asked: What must hold of each, over ``record, contact``.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    if wanted.state is not None and not _any_in(connection, number, wanted.state):
        return RecordPage()
    backwards = wanted.before is not None
    found = _found(connection, _walk(connection, number, wanted), wanted, asked)
    rows = connection.execute(_rows(number, found.keys)).mappings()
    family = family_id(connection, run_id)
    goes_on = found.has_more or found.searched_to is not None
    return RecordPage(
        records=tuple(record_view(row, steps, family) for row in rows),
        has_before=goes_on if backwards else bool(wanted.after),
        has_after=bool(wanted.before) if backwards else goes_on,
        searched_to=found.searched_to,
    )


def one_record(connection: Connection, run_id: str, seq: int) -> RowMapping:
    """Return the row of one record with its contact, digest and values.

    Raises:
        NotFoundError: The run or the record does not exist.
    """
    number = run_number(connection, run_id)
    query = (
        select(*RECORD_COLUMNS, contact.c.values_json, record.c.run_no)
        .join_from(record, contact, SAME)
        .where(record.c.run_no == number, record.c.seq == seq)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        msg = f"run {run_id} has no record {seq}"
        raise NotFoundError(msg)
    return row


def callback_page(
    connection: Connection,
    run_id: str,
    steps: tuple[str, ...],
    *,
    after: tuple[int, int] | None = None,
    size: int = 40,
) -> CallbackPage:
    """Return promised callbacks, the next one first.

    Args:
        connection: Any.
        run_id: Whose.
        steps: The names of the campaign's steps, by number.
        after: The page before this one told it; None for the first.
        size: The most callbacks.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    place = tuple_(record.c.next_at_ms, record.c.seq)
    query = (
        select(*RECORD_COLUMNS)
        .join_from(record, contact, SAME)
        .where(record.c.run_no == number, is_state(RecordState.CALLBACK))
        .order_by(record.c.next_at_ms, record.c.seq)
        .limit(size + 1)
    )
    if after is not None:
        query = query.where(place > tuple_(*map(literal, after)))
    rows = list(connection.execute(query).mappings())
    shown = rows[:size]
    last = shown[-1] if len(rows) > size else None
    return CallbackPage(
        callbacks=tuple(record_view(row, steps) for row in shown),
        after=None if last is None else (last["next_at_ms"], last["seq"]),
    )


def values_of(row: RowMapping) -> list[str]:
    """Return the cells of a record's row of the upload, in column order."""
    return list(json.loads(row["values_json"]))


def record_view(
    row: RowMapping, steps: tuple[str, ...], family: str = ""
) -> RecordView:
    """Return a record as a page shows it; with its key where its family is given."""
    outcome = row["outcome_class"]
    step = row["step"]
    name = steps[step] if step < len(steps) else ""
    key = dedupe_key(family, name, row["digest"], row["generation"]) if family else ""
    return RecordView(
        seq=row["seq"],
        contact=row["contact"],
        state=RecordState(row["state"]),
        step=name,
        attempts=row["attempts"],
        outcome_class=None if outcome is None else OutcomeClass(outcome),
        code=row["code"],
        updated_at_ms=row["updated_at_ms"],
        next_at_ms=row["next_at_ms"],
        row_no=row["row_no"],
        due_at_ms=row["due_at_ms"],
        expires_at_ms=row["expires_at_ms"],
        is_held=bool(row["held"]),
        key=key,
    )


def _walk(connection: Connection, number: int, wanted: PageKey) -> Walk:
    """Return the records that an index tells a page may show."""
    where = [record.c.run_no == number]
    if wanted.state is not None and wanted.state in _INDEXED:
        where.append(is_state(wanted.state))
    backwards = wanted.before is not None
    return Walk(
        key=record.c.seq,
        where=tuple(where),
        over=record.join(contact, SAME),
        start=(wanted.before if backwards else wanted.after) or None,
        backwards=backwards,
        above=_first_possible(connection, number, wanted.state),
    )


def _found(
    connection: Connection, walk: Walk, wanted: PageKey, asked: Sequence[Condition]
) -> Found:
    state, size = wanted.state, wanted.size
    has_index = state is not None and state in _INDEXED
    if not asked and (state is None or has_index):
        return following(connection, walk, size)
    tests = list(asked)
    if state is not None and not has_index:
        tests.append(is_state(state))
    if not asked:
        # The state alone is asked of the narrow table alone.
        walk, most = replace(walk, over=record), MOST_PASSED
    else:
        most = MOST_STREWN if has_index else MOST_SEARCHED
    return searched(connection, walk, and_(*tests), size=size, most=most)


def _rows(number: int, seqs: list[int]) -> Select[tuple[object, ...]]:
    each = func.json_each(json.dumps(seqs)).table_valued("value")
    return (
        select(*RECORD_COLUMNS)
        .join_from(record, contact, SAME)
        .where(record.c.run_no == number, record.c.seq.in_(select(each.c.value)))
        .order_by(record.c.seq)
    )


def _any_in(connection: Connection, number: int, state: RecordState) -> bool:
    query = select(books.c[state.word]).where(books.c.run_no == number)
    return bool(connection.scalar(query))


def _first_possible(
    connection: Connection, number: int, state: RecordState | None
) -> int:
    """Return a seq below every record in *state*.

    No pending one is at the frontier, unless it waits for its window or its next step.
    """
    if state is not RecordState.PENDING:
        return 0
    waits = (
        select(record.c.seq)
        .where(
            record.c.run_no == number,
            is_state(RecordState.PENDING),
            # Not "is not NULL": only a comparison lets SQLite take the narrow index.
            record.c.next_at_ms > 0,
        )
        .limit(1)
    )
    if connection.scalar(waits) is not None:
        return 0
    query = select(books.c.frontier).where(books.c.run_no == number)
    return int(connection.scalar(query) or 0)
