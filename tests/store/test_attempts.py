from __future__ import annotations

import json

import pytest
from sqlalchemy import select, update
from tests.store.conftest import NOW_MS, valid

from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.store.reading import reading
from watchfloor.store.reads.attempts import attempts_of
from watchfloor.store.tables import record
from watchfloor.store.writes.attempts import AttemptWriter, Closing, Move, in_flight
from watchfloor.store.writes.audience import AudienceWriter
from watchfloor.store.writes.sweeps import sweep_pending, sweep_state

S = RecordState


class Hand:
    """The attempt writer with a run of its own, each call a transaction."""

    def __init__(self, stored):
        self.stored = stored
        self.connection = stored.writer
        self._writer = AttemptWriter(stored.writer)

    def pending(self, frontier=0, most=100):
        with self.connection.begin():
            return self._writer.pending(
                self.connection, self.stored.run_no, frontier, most
            )

    def due(self, state, now_ms, most=100):
        with self.connection.begin():
            return self._writer.due(
                self.connection, self.stored.run_no, state, now_ms, most
            )

    def intend(self, rows, now_ms=NOW_MS):
        with self.connection.begin():
            return self._writer.intend(
                self.connection, self.stored.run_no, rows, now_ms
            )

    def close(self, *closings, ending="outcome"):
        with self.connection.begin():
            return self._writer.close(
                self.connection, self.stored.run_no, 7, ending, closings
            )

    def release(self, rows, now_ms=NOW_MS):
        with self.connection.begin():
            return self._writer.release(
                self.connection, self.stored.run_no, rows, now_ms
            )

    def hold(self, seqs, opens_at_ms):
        with self.connection.begin():
            self._writer.hold(self.connection, self.stored.run_no, seqs, opens_at_ms)

    def drop(self, seqs, move, now_ms=NOW_MS):
        with self.connection.begin():
            return self._writer.drop(
                self.connection, self.stored.run_no, seqs, move, now_ms
            )

    def advance(self, seqs, step, earlier, now_ms=NOW_MS):
        with self.connection.begin():
            return self._writer.advance(
                self.connection, self.stored.run_no, seqs, step, earlier, now_ms
            )

    def row(self, seq):
        query = select(record).where(record.c.seq == seq)
        with self.connection.begin():
            return dict(self.connection.execute(query).mappings().one())

    def states(self):
        query = select(record.c.state).order_by(record.c.seq)
        with self.connection.begin():
            return [S(state) for state in self.connection.scalars(query)]

    def put(self, seq, state, **values):
        with self.connection.begin():
            self.connection.execute(
                update(record)
                .where(record.c.seq == seq)
                .values(state=int(state), **values)
            )


def closing(row, state=S.DELIVERED, **values):
    """Return the end of the attempt at a claimed row."""
    given = {
        "seq": row.seq,
        "number": row.attempts + 1,
        "started_at_ms": NOW_MS + 1,
        "ended_at_ms": NOW_MS + 2,
        "detail": "",
        "provider_id": "",
        "why": "",
        "next_at_ms": None,
        "expires_at_ms": None,
        "state": int(state),
        "outcome_class": int(OutcomeClass.DELIVERED),
        "code": "ok",
        "step": 0,
    }
    return Closing(**{**given, **values})


@pytest.fixture
def hand(stored):
    stored.add(10)
    return Hand(stored)


def seqs(rows):
    return [row.seq for row in rows]


def there(fallen):
    """Return the states that somebody fell into."""
    return {state: count for state, count in fallen.items() if count}


def test_pending_records_come_in_order_past_the_frontier_up_to_a_number(hand):
    assert seqs(hand.pending(0, 3)) == [1, 2, 3]
    assert seqs(hand.pending(3, 100)) == list(range(4, 11))
    assert hand.pending(10) == []


