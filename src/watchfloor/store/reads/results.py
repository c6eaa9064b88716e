"""What providers reported: of a run, of a record, and what waits for its record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    func,
    literal_column,
    select,
)

from watchfloor.domain.regions import Results
from watchfloor.domain.results import ResultEvent, ResultKind, speaking
from watchfloor.store.tables import result, result_count, run

_APPLIED: ColumnElement[str] = literal_column("'applied'")
_PARKED: ColumnElement[str] = literal_column("'parked'")
_EVENT_IDS = func.json_each(bindparam("event_ids")).table_valued("value")
_KNOWN_EVENTS = select(result.c.event_id).where(
    result.c.event_id.in_(select(_EVENT_IDS.c.value))
)
_SEQS = func.json_each(bindparam("seqs")).table_valued("value")
_KNOWN_KINDS = (
    select(result.c.seq, result.c.kind)
    .where(
        result.c.run_no == bindparam("run_no"),
        result.c.seq.in_(select(_SEQS.c.value)),
        result.c.state == _APPLIED,
    )
    .distinct()
)
_RUN_NOS = func.json_each(bindparam("run_nos")).table_valued("value")
_COLLECT = select(
    run.c.run_no, run.c.run_id, run.c.results, run.c.results_close_at_ms
).where(run.c.run_no.in_(select(_RUN_NOS.c.value)))


class Reported(NamedTuple):
    """One event of a record.

    Attributes:
        state: ``applied``, or ``late`` where the run's results were closed.
        step: The step's number.
        source: How it came in.
    """

    kind: ResultKind
    at_ms: int
    received_at_ms: int
    state: str
    step: int | None
    detail: str
    source: str
    event_id: str


class Parked(NamedTuple):
    """Events whose record is not known."""

    events: int
    oldest_at_ms: int | None


class Waiting(NamedTuple):
    """A parked event, to be matched again; in order of its first two values."""

    received_at_ms: int
    event_id: str
    source: str
    event: ResultEvent


class Collecting(NamedTuple):
    """Whether a run takes results."""

    run_id: str
    results: Results
    close_at_ms: int | None

    def is_open(self, now_ms: int) -> bool:
        """Whether an event of now still counts."""
        overdue = self.close_at_ms is not None and self.close_at_ms <= now_ms
        return self.results is not Results.CLOSED and not overdue


def result_counts(connection: Connection, run_no: int) -> dict[ResultKind, int]:
    """Return of how many records each kind was reported, the commonest first."""
    query = (
        select(result_count.c.kind, result_count.c.records)
        .where(result_count.c.run_no == run_no)
        .order_by(result_count.c.records.desc(), result_count.c.kind)
    )
    return {ResultKind(kind): records for kind, records in connection.execute(query)}


def results_of(
    connection: Connection, run_no: int, seq: int, *, most: int = 200
) -> tuple[Reported, ...]:
    """Return up to *most* events of a record, as they came in."""
    query = (
        select(
            result.c.kind,
            result.c.at_ms,
            result.c.received_at_ms,
            result.c.state,
            result.c.step,
            result.c.detail,
            result.c.source,
            result.c.event_id,
        )
        .where(result.c.run_no == run_no, result.c.seq == seq)
        .order_by(result.c.received_at_ms, result.c.at_ms, result.c.event_id)
        .limit(most)
    )
    return tuple(
        Reported(ResultKind(kind), *others)
        for kind, *others in connection.execute(query)
    )


def speaking_kinds(
    connection: Connection, run_no: int, seqs: Sequence[int]
) -> dict[int, ResultKind]:
    """Return the kind that speaks for each record of a page that has one."""
    kinds: dict[int, list[ResultKind]] = {}
    for seq, kind in known_kinds(connection, run_no, seqs):
        kinds.setdefault(seq, []).append(kind)
    spoken = ((seq, speaking(some)) for seq, some in kinds.items())
    return {seq: kind for seq, kind in spoken if kind is not None}


def known_kinds(
    connection: Connection, run_no: int, seqs: Iterable[int]
) -> set[tuple[int, ResultKind]]:
    """Return which kinds count for which of some records."""
    asked = {"run_no": run_no, "seqs": json.dumps(list(seqs))}
    rows = connection.execute(_KNOWN_KINDS, asked)
    return {(seq, ResultKind(kind)) for seq, kind in rows}


def known_events(connection: Connection, event_ids: Iterable[str]) -> set[str]:
    """Return which of these events are stored already."""
    asked = {"event_ids": json.dumps(list(event_ids))}
    return set(connection.scalars(_KNOWN_EVENTS, asked))


def collecting(connection: Connection, run_nos: Iterable[int]) -> dict[int, Collecting]:
    """Return whether these runs take results."""
    asked = {"run_nos": json.dumps(list(run_nos))}
    return {
        run_no: Collecting(run_id, Results(results), close_at_ms)
        for run_no, run_id, results, close_at_ms in connection.execute(_COLLECT, asked)
    }


def parked(connection: Connection) -> Parked:
    """Return how many events wait for their record, and since when."""
    query = select(func.count(), func.min(result.c.received_at_ms)).where(
        result.c.state == _PARKED
    )
    count, oldest = connection.execute(query).one()
    return Parked(count, oldest)


def waiting(connection: Connection, after: tuple[int, str], most: int) -> list[Waiting]:
    """Return up to *most* parked events, oldest first, past the place *after*.

    Args:
        connection: Any.
        after: When the last one seen was received, and its event id.
        most: How many.
    """
    at_ms, event_id = after
    query = (
        select(result)
        .where(result.c.state == _PARKED, result.c.received_at_ms >= at_ms)
        .where((result.c.received_at_ms > at_ms) | (result.c.event_id > event_id))
        .order_by(result.c.received_at_ms, result.c.event_id)
        .limit(most)
    )
    return [
        Waiting(
            row["received_at_ms"],
            row["event_id"],
            row["source"],
            ResultEvent(
                event_id=row["event_id"],
                kind=ResultKind(row["kind"]),
                at_ms=row["at_ms"],
                key=row["key"],
                provider_id=row["provider_id"],
                detail=row["detail"],
            ),
        )
        for row in connection.execute(query).mappings()
    ]
