"""Who was reached after all is not attempted again by a retry that has not sent yet.

A provider may report of an attempt long after a retry took its record up. What the
retry has not attempted becomes not attempted, at once and for good; what it has, stays
as it is, and the journey tells both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from watchfloor.domain.records import REACHED_BEFORE, RecordState, dropped
from watchfloor.domain.results import REACHED
from watchfloor.engine.booking import expect_in_flight
from watchfloor.engine.changes import Transaction, adopt, enter
from watchfloor.engine.ledger import Ledger
from watchfloor.store.reads.kin import (
    Unsent,
    is_of_retries,
    unsent_kin,
    with_reached_kin,
)
from watchfloor.store.writes.attempts import AttemptWriter, Claimed, Move
from watchfloor.store.writes.results import Placed

_NAMED: Final = 3


def spare(tx: Transaction, places: Iterable[Placed], source: str) -> None:
    """Drop what retries have not sent to contacts that these events say were reached.

    It holds whatever becomes of the event: a late one is as true as another.
    """
    told: dict[tuple[int, int], dict[int, str]] = {}
    for one in places:
        if one.event.kind not in REACHED or one.run_no is None or one.seq is None:
            continue
        some = told.setdefault((one.run_no, one.step or 0), {})
        some.setdefault(one.seq, one.event.kind.value)
    for (run_no, step), kinds in told.items():
        if not is_of_retries(tx.connection, run_no):
            continue
        writer = AttemptWriter(tx.connection)
        found = unsent_kin(tx.connection, run_no, step, kinds)
        for run_id in dict.fromkeys(one.run_id for one in found):
            some_of_run = [one for one in found if one.run_id == run_id]
            ledger = tx.ledgers.get(run_id) or adopt(tx, run_id)
            intended, left = _parted(some_of_run)
            # Whoever of them waits for a permit is given back, and dropped then.
            ledger.reached.update(one.seq for one in intended)
            if left:
                _drop(tx, writer, ledger, left)
                detail = _told(left, kinds, source)
                enter(tx, ledger, "reached before", detail=detail)


def spare_released(
    tx: Transaction, writer: AttemptWriter, ledger: Ledger, rows: Sequence[Claimed]
) -> None:
    """Drop those of a retry's intents that were taken back and are not needed now.

    While an intent is stored, what a provider reports can only keep it from being sent.
    """
    by_step: dict[int, list[Claimed]] = {}
    for row in rows:
        if row.attempts == row.base:
            by_step.setdefault(row.step, []).append(row)
    for step, some in by_step.items():
        seqs = [row.seq for row in some]
        reached = with_reached_kin(tx.connection, ledger.run_no, step, seqs)
        if not reached:
            continue
        unsent = [
            Unsent(
                row.seq,
                ledger.run_id,
                ledger.run_no,
                row.seq,
                row.state,
                row.earlier,
                row.held,
            )
            for row in some
            if row.seq in reached
        ]
        _drop(tx, writer, ledger, unsent)
        enter(tx, ledger, "reached before", detail=_told(unsent, {}, "a provider"))


def _parted(unsent: Iterable[Unsent]) -> tuple[list[Unsent], list[Unsent]]:
    """Return those with an intent, and those without one."""
    parts: tuple[list[Unsent], list[Unsent]] = [], []
    for one in unsent:
        parts[one.state != RecordState.ATTEMPTING].append(one)
    return parts


def _drop(
    tx: Transaction, writer: AttemptWriter, ledger: Ledger, unsent: Sequence[Unsent]
) -> None:
    moves: dict[Move, list[int]] = {}
    for one in unsent:
        # That it may have been delivered is no doubt any more: it is known.
        into = dropped(RecordState.PENDING, earlier=one.earlier, in_doubt=False)
        move = Move(RecordState(one.state), into, REACHED_BEFORE)
        moves.setdefault(move, []).append(one.seq)
    for move, seqs in moves.items():
        moved = writer.drop(tx.connection, ledger.run_no, seqs, move, tx.now_ms)
        expect_in_flight(moved, len(seqs), ledger)
        ledger.moved(move.state, move.into, moved)
    ledger.held -= sum(one.held for one in unsent)


def _told(unsent: Sequence[Unsent], kinds: Mapping[int, str], source: str) -> str:
    seqs = [f"{one.seq:,}" for one in unsent[:_NAMED]]
    if len(unsent) > _NAMED:
        seqs.append(f"{len(unsent) - _NAMED:,} more")
    words = sorted({kinds[one.seen] for one in unsent if one.seen in kinds})
    many = "record" if len(unsent) == 1 else "records"
    are = "is" if len(unsent) == 1 else "are"
    reported = ", ".join(words) or "reached"
    return (
        f"{many} {', '.join(seqs)} {are} not attempted: {source} reported of an "
        f"earlier attempt: {reported}"
    )