def test_a_claimed_record_brings_its_contact_digest_and_cells(hand):
    first = hand.pending(0, 1)[0]

    assert (first.contact, first.values) == ("c1", ["c1"])
    assert bytes.fromhex(first.digest) == b"c1".ljust(16, b"\0")
    assert (first.state, first.attempts, first.first_at_ms) == (S.PENDING, 0, None)


def test_an_intent_counts_the_attempt_and_puts_the_record_in_flight(hand):
    rows = hand.pending(0, 2)

    assert hand.intend(rows) == 2

    row = hand.row(1)
    assert (S(row["state"]), row["attempts"]) == (S.ATTEMPTING, 1)
    assert row["first_at_ms"] == row["updated_at_ms"] == NOW_MS
    assert seqs(hand.pending()) == list(range(3, 11))
    with hand.connection.begin():
        assert [one["seq"] for one in in_flight(hand.connection, 1)] == [1, 2]


def test_an_intent_for_a_record_that_is_in_flight_or_finished_changes_nothing(hand):
    rows = hand.pending(0, 2)
    hand.intend(rows)
    assert hand.intend(rows) == 0
    hand.close(closing(rows[0]))
    assert hand.intend(rows[:1]) == 0

    assert hand.row(1)["attempts"] == hand.row(2)["attempts"] == 1


def test_an_outcome_closes_the_attempt_and_the_record_together(hand, layout):
    [row] = hand.pending(0, 1)
    hand.intend([row])

    assert hand.close(closing(row, detail="well", provider_id="p-1")) == 1

    stored = hand.row(1)
    assert (S(stored["state"]), stored["code"]) == (S.DELIVERED, "ok")
    assert stored["updated_at_ms"] == NOW_MS + 2
    with reading(layout) as connection:
        [told] = attempts_of(connection, 1, 1)
    assert (told["number"], told["epoch"], told["ending"]) == (1, 7, "outcome")
    assert (told["detail"], told["provider_id"]) == ("well", "p-1")
    assert told["ended_at_ms"] - told["started_at_ms"] == 1


def test_outcomes_of_many_kinds_close_in_one_transaction_each_as_it_was(hand):
    rows = hand.pending(0, 6)
    hand.intend(rows)
    ends = [
        (S.DELIVERED, OutcomeClass.DELIVERED, None),
        (S.FAILED, OutcomeClass.PERMANENT, None),
        (S.RETRY, OutcomeClass.TRANSIENT, NOW_MS + 50),
        (S.RETRY, OutcomeClass.AMBIGUOUS, NOW_MS + 40),
        (S.CALLBACK, OutcomeClass.CALLBACK, NOW_MS + 60),
        (S.UNKNOWN, OutcomeClass.AMBIGUOUS, None),
    ]
    late = [None, None, None, None, NOW_MS + 90, None]

    closed = hand.close(
        *(
            closing(
                row,
                state,
                outcome_class=int(one),
                next_at_ms=at,
                expires_at_ms=expires,
                code=one.word,
            )
            for row, (state, one, at), expires in zip(rows, ends, late, strict=True)
        )
    )

    assert closed == 6
    found = [hand.row(seq) for seq in range(1, 7)]
    assert [(S(row["state"]), row["next_at_ms"]) for row in found] == [
        (state, at) for state, _, at in ends
    ]
    assert [row["code"] for row in found] == [one.word for _, one, _ in ends]
    # Only a promise has a time by which it was due, and one by which it expires.
    assert [row["expires_at_ms"] for row in found] == late
    assert [row["due_at_ms"] for row in found] == [None] * 4 + [NOW_MS + 60, None]
    # Only what may have been delivered leaves a doubt.
    assert [row["doubts"] for row in found] == [0, 0, 0, 1, 0, 1]


def test_an_outcome_for_a_record_that_is_not_in_flight_changes_nothing(hand):
    [row] = hand.pending(0, 1)

    assert hand.close(closing(row)) == 0

    assert hand.states()[0] is S.PENDING


