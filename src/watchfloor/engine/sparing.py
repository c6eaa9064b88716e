"""Who was reached after all is not attempted again by what has not been sent yet.

A provider may report of an attempt long after a retry took its record up. What the
retry has not attempted becomes not attempted, at once and for good; what it has, stays
as it is, and the journey tells both.

So it may after a person, or the provider, said what became of a record in doubt. What
waits to be tried again after that is unknown once more where the channel does not know
a key again: that the first one arrived is reported now, and who is asked next says so.
An intent that is stored is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.records import REACHED_BEFORE, RecordState, dropped
from watchfloor.domain.results import REACHED
from watchfloor.engine.booking import expect_in_flight
from watchfloor.engine.changes import Transaction, adopt, enter
from watchfloor.engine.ledger import Ledger
from watchfloor.store.reads.kin import (
    Unsent,
    doubted,
    doubted_kin,
    is_of_retries,
    is_resolved,
    unsent_kin,
    with_reached_kin,
)
from watchfloor.store.writes.attempts import AttemptWriter, Claimed, Move
from watchfloor.store.writes.results import Placed

_NAMED: Final = 3
_RETRY: Final = int(RecordState.RETRY)


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
        is_retried = is_of_retries(tx.connection, run_no)
        if is_retried:
            _spare_unsent(tx, run_no, step, kinds, source)
        # In a run that is no retry nothing waits in doubt before a word is given.
        if is_retried or is_resolved(tx.connection, run_no):
            keep_back(tx, run_no, step, kinds, source)


def keep_back(
    tx: Transaction, run_no: int, step: int, kinds: Mapping[int, str], source: str
) -> None:
    """Make unknown again what waits to be tried once more and is known to have arrived.

    Args:
        tx: Open.
        run_no: Whose records *source* told of.
        step: At which step they were reached.
        kinds: What was told of each, by seq.
        source: Who told it, for the journal.
    """
    found = doubted_kin(tx.connection, run_no, step, kinds)
    for run_id, some in _by_run(found).items():
        ledger = tx.ledgers.get(run_id) or adopt(tx, run_id)
        if _repeats(ledger, step):
            _keep_back(tx, AttemptWriter(tx.connection), ledger, some, kinds, source)


def without_reached(
    tx: Transaction, writer: AttemptWriter, ledger: Ledger, rows: Sequence[Claimed]
) -> list[Claimed]:
    """Return what may be attempted; keep back who is known to have been reached.

    Whatever order word, report and attempt came in: who was reported while an intent
    was stored may wait again, since it was taken back or came to nothing.
    """
    by_step: dict[int, list[int]] = {}
    for row in rows:
        if row.state == _RETRY and _repeats(ledger, row.step):
            by_step.setdefault(row.step, []).append(row.seq)
    reached: set[int] = set()
    for step, seqs in by_step.items():
        if asked := doubted(tx.connection, ledger.run_no, seqs):
            reached |= with_reached_kin(tx.connection, ledger.run_no, step, asked)
    if not reached:
        return list(rows)
    unsent = _unsent(ledger, [row for row in rows if row.seq in reached])
    _keep_back(tx, writer, ledger, unsent, {}, "a provider")
    return [row for row in rows if row.seq not in reached]


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
        unsent = _unsent(ledger, [row for row in some if row.seq in reached])
        _drop(tx, writer, ledger, unsent, in_doubt=False)
        enter(tx, ledger, "reached before", detail=_told(unsent, {}, "a provider"))


def _spare_unsent(
    tx: Transaction, run_no: int, step: int, kinds: Mapping[int, str], source: str
) -> None:
    """Drop what retries have not sent to contacts of records that were reached."""
    found = unsent_kin(tx.connection, run_no, step, kinds)
    for run_id, some in _by_run(found).items():
        ledger = tx.ledgers.get(run_id) or adopt(tx, run_id)
        intended, left = _parted(some)
        # Whoever of them waits for a permit is given back, and dropped then.
        ledger.reached.update(one.seq for one in intended)
        if left:
            _drop(tx, AttemptWriter(tx.connection), ledger, left, in_doubt=False)
            enter(tx, ledger, "reached before", detail=_told(left, kinds, source))


def _keep_back(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    unsent: Sequence[Unsent],
    kinds: Mapping[int, str],
    source: str,
) -> None:
    # An attempt closes once: what is known of it now is for a look-up or a person to
    # say, as it would have been had nobody said anything.
    _drop(tx, writer, ledger, unsent, in_doubt=True)
    detail = (
        f"{_told(unsent, kinds, source, again=True)}. Unknown again; say that it was "
        f"delivered: watchfloor resolve {ledger.run_id} SEQ --as delivered --reason "
        "TEXT"
    )
    enter(tx, ledger, "reached before", detail=detail)


def _repeats(ledger: Ledger, step: int) -> bool:
    """Return whether an attempt that is made again may reach a contact again."""
    return ledger.deliveries[step] is Delivery.AT_MOST_ONCE


def _by_run(unsent: Iterable[Unsent]) -> dict[str, list[Unsent]]:
    runs: dict[str, list[Unsent]] = {}
    for one in unsent:
        runs.setdefault(one.run_id, []).append(one)
    return runs


def _unsent(ledger: Ledger, rows: Iterable[Claimed]) -> list[Unsent]:
    return [
        Unsent(
            row.seq,
            ledger.run_id,
            ledger.run_no,
            row.seq,
            row.state,
            row.earlier,
            row.held,
        )
        for row in rows
    ]


def _parted(unsent: Iterable[Unsent]) -> tuple[list[Unsent], list[Unsent]]:
    """Return those with an intent, and those without one."""
    parts: tuple[list[Unsent], list[Unsent]] = [], []
    for one in unsent:
        parts[one.state != RecordState.ATTEMPTING].append(one)
    return parts


def _drop(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    unsent: Sequence[Unsent],
    *,
    in_doubt: bool,
) -> None:
    """Drop what is unsent; *in_doubt* where an attempt of the same record was."""
    moves: dict[Move, list[int]] = {}
    for one in unsent:
        into = dropped(RecordState.PENDING, earlier=one.earlier, in_doubt=in_doubt)
        move = Move(RecordState(one.state), into, REACHED_BEFORE)
        moves.setdefault(move, []).append(one.seq)
    for move, seqs in moves.items():
        moved = writer.drop(tx.connection, ledger.run_no, seqs, move, tx.now_ms)
        expect_in_flight(moved, len(seqs), ledger)
        ledger.moved(move.state, move.into, moved)
    ledger.held -= sum(one.held for one in unsent)


def _told(
    unsent: Sequence[Unsent],
    kinds: Mapping[int, str],
    source: str,
    *,
    again: bool = False,
) -> str:
    seqs = [f"{one.seq:,}" for one in unsent[:_NAMED]]
    if len(unsent) > _NAMED:
        seqs.append(f"{len(unsent) - _NAMED:,} more")
    words = sorted({kinds[one.seen] for one in unsent if one.seen in kinds})
    many = "record" if len(unsent) == 1 else "records"
    are = "is" if len(unsent) == 1 else "are"
    reported = ", ".join(words) or "reached"
    return (
        f"{many} {', '.join(seqs)} {are} not attempted{' again' if again else ''}: "
        f"{source} reported of an earlier attempt: {reported}"
    )
