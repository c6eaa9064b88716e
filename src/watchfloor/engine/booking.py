"""One run's share of a transaction: what became of its attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from watchfloor.domain.errors import StoreError
from watchfloor.domain.lifecycle import may_promise, may_retry
from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.domain.records import Circumstances, RecordState, judge
from watchfloor.engine.changes import Transaction, enter, pause_itself
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.rules import Rules
from watchfloor.engine.suppressing import suppress
from watchfloor.store.reads.strategy import Strategy
from watchfloor.store.writes.attempts import AttemptWriter, Claimed, Closing

#: So many outcomes in a row that blame the run itself pause it.
FAULTS_THAT_PAUSE = 3

_WORDS = {int(state): state.word for state in RecordState}
#: After these a record may go on to a later step. What may have been delivered waits
#: for a person first.
ENDS_A_STEP = frozenset({RecordState.DELIVERED, RecordState.FAILED})


#: A step and the state it left a record in.
Ended = tuple[int, RecordState]


class Finished(NamedTuple):
    """An attempt that ended: what was claimed, when it ran, and how it ended."""

    claimed: Claimed
    started_at_ms: int
    ended_at_ms: int
    outcome: Outcome


def book_outcomes(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    rules: Rules,
    finished: Sequence[Finished],
) -> None:
    """Close attempts: their rows, the records' states and the counters together.

    What became no attempt only tells of the run; its record is for ``book_releases``.

    Raises:
        StoreError: A record was not in flight for its attempt, which only a store
            changed from outside can bring about; the transaction must not commit.
    """
    why = _fault_of_the_run(ledger, finished)
    finished = [one for one in finished if not one.outcome.is_no_attempt]
    closings: list[Closing] = []
    done: dict[Ended, list[int]] = {}
    run, tally = ledger.lifecycle, ledger.tally
    retries, promises = may_retry(run), may_promise(run)
    goes_on = rules.strategy is not None and retries
    for claimed, started_at_ms, ended_at_ms, outcome in finished:
        number = claimed.attempts + 1
        step = claimed.step
        verdict = judge(
            outcome,
            rules.policies[step],
            ledger.deliveries[step],
            Circumstances(
                tries=number - claimed.base - claimed.interrupted,
                first_at_ms=claimed.first_at_ms or started_at_ms,
                now_ms=ended_at_ms,
                in_doubt=claimed.doubts > 0,
                may_retry=retries,
                may_promise=promises,
                promise_ms=rules.promise_ms,
                chance=tx.around.chance(),
            ),
        )
        state = verdict.state
        closings.append(
            Closing(
                claimed.seq,
                number,
                started_at_ms,
                ended_at_ms,
                outcome.detail,
                outcome.provider_id,
                verdict.why,
                verdict.next_at_ms,
                verdict.expires_at_ms,
                int(state),
                int(outcome.outcome_class),
                outcome.code,
                step,
            )
        )
        tally[_WORDS[state]] += 1
        ledger.note_due(verdict.next_at_ms)
        if outcome.is_kept:
            told = f"record {claimed.seq:,} is unknown: {outcome.detail}"
            enter(tx, ledger, "not let go", detail=told)
        if goes_on and state in ENDS_A_STEP and not outcome.suppress:
            done.setdefault((step, state), []).append(claimed.seq)
    closed = writer.close(tx.connection, ledger.run_no, tx.epoch, "outcome", closings)
    expect_in_flight(closed, len(finished), ledger)
    tally["attempting"] -= len(finished)
    ledger.progress_at_ms = tx.now_ms
    ledger.touch()
    if rules.strategy is not None:
        for ended, seqs in done.items():
            take_on(tx, writer, ledger, rules.strategy, ended, seqs)
    honour(tx, ledger.run_id, finished)
    _watch(tx, ledger, rules, finished, why)


def book_releases(
    tx: Transaction, writer: AttemptWriter, ledger: Ledger, rows: Sequence[Claimed]
) -> None:
    """Take back intents that were never sent: each record stands as it did before."""
    released = writer.release(tx.connection, ledger.run_no, rows, tx.now_ms)
    expect_in_flight(released, len(rows), ledger)
    for row in rows:
        ledger.moved(RecordState.ATTEMPTING, RecordState(row.state))
        if row.held:
            ledger.held += row.held
            # A sweep that counted them did not know of this one.
            ledger.held_is_counted = False
        if row.next_at_ms is None:
            ledger.frontier = min(ledger.frontier, row.seq - 1)
            ledger.is_exhausted = False
        ledger.note_due(row.next_at_ms)
    ledger.tally["attempts"] -= len(rows)


def honour(tx: Transaction, run_id: str, finished: Sequence[Finished]) -> None:
    """Suppress contacts of which a provider said so, for every run."""
    rows = [
        (bytes.fromhex(one.claimed.digest), one.outcome.suppress)
        for one in finished
        if one.outcome.suppress
    ]
    if rows:
        suppress(tx, rows, source=f"run {run_id}", by="engine")


def expect_in_flight(changed: int, expected: int, ledger: Ledger) -> None:
    """Raise ``StoreError`` unless every record was where the ledger has it."""
    if changed != expected:
        msg = (
            f"run {ledger.run_id}: {expected} records should have been in flight, "
            f"{changed} were: the store was changed from outside. Nothing was written."
        )
        raise StoreError(msg)


def take_on(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    strategy: Strategy,
    ended: Ended,
    seqs: list[int],
) -> None:
    """Let records go on to the next step that asks for them."""
    step, state = ended
    going = strategy.taken_on(tx.connection, ledger.run_no, step, seqs)
    for number, taken in going.items():
        writer.advance(tx.connection, ledger.run_no, taken, number, state, tx.now_ms)
        ledger.moved(state, RecordState.PENDING, len(taken))
    if going:
        ledger.note_due(tx.now_ms)


def _watch(
    tx: Transaction,
    ledger: Ledger,
    rules: Rules,
    finished: Sequence[Finished],
    why: str,
) -> None:
    """Pause a run that fails as a whole, or *why* says so, instead of burning it."""
    if ledger.was_resumed:
        _watch_anew(rules)
        ledger.was_resumed = False
    for step, breaker in enumerate(rules.breakers):
        answers = _answers(finished, step)
        opened = breaker.noted(answers, rules.breaker_after, rules.answers[step])
        if opened:
            tx.opened_breakers[breaker] = opened
    if not why and rules.recent is not None:
        classes = [one.outcome.outcome_class for one in finished]
        why = rules.recent.noted(tx.now_ms, classes)
    if why:
        pause_itself(tx, ledger, why)


def _watch_anew(rules: Rules) -> None:
    """Let what comes after a resume decide."""
    for breaker in rules.breakers:
        breaker.resumed()
    if rules.recent is not None:
        rules.recent.clear()


def _answers(finished: Sequence[Finished], step: int) -> list[tuple[OutcomeClass, str]]:
    return [
        (one.outcome.outcome_class, one.outcome.code)
        for one in finished
        if one.claimed.step == step
    ]


def _fault_of_the_run(ledger: Ledger, finished: Sequence[Finished]) -> str:
    """Return why the run should pause: so many outcomes in a row blame it.

    One that became no attempt is enough: its record could be taken up again at once.
    """
    for one in finished:
        blames = bool(one.outcome.run_fault)
        ledger.faults_in_a_row = ledger.faults_in_a_row + 1 if blames else 0
        is_enough = ledger.faults_in_a_row >= FAULTS_THAT_PAUSE
        if is_enough or one.outcome.is_no_attempt:
            return one.outcome.run_fault
    return ""
