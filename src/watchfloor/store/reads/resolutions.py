"""What was said of unknown records, and what is left to ask or to resolve."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
)

from watchfloor.domain.cohorts import Selection, from_payload
from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.records import RecordState
from watchfloor.domain.resolutions import Answers, only_unknown
from watchfloor.store.conditions import is_state
from watchfloor.store.reads.cohorts import count_of
from watchfloor.store.reads.retryable import is_free
from watchfloor.store.reads.runs import run_number
from watchfloor.store.tables import contact, record, resolution, resolved, run

_IS_OPEN = (
    resolution.c.state != literal_column("'done'"),
    resolution.c.state != literal_column("'refused'"),
)
#: Made once: the engine asks them with every retry and every look at its run.
_ALL = (
    select(resolution, run.c.run_id)
    .join(run, run.c.run_no == resolution.c.run_no)
    .order_by(resolution.c.resolution_no)
)
_OF_RUN = _ALL.where(resolution.c.run_no == bindparam("of_run"))
_OPEN = _ALL.where(*_IS_OPEN)
_OPEN_OF_RUN = _OF_RUN.where(*_IS_OPEN)
_SAID_OF_RUN = _OF_RUN.where(
    resolution.c.at_ms > bindparam("after_ms"), resolution.c.state != "refused"
)
_BY_NUMBER = _ALL.where(resolution.c.resolution_no == bindparam("number"))
_FROZEN = (
    select(
        record.c.seq,
        record.c.attempts,
        record.c.step,
        record.c.interrupted,
        record.c.base,
        record.c.first_at_ms,
    )
    .select_from(resolved)
    .join(
        record,
        and_(record.c.run_no == bindparam("of_run"), record.c.seq == resolved.c.seq),
    )
    .where(
        resolved.c.resolution_no == bindparam("number"),
        resolved.c.at_ms.is_(None),
        is_state(RecordState.UNKNOWN),
    )
    .order_by(resolved.c.seq)
    .limit(bindparam("most"))
)


class Resolution(NamedTuple):
    """What somebody said of a cohort, and how far it is; see the table."""

    number: int
    command_id: str
    run_no: int
    run_id: str
    at_ms: int
    by: str
    origin: str
    why: str
    word: str
    selection: Selection
    expected: int
    state: str
    reached: int
    records: int
    done: int
    answers: Answers
    ended_at_ms: int | None


class Said(NamedTuple):
    """What was said of one record, by whom, and why."""

    at_ms: int
    step: int
    word: str
    by: str
    why: str
    is_look_up: bool
    detail: str


class Uncertain(NamedTuple):
    """An unknown record, as the verdict on it asks.

    Attributes:
        number: Of its last attempt.
        base: Attempts at earlier steps.
    """

    seq: int
    number: int
    step: int
    interrupted: int
    base: int
    first_at_ms: int | None


class Doubt(NamedTuple):
    """An unknown record as its provider is asked about it."""

    seq: int
    number: int
    step: int
    generation: int
    contact: str
    digest: bytes
    values: list[str]


def open_resolutions(
    connection: Connection, run_no: int | None = None
) -> list[Resolution]:
    """Return what was said and is not wholly done, of all runs or one, oldest first."""
    if run_no is None:
        return _resolutions(connection, _OPEN, {})
    return _resolutions(connection, _OPEN_OF_RUN, {"of_run": run_no})


def resolution_of(connection: Connection, number: int) -> Resolution:
    """Return one by its number."""
    return _resolutions(connection, _BY_NUMBER, {"number": number})[0]


def resolutions_of(
    connection: Connection, run_id: str, after_ms: int = -1, most: int = 1_000
) -> list[Resolution]:
    """Return the last things said of a run's records past a time, oldest first."""
    asked = {"of_run": run_number(connection, run_id), "after_ms": after_ms}
    return _resolutions(connection, _SAID_OF_RUN, asked)[-most:]


def _resolutions(
    connection: Connection, query: Select[Any], asked: Mapping[str, object]
) -> list[Resolution]:
    rows = connection.execute(query, asked).mappings()
    return [_resolution(dict(row)) for row in rows]


def _resolution(row: Mapping[str, Any]) -> Resolution:
    return Resolution(
        row["resolution_no"],
        row["command_id"],
        row["run_no"],
        row["run_id"],
        row["at_ms"],
        row["by"],
        row["origin"],
        row["why"],
        row["word"],
        from_payload(json.loads(row["selection_json"]), most=None),
        row["expected"],
        row["state"],
        row["reached"],
        row["records"],
        row["done"],
        Answers(*json.loads(row["answers_json"])),
        row["ended_at_ms"],
    )