def test_retries_and_callbacks_come_when_due_the_most_overdue_first(hand):
    for seq, at in ((1, 30), (2, 10), (3, 20), (4, 99)):
        hand.put(seq, S.RETRY, next_at_ms=NOW_MS + at, attempts=seq)
    hand.put(5, S.CALLBACK, next_at_ms=NOW_MS + 5)

    assert seqs(hand.due(S.RETRY, NOW_MS + 30)) == [2, 3, 1]
    assert seqs(hand.due(S.RETRY, NOW_MS + 30, 2)) == [2, 3]
    assert hand.due(S.RETRY, NOW_MS + 9) == []
    assert seqs(hand.due(S.CALLBACK, NOW_MS + 5)) == [5]
    assert [row.attempts for row in hand.due(S.RETRY, NOW_MS + 99)] == [2, 3, 1, 4]


def test_a_second_intent_keeps_the_time_of_the_first(hand):
    hand.intend(hand.pending(0, 1))
    hand.put(1, S.RETRY, next_at_ms=NOW_MS)

    hand.intend(hand.due(S.RETRY, NOW_MS), NOW_MS + 500)

    row = hand.row(1)
    assert (row["attempts"], row["first_at_ms"]) == (2, NOW_MS)
    assert (row["updated_at_ms"], row["next_at_ms"]) == (NOW_MS + 500, None)


def test_an_intent_taken_back_leaves_the_record_as_it_was(hand):
    hand.put(2, S.RETRY, next_at_ms=NOW_MS, attempts=3, first_at_ms=NOW_MS - 9)
    before = [hand.row(1), hand.row(2)]
    rows = [*hand.pending(0, 1), *hand.due(S.RETRY, NOW_MS)]
    hand.intend(rows, NOW_MS + 5)

    assert hand.release(rows) == 2

    assert [hand.row(1), hand.row(2)] == before
    assert hand.release(rows) == 0


HOSTILE = ["nul \0 inside", "\x1b[31m", "quote ' \" \\", "\u202e\u200b", "\U0001f4de"]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_text_of_every_kind_comes_out_of_a_claim_as_it_went_in(stored, text):
    audience = AudienceWriter(stored.writer)
    row = valid(1, text, values_json=json.dumps([text, "x"], ensure_ascii=False))
    with stored.writer.begin():
        audience.add(stored.writer, stored.run_no, 1, [row])
        audience.accept(stored.writer, stored.run_no, range(1, 2), NOW_MS)

    [claimed] = Hand(stored).pending()

    assert (claimed.contact, claimed.values) == (text, [text, "x"])


@pytest.mark.parametrize("text", HOSTILE[1:], ids=ascii)
def test_text_of_every_kind_is_logged_as_the_channel_said_it(hand, layout, text):
    [row] = hand.pending(0, 1)
    hand.intend([row])
    hand.close(closing(row, detail=text, provider_id=text, why=text, code=text))

    with reading(layout) as connection:
        [told] = attempts_of(connection, 1, 1)
    assert {told[key] for key in ("detail", "provider_id", "why", "code")} == {text}


def test_a_sweep_of_pending_goes_slice_by_slice_and_touches_nothing_else(hand):
    hand.put(3, S.DELIVERED)
    hand.put(5, S.RETRY)
    connection = hand.connection
    swept = []
    with connection.begin():
        frontier, fallen = 0, {S.NOT_ATTEMPTED: 1}
        while fallen:
            fallen, frontier = sweep_pending(connection, 1, frontier, 3, NOW_MS + 9)
            swept.append((there(fallen), frontier))

    assert swept == [
        ({S.NOT_ATTEMPTED: 3}, 4),
        ({S.NOT_ATTEMPTED: 3}, 8),
        ({S.NOT_ATTEMPTED: 2}, 10),
        ({}, 10),
    ]
    kept = {3: S.DELIVERED, 5: S.RETRY}
    assert hand.states() == [kept.get(seq, S.NOT_ATTEMPTED) for seq in range(1, 11)]
    assert hand.row(1)["updated_at_ms"] == NOW_MS + 9


