"""Slices of a run as its archive tells them: the glossary's words for its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.store.archive.drafts import Slice
from watchfloor.store.archive.tallies import Tally
from watchfloor.store.reads.history import Subject, attempt_rows, record_rows

#: Records or attempts of one read transaction: some five milliseconds.
SLICE_ROWS = 2_000
#: No attempt has a greater number.
_PAST_EVERY = 1 << 31
_STATES = {int(one): one.word for one in RecordState}
_CLASSES = {int(one): one.word for one in OutcomeClass}


def slices(
    connection: Connection, subject: Subject, after: int, most: int
) -> Iterator[Slice]:
    """Yield the next *most* records with their attempts, each in a short transaction.

    Args:
        connection: Reading; nothing of it is open between two slices.
        subject: Whose.
        after: Seq of the last record known.
        most: The most records.
    """
    left = most
    while left > 0:
        rows = record_rows(connection, subject.run_no, after, min(left, SLICE_ROWS))
        if not rows:
            return
        last_seq = rows[-1][0]
        attempts: list[list[Any]] = []
        key = (after, _PAST_EVERY)
        while more := attempt_rows(
            connection, subject.run_no, key, last_seq, SLICE_ROWS
        ):
            attempts += more
            key = (more[-1][0], more[-1][1])
            connection.rollback()
        # A snapshot that is kept would let the log grow.
        connection.rollback()
        yield _told(subject, rows, attempts)
        left -= len(rows)
        after = last_seq


def _told(subject: Subject, rows: list[list[Any]], attempts: list[list[Any]]) -> Slice:
    steps, columns = subject.steps, subject.columns
    report = Tally()
    tried = []
    for seq, number, step, kind, code, began, over, provider, detail, why in attempts:
        took = max(0, over - began)
        report.count(step, kind or 0, code, began, took)
        name, word = _name(steps, step), _CLASSES.get(kind)
        tried.append(
            (seq, number, name, word, code, began, over, took, provider, detail, why)
        )
    records = [
        (
            *row[:3],
            _STATES[row[3]],
            _name(steps, row[4]),
            row[5],
            _CLASSES.get(row[6]),
            *row[7:10],
            _fields(columns, row[10]),
        )
        for row in rows
    ]
    states = [record[3] for record in records]
    return Slice(records, tried, rows[-1][0], states, report)


def _name(steps: tuple[str, ...], number: int) -> str:
    return steps[number] if number < len(steps) else ""


def _fields(columns: tuple[str, ...], values: list[str]) -> dict[str, str]:
    fields = dict(zip(columns, values, strict=False))
    for at in range(len(columns), len(values)):
        fields[f"column_{at + 1}"] = values[at]
    return fields
