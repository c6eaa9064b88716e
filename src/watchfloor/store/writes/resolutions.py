"""Resolving unknown records: a cohort is frozen, then its records get their states."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from watchfloor.domain.cohorts import Selection, to_payload
from watchfloor.domain.outcomes import Outcome
from watchfloor.domain.records import RecordState
from watchfloor.domain.resolutions import Answers
from watchfloor.store.conditions import is_state
from watchfloor.store.tables import record, resolution, resolved
from watchfloor.store.writes.statements import inserting

_SAVE = update(resolution).where(resolution.c.resolution_no == bindparam("b_number"))


class Fate(NamedTuple):
    """What unknown records become together.

    Attributes:
        outcome_class: As their attempt's is known now; None leaves class and code.
        leaves_doubt: They may still have been delivered.
    """

    state: RecordState
    outcome_class: int | None = None
    code: str = ""
    leaves_doubt: bool = False


class Settled(NamedTuple):
    """One record that is resolved: the word for it and what the provider said."""

    seq: int
    number: int
    step: int
    word: str
    outcome_class: int
    code: str
    detail: str


def add_resolution(
    connection: Connection, selection: Selection, **values: object
) -> int:
    """Store what was said of a cohort and return its number."""
    number: int = connection.execute(
        insert(resolution)
        .values(selection_json=json.dumps(to_payload(selection)), **values)
        .returning(resolution.c.resolution_no)
    ).scalar_one()
    return number


def save_resolution(connection: Connection, number: int, **values: object) -> None:
    """Store how far a resolution is."""
    connection.execute(_SAVE, {"b_number": number, **values})


def save_answers(connection: Connection, number: int, answers: Answers) -> None:
    """Store what a look-up came to so far."""
    settled = answers.delivered + answers.not_delivered
    save_resolution(
        connection,
        number,
        records=answers.asked,
        done=settled,
        answers_json=json.dumps(list(answers)),
    )


def freeze(
    connection: Connection,
    run_no: int,
    number: int,
    cohort: Select[tuple[int]],
    looked_at: tuple[int, int],
) -> int:
    """Take the unknown records of one stretch of a run into a cohort; return how many.

    Args:
        connection: In a fenced transaction.
        run_no: Whose.
        number: Which resolution.
        cohort: Of the seqs that are selected; see ``reads.cohorts.selected``.
        looked_at: After which seq, and up to which.
    """
    after, last = looked_at
    taken = cohort.with_only_columns(
        literal(run_no),
        record.c.seq,
        literal(number),
        record.c.attempts,
        record.c.step,
        maintain_column_froms=True,
    ).where(is_state(RecordState.UNKNOWN), record.c.seq > after, record.c.seq <= last)
    names = ("run_no", "seq", "resolution_no", "number", "step")
    return connection.execute(insert(resolved).from_select(names, taken)).rowcount


def settle(
    connection: Connection,
    run_no: int,
    fate: Fate,
    places: Sequence[tuple[int, int | None]],
    now_ms: int,
) -> int:
    """Give unknown records their state; return how many were unknown.

    Args:
        connection: In a fenced transaction.
        run_no: Whose.
        fate: What they become.
        places: Seq of each, and when it is due next or None.
        now_ms: The moment they carry.
    """
    values: dict[str, Any] = {
        "state": int(fate.state),
        "updated_at_ms": now_ms,
        "next_at_ms": bindparam("due"),
    }
    if fate.outcome_class is not None:
        values |= {"outcome_class": fate.outcome_class, "code": fate.code}
    if not fate.leaves_doubt:
        values |= {"doubts": 0}
    by_due: dict[int | None, list[int]] = {}
    for seq, due in places:
        by_due.setdefault(due, []).append(seq)
    seqs = func.json_each(bindparam("seqs")).table_valued("value")
    statement = (
        update(record)
        .where(
            record.c.run_no == run_no,
            record.c.seq.in_(select(seqs.c.value)),
            is_state(RecordState.UNKNOWN),
        )
        .values(values)
    )
    rows = [
        {"due": due, "seqs": orjson.dumps(some).decode()}
        for due, some in by_due.items()
    ]
    return connection.execute(statement, rows).rowcount if rows else 0


def note_frozen(
    connection: Connection,
    number: int,
    seqs: Sequence[int],
    word: str,
    outcome: Outcome | None,
    *,
    now_ms: int,
) -> None:
    """Note that frozen records of a cohort are resolved.

    Args:
        connection: In a fenced transaction.
        number: Which cohort.
        seqs: Which of its records.
        word: As what.
        outcome: How their attempts ended; None where they are sent once more.
        now_ms: The moment.
    """
    known: dict[str, object] = {}
    if outcome is not None:
        known = {"outcome_class": int(outcome.outcome_class), "code": outcome.code}
    some = func.json_each(bindparam("seqs")).table_valued("value")
    connection.execute(
        update(resolved)
        .where(
            resolved.c.resolution_no == number,
            resolved.c.at_ms.is_(None),
            resolved.c.seq.in_(select(some.c.value)),
        )
        .values(at_ms=now_ms, word=word, **known),
        {"seqs": orjson.dumps(list(seqs)).decode()},
    )


def add_settled(
    connection: Connection,
    run_no: int,
    number: int,
    settled: Sequence[Settled],
    now_ms: int,
) -> None:
    """Append records that a look-up resolved."""
    order = (
        "run_no",
        "seq",
        "resolution_no",
        "number",
        "step",
        "at_ms",
        "word",
        "outcome_class",
        "code",
        "detail",
    )
    added = inserting(resolved, order, connection.dialect)
    rows = [
        (run_no, one.seq, number, one.number, one.step, now_ms, *one[3:])
        for one in settled
    ]
    added.many(connection, rows)


def let_go(connection: Connection, number: int, most: int) -> int:
    """Let go of frozen records that are not to be resolved; return how many."""
    some = (
        select(resolved.c.seq)
        .where(resolved.c.resolution_no == number, resolved.c.at_ms.is_(None))
        .limit(most)
    )
    gone = delete(resolved).where(
        resolved.c.resolution_no == number,
        resolved.c.at_ms.is_(None),
        resolved.c.seq.in_(some),
    )
    return connection.execute(gone).rowcount