def test_a_sweep_leaves_what_stands_before_its_frontier(hand):
    with hand.connection.begin():
        fallen, frontier = sweep_pending(hand.connection, 1, 7, 100, NOW_MS)

    assert (there(fallen), frontier) == ({S.NOT_ATTEMPTED: 3}, 10)
    assert hand.states().count(S.PENDING) == 7


def test_a_sweep_of_a_state_moves_so_many_and_forgets_their_time(hand):
    for seq in range(1, 7):
        hand.put(seq, S.CALLBACK, next_at_ms=NOW_MS, doubts=seq % 2)
    move = (S.CALLBACK, S.ABANDONED)
    with hand.connection.begin():
        doubtful = sweep_state(
            hand.connection, 1, (S.CALLBACK, S.UNKNOWN), 100, NOW_MS, doubtful=True
        )
        first = sweep_state(hand.connection, 1, move, 2, NOW_MS)
        rest = sweep_state(hand.connection, 1, move, 100, NOW_MS)

    assert there(doubtful) == {S.UNKNOWN: 3}
    assert (there(first), there(rest)) == ({S.ABANDONED: 2}, {S.ABANDONED: 1})
    assert hand.states()[:6] == [S.UNKNOWN, S.ABANDONED] * 3
    assert hand.row(2)["next_at_ms"] is None


def test_a_sweep_lets_who_was_contacted_fall_back_to_what_the_earlier_step_left(hand):
    left = [S.DELIVERED, S.FAILED, S.PENDING]
    for seq in range(1, 10):
        hand.put(seq, S.PENDING, step=1, earlier=int(left[seq % 3]), held=1)
    with hand.connection.begin():
        fallen, _ = sweep_pending(hand.connection, 1, 0, 100, NOW_MS)

    assert there(fallen) == {S.FAILED: 3, S.NOT_ATTEMPTED: 4, S.DELIVERED: 3}
    words = {0: S.DELIVERED, 1: S.FAILED, 2: S.NOT_ATTEMPTED}
    found = [words[seq % 3] for seq in range(1, 10)]
    assert hand.states() == [*found, S.NOT_ATTEMPTED]
    assert hand.row(1)["held"] == 0


@pytest.mark.parametrize("state", [S.PENDING, S.RETRY, S.WAITING], ids=lambda s: s.word)
@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_no_slice_of_a_sweep_calls_who_was_contacted_not_attempted(hand, state, most):
    for seq in range(1, 9):
        earlier = S.DELIVERED if seq % 2 else S.FAILED
        hand.put(seq, state, step=1, earlier=int(earlier), next_at_ms=NOW_MS)
    swept = []
    with hand.connection.begin():
        while True:
            move = (state, S.NOT_ATTEMPTED)
            fallen = sweep_state(hand.connection, 1, move, most, NOW_MS)
            if not there(fallen):
                break
            swept.append(there(fallen))

    assert hand.states()[:8] == [S.DELIVERED, S.FAILED] * 4
    assert sum(sum(one.values()) for one in swept) == 8


def test_a_sweep_of_timed_pending_leaves_those_that_wait_for_no_time(hand):
    hand.put(3, S.PENDING, next_at_ms=NOW_MS + 5, held=1)
    move = (S.PENDING, S.NOT_ATTEMPTED)
    with hand.connection.begin():
        fallen = sweep_state(hand.connection, 1, move, 100, NOW_MS)

    assert there(fallen) == {S.NOT_ATTEMPTED: 1}
    assert hand.states().count(S.PENDING) == 9


