"""One run's share of a transaction: which records are attempted next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from watchfloor.domain.approval import attempts_before_approval
from watchfloor.domain.lifecycle import may_call_back, may_dispatch
from watchfloor.domain.permits import retry_quota
from watchfloor.domain.records import RecordState, dropped, too_late
from watchfloor.engine.booking import expect_in_flight
from watchfloor.engine.changes import Transaction
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.rules import Rules
from watchfloor.engine.sparing import without_reached
from watchfloor.store.reads.runs import next_due_ms
from watchfloor.store.writes.attempts import AttemptWriter, Claimed, Move

#: Intents of one run in one transaction; a window may be larger.
CLAIM_ROWS = 1_000

#: Why a record is not attempted, as its code.
SUPPRESSED = "suppressed"
CALLBACK_EXPIRED = "callback_expired"
WINDOW_NEVER_OPENS = "window_never_opens"

_WORDS = {int(state): state.word for state in RecordState}
_TIMED = (RecordState.PENDING, RecordState.RETRY, RecordState.CALLBACK)


class Taken(NamedTuple):
    """What a claim came to.

    Attributes:
        more: Records were looked at and put aside: the next round may find others.
    """

    claimed: list[Claimed]
    more: bool


NOTHING = Taken([], more=False)


def claim(
    tx: Transaction, writer: AttemptWriter, ledger: Ledger, rules: Rules, room: int
) -> Taken:
    """Store up to *room* intents and return them; nothing may leave before the commit.

    Callbacks and retries whose time has come go first, the latter within the retry
    budget; then records whose window opened or whose next step is due; then pending
    ones in the order of the upload. Whoever is suppressed, outside their window, or to
    be sent again though they were reached, is put aside.
    """
    room = min(room, CLAIM_ROWS, _before_approval(ledger, room))
    if room <= 0 or ledger.is_doomed or _is_shut(ledger, rules, tx.now_ms):
        return NOTHING
    due_now = ledger.is_due(tx.now_ms)
    looked = _looked_at(tx, writer, ledger, rules, room, due_now=due_now)
    fit = _fit(tx, writer, ledger, rules, without_reached(tx, writer, ledger, looked))
    taken, left = fit[:room], fit[room:]
    _put_back(ledger, left)
    if taken:
        _intend(tx, writer, ledger, taken)
    if due_now:
        ledger.next_due_ms = _next_due(tx, ledger)
    aside = len(looked) - len(fit)
    # Where many are put aside, a small room must not mean a commit for each of them.
    ledger.look_ahead = min(CLAIM_ROWS, 2 * len(looked)) if aside else 0
    return Taken(taken, more=aside > 0 or len(taken) == CLAIM_ROWS)


def _put_back(ledger: Ledger, rows: Sequence[Claimed]) -> None:
    """Leave records for which there was no room where they were looked at."""
    fresh = [row.seq for row in rows if row.next_at_ms is None]
    if fresh:
        ledger.frontier = min(ledger.frontier, fresh[0] - 1)
        ledger.is_exhausted = False


def _looked_at(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    rules: Rules,
    room: int,
    *,
    due_now: bool,
) -> list[Claimed]:
    """Return up to *room* records whose time has come, and some fresh ones beyond.

    So many more as were put aside lately are looked at, not handed out.
    """
    found: list[Claimed] = []
    run = ledger.lifecycle
    if due_now and may_call_back(run):
        found += _due(tx, writer, ledger, RecordState.CALLBACK, room)
    if not may_dispatch(run):
        return found
    left = room - len(found)
    if due_now and left:
        pending = ledger.tally["pending"] > 0
        quota = retry_quota(left, rules.retry_share, others_pending=pending)
        found += _due(tx, writer, ledger, RecordState.RETRY, quota)
    left = room - len(found)
    if due_now and left:
        found += _due(tx, writer, ledger, RecordState.PENDING, left)
    left = max(room, ledger.look_ahead) - len(found)
    if left > 0 and ledger.tally["pending"] and not ledger.is_exhausted:
        fresh = writer.pending(tx.connection, ledger.run_no, ledger.frontier, left)
        if ledger.released_seq is not None:
            # Whoever stands past a canary was never looked at, and is only found here.
            fresh = [row for row in fresh if row.seq <= ledger.released_seq]
        ledger.is_exhausted = len(fresh) < left
        if fresh:
            ledger.frontier = fresh[-1].seq
        found += fresh
    return found


def _due(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    state: RecordState,
    most: int,
) -> list[Claimed]:
    if not ledger.tally[state.word]:
        return []
    return writer.due(tx.connection, ledger.run_no, state, tx.now_ms, most)


def _fit(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    rules: Rules,
    looked: Sequence[Claimed],
) -> list[Claimed]:
    """Return those that may be attempted now; let the others rest or drop them."""
    fit: list[Claimed] = []
    resting: dict[int, list[Claimed]] = {}
    dropping: dict[Move, list[Claimed]] = {}
    for row in looked:
        fate = _fate(row, rules, tx.now_ms)
        if fate is None:
            fit.append(row)
        elif isinstance(fate, Move):
            dropping.setdefault(fate, []).append(row)
        else:
            resting.setdefault(fate, []).append(row)
    for opens_at_ms, rows in resting.items():
        _rest(tx, writer, ledger, rows, opens_at_ms)
    for move, rows in dropping.items():
        _drop(tx, writer, ledger, rows, move)
    return fit


def _fate(row: Claimed, rules: Rules, now_ms: int) -> Move | int | None:
    """Return how a record is dropped, when its window opens, or None: attempt it."""
    if rules.is_suppressed(row.digest):
        state = RecordState(row.state)
        into = dropped(state, earlier=row.earlier, in_doubt=row.doubts > 0)
        return Move(state, into, SUPPRESSED)
    if row.expires_at_ms is not None and row.expires_at_ms <= now_ms:
        return _late(row, CALLBACK_EXPIRED)
    if rules.openings is None:
        return None
    found = rules.openings.at(row.zone_no, now_ms)
    if found.is_open:
        return None
    return found.until_ms or _late(row, WINDOW_NEVER_OPENS)


def _rest(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    rows: Sequence[Claimed],
    opens_at_ms: int,
) -> None:
    seqs = [row.seq for row in rows]
    writer.hold(tx.connection, ledger.run_no, seqs, opens_at_ms)
    ledger.held += sum(1 - row.held for row in rows)
    ledger.note_due(opens_at_ms)
    ledger.touch()


def _drop(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    rows: Sequence[Claimed],
    move: Move,
) -> None:
    seqs = [row.seq for row in rows]
    moved = writer.drop(tx.connection, ledger.run_no, seqs, move, tx.now_ms)
    expect_in_flight(moved, len(rows), ledger)
    ledger.moved(move.state, move.into, moved)
    ledger.held -= sum(row.held for row in rows)


def _late(row: Claimed, code: str) -> Move:
    state = RecordState(row.state)
    return Move(state, too_late(earlier=row.earlier, in_doubt=row.doubts > 0), code)


def _intend(
    tx: Transaction, writer: AttemptWriter, ledger: Ledger, taken: list[Claimed]
) -> None:
    stored = writer.intend(tx.connection, ledger.run_no, taken, tx.now_ms)
    expect_in_flight(stored, len(taken), ledger)
    for row in taken:
        ledger.tally[_WORDS[row.state]] -= 1
        ledger.held -= row.held
    ledger.tally["attempting"] += len(taken)
    ledger.tally["attempts"] += len(taken)
    ledger.touch()


def _before_approval(ledger: Ledger, room: int) -> int:
    left = attempts_before_approval(
        ledger.approve_after, ledger.approved_at_ms, ledger.tally["attempts"]
    )
    return room if left is None else left


def _is_shut(ledger: Ledger, rules: Rules, now_ms: int) -> bool:
    """Whether the one window of all recipients is closed; no record is touched."""
    openings, shut_until_ms = rules.openings, None
    if openings is not None and openings.is_common:
        found = openings.at(0, now_ms)
        shut_until_ms = None if found.is_open else found.until_ms
    if shut_until_ms != ledger.shut_until_ms:
        ledger.shut_until_ms = shut_until_ms
        ledger.touch()
    return shut_until_ms is not None


def _next_due(tx: Transaction, ledger: Ledger) -> int | None:
    times = [
        next_due_ms(tx.connection, ledger.run_no, state)
        for state in _TIMED
        if ledger.tally[state.word]
    ]
    known = [at for at in times if at is not None]
    return min(known) if known else None