def said_of(connection: Connection, run_no: int, seq: int) -> list[Said]:
    """Return what was said of one record while it was unknown, oldest first."""
    query = (
        select(
            resolved.c.at_ms,
            resolved.c.step,
            resolved.c.word,
            resolution.c.by,
            resolution.c.why,
            resolution.c.word == "look-up",
            resolved.c.detail,
        )
        .join(resolution, resolution.c.resolution_no == resolved.c.resolution_no)
        .where(
            resolved.c.run_no == run_no,
            resolved.c.seq == seq,
            resolved.c.at_ms.is_not(None),
        )
        .order_by(resolved.c.resolution_no)
    )
    return [Said(*row) for row in connection.execute(query)]


def counted(
    connection: Connection, run_id: str, selection: Selection, unknown: int
) -> tuple[int, int]:
    """Return how many of a selection's records are unknown, and how many are not.

    Args:
        connection: Any.
        run_id: Whose.
        selection: Which.
        unknown: So many unknown records the run has.
    """
    asked = only_unknown(selection)
    is_all = asked == only_unknown(Selection())
    count = unknown if is_all else count_of(connection, run_id, asked)
    if selection.states == asked.states or selection == Selection():
        return count, 0
    return count, count_of(connection, run_id, selection) - (
        count if not selection.states or RecordState.UNKNOWN in selection.states else 0
    )


def stretch(connection: Connection, run_no: int, after: int, most: int) -> int | None:
    """Return the last seq of a run's next *most* unknown records; None for none."""
    some = (
        select(record.c.seq)
        .where(
            record.c.run_no == run_no,
            is_state(RecordState.UNKNOWN),
            record.c.seq > after,
        )
        .order_by(record.c.seq)
        .limit(most)
        .subquery()
    )
    last = connection.scalar(select(func.max(some.c.seq)))
    return None if last is None else int(last)


def last_unknown(connection: Connection, run_no: int) -> int:
    """Return the seq of the last unknown record of a run; 0 for none."""
    query = select(func.max(record.c.seq)).where(
        record.c.run_no == run_no, is_state(RecordState.UNKNOWN)
    )
    return int(connection.scalar(query) or 0)


def doubts(
    connection: Connection,
    run_no: int,
    seqs: Sequence[int],
    between: tuple[int, int],
    most: int,
) -> list[Doubt]:
    """Return the next unknown records of a run, as their provider is asked about them.

    What a younger run has taken up is not among them.

    Args:
        connection: Any.
        run_no: Whose.
        seqs: Only these; or none of them for all.
        between: After which seq, and up to which.
        most: The most records.
    """
    same = and_(record.c.run_no == contact.c.run_no, record.c.seq == contact.c.seq)
    query = (
        select(
            record.c.seq,
            record.c.attempts,
            record.c.step,
            record.c.generation,
            contact.c.contact,
            contact.c.digest,
            contact.c.values_json,
        )
        .join_from(record, contact, same)
        .where(
            record.c.run_no == run_no,
            is_state(RecordState.UNKNOWN),
            record.c.seq > between[0],
            record.c.seq <= between[1],
            *is_free(connection, run_no),
        )
        .order_by(record.c.seq)
        .limit(most)
    )
    if seqs:
        query = query.where(record.c.seq.in_(seqs))
    return [
        Doubt._make((*plain, json.loads(values)))
        for *plain, values in connection.execute(query).all()
    ]


def still_unknown(
    connection: Connection, run_no: int, seqs: Sequence[int]
) -> dict[int, Uncertain]:
    """Return those of *seqs* that are unknown, free, and in no cohort under way."""
    frozen = (
        select(resolved.c.seq)
        .where(
            resolved.c.run_no == run_no,
            resolved.c.seq.in_(seqs),
            resolved.c.at_ms.is_(None),
        )
        .scalar_subquery()
    )
    query = select(
        record.c.seq,
        record.c.attempts,
        record.c.step,
        record.c.interrupted,
        record.c.base,
        record.c.first_at_ms,
    ).where(
        record.c.run_no == run_no,
        record.c.seq.in_(seqs),
        is_state(RecordState.UNKNOWN),
        record.c.seq.not_in(frozen),
        *is_free(connection, run_no),
    )
    return {row[0]: Uncertain(*row) for row in connection.execute(query)}


def frozen_ones(
    connection: Connection, run_no: int, number: int, most: int
) -> list[Uncertain]:
    """Return the next frozen records of a cohort, unless they moved."""
    asked = {"of_run": run_no, "number": number, "most": most}
    return [Uncertain(*row) for row in connection.execute(_FROZEN, asked)]


def promises(connection: Connection, run_id: str) -> tuple[Delivery, int]:
    """Return what a run's channels promise, the strictest, and how many steps it has.

    Raises:
        NotFoundError: No run has this id.
    """
    run_number(connection, run_id)
    query = select(run.c.steps_json).where(run.c.run_id == run_id)
    modes = [
        Delivery(mode) for *_, mode in json.loads(connection.scalar(query) or "[]")
    ]
    strict = Delivery.AT_MOST_ONCE in modes
    return (Delivery.AT_MOST_ONCE if strict else Delivery.IDEMPOTENT), len(modes)