def test_a_record_that_is_held_comes_when_its_window_opens_and_not_before(hand):
    hand.hold([2, 3], NOW_MS + 50)

    assert seqs(hand.pending()) == [1, 4, 5, 6, 7, 8, 9, 10]
    assert hand.due(S.PENDING, NOW_MS + 49) == []
    due = hand.due(S.PENDING, NOW_MS + 50)
    assert [(row.seq, row.held) for row in due] == [(2, 1), (3, 1)]
    assert hand.states()[1] is S.PENDING


def test_an_intent_ends_the_hold_and_taking_it_back_begins_it_again(hand):
    hand.hold([2], NOW_MS)
    before = hand.row(2)
    rows = hand.due(S.PENDING, NOW_MS)

    hand.intend(rows)

    assert (hand.row(2)["held"], hand.row(2)["next_at_ms"]) == (0, None)
    hand.release(rows)
    assert hand.row(2) == before


def test_a_callback_that_is_held_keeps_what_was_promised(hand):
    [row] = hand.pending(0, 1)
    hand.intend([row])
    promised = {"next_at_ms": NOW_MS + 10, "expires_at_ms": NOW_MS + 99}
    hand.close(closing(row, S.CALLBACK, **promised))

    hand.hold([1], NOW_MS + 50)

    [due] = hand.due(S.CALLBACK, NOW_MS + 50)
    times = (due.next_at_ms, due.due_at_ms, due.expires_at_ms)
    assert times == (NOW_MS + 50, NOW_MS + 10, NOW_MS + 99)


def test_a_dropped_record_has_its_reason_and_no_time_any_more(hand):
    promised = {"due_at_ms": NOW_MS, "expires_at_ms": NOW_MS + 9, "held": 1}
    hand.put(1, S.CALLBACK, next_at_ms=NOW_MS, **promised)
    hand.put(2, S.RETRY, next_at_ms=NOW_MS)

    move = Move(S.CALLBACK, S.ABANDONED, "suppressed")
    assert hand.drop([1, 2], move, NOW_MS + 7) == 1

    row = hand.row(1)
    assert (S(row["state"]), row["code"]) == (S.ABANDONED, "suppressed")
    assert row["updated_at_ms"] == NOW_MS + 7
    times = ("next_at_ms", "due_at_ms", "expires_at_ms")
    assert [row[name] for name in times] == [None, None, None]
    assert row["held"] == 0
    assert hand.states()[1] is S.RETRY


def test_a_record_begins_its_next_step_with_its_tries_counted_anew(hand):
    [row] = hand.pending(0, 1)
    hand.intend([row])
    doubt = {"outcome_class": int(OutcomeClass.AMBIGUOUS), "next_at_ms": NOW_MS}
    hand.close(closing(row, S.RETRY, **doubt))
    [again] = hand.due(S.RETRY, NOW_MS)
    hand.intend([again])
    hand.close(closing(again, S.FAILED, outcome_class=int(OutcomeClass.PERMANENT)))

    assert hand.advance([1], 1, S.FAILED, NOW_MS + 20) == 1

    assert seqs(hand.pending()) == list(range(2, 11))
    [next_step] = hand.due(S.PENDING, NOW_MS + 20)
    assert (next_step.step, next_step.earlier) == (1, S.FAILED)
    assert (next_step.attempts, next_step.base) == (2, 2)
    assert (next_step.interrupted, next_step.doubts) == (0, 0)
    assert next_step.first_at_ms is None


def test_everything_of_one_transaction_is_undone_together(hand):
    rows = hand.pending(0, 2)
    hand.intend(rows)
    writer = AttemptWriter(hand.connection)
    with hand.connection.begin() as change:
        writer.close(hand.connection, 1, 7, "outcome", [closing(rows[0])])
        sweep_pending(hand.connection, 1, 2, 100, NOW_MS)
        change.rollback()

    assert hand.states() == [S.ATTEMPTING] * 2 + [S.PENDING] * 8
    with hand.connection.begin():
        assert attempts_of(hand.connection, 1, 1) == []
