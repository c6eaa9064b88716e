"""Records of which nobody knows whether they were delivered, of all runs or of one."""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from watchfloor.domain.live import Unknown, UnknownPage
from watchfloor.domain.records import RecordState
from watchfloor.store.conditions import is_state
from watchfloor.store.reads.records import RECORD_COLUMNS, SAME, record_view
from watchfloor.store.reads.runs import run_number
from watchfloor.store.tables import books, contact, record, run


class _Among(NamedTuple):
    """A run with unknown records."""

    run_no: int
    run_id: str
    campaign_name: str
    family_id: str
    steps_json: str


def unknown_page(
    connection: Connection,
    run_id: str = "",
    after: tuple[str, int] | None = None,
    size: int = 40,
) -> UnknownPage:
    """Return unknown records, those of the newest run first, in seq order.

    Args:
        connection: Any.
        run_id: Whose; empty for those of every run, hidden ones too: what nobody knows
            is not settled by keeping it off a list.
        after: The page before this one told it; None for the first.
        size: The most records.

    Raises:
        NotFoundError: No run has one of these ids.
    """
    if run_id:
        chosen = books.c.run_no == run_number(connection, run_id)
    else:
        chosen = books.c.unknown > 0
    last_no, last_seq = None, 0
    if after is not None:
        last_no, last_seq = run_number(connection, after[0]), after[1]
    found: list[Unknown] = []
    for among in _runs(connection, chosen, last_no, size + 1):
        past = last_seq if among.run_no == last_no else 0
        found += _unknowns(connection, among, past, size + 1 - len(found))
        if len(found) > size:
            break
    shown = found[:size]
    total = select(func.sum(books.c.unknown)).join_from(books, run).where(chosen)
    return UnknownPage(
        unknowns=tuple(shown),
        after=(shown[-1].run_id, shown[-1].record.seq) if len(found) > size else None,
        of=int(connection.scalar(total) or 0),
    )


def _runs(
    connection: Connection,
    chosen: ColumnElement[bool],
    newest: int | None,
    most: int,
) -> list[_Among]:
    """Return the next runs that have unknown records, newest first.

    Each has one at least: of as many runs as a page has records, it is full.
    """
    columns = (run.c.run_no, run.c.run_id, run.c.campaign_name)
    query = (
        select(*columns, run.c.family_id, run.c.steps_json)
        .join_from(books, run)
        .where(books.c.unknown > 0, chosen)
        .order_by(books.c.run_no.desc())
        # The first may have none past the page before this one.
        .limit(most + 1)
    )
    if newest is not None:
        query = query.where(books.c.run_no <= newest)
    return [_Among(*row) for row in connection.execute(query)]


def _unknowns(
    connection: Connection, among: _Among, past: int, most: int
) -> list[Unknown]:
    query = (
        select(*RECORD_COLUMNS)
        .join_from(record, contact, SAME)
        .where(
            record.c.run_no == among.run_no,
            is_state(RecordState.UNKNOWN),
            record.c.seq > past,
        )
        .order_by(record.c.seq)
        .limit(most)
    )
    steps = tuple(name for name, _, _ in json.loads(among.steps_json))
    return [
        Unknown(
            run_id=among.run_id,
            campaign_name=among.campaign_name,
            record=record_view(row, steps, among.family_id),
        )
        for row in connection.execute(query).mappings()
    ]
