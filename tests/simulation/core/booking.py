"""Within a transaction: what becomes of attempts that ended, or never began."""

from __future__ import annotations

import random
from typing import NamedTuple

from tests.simulation.core.rows import Attempt, Record, Run, Shelf
from tests.simulation.core.settling import Settling, take_on

from watchfloor.domain.auto_pause import RecentOutcomes
from watchfloor.domain.breaker import Breaker
from watchfloor.domain.lifecycle import may_promise, may_retry
from watchfloor.domain.outcomes import Delivery, Outcome, OutcomeClass
from watchfloor.domain.records import Circumstances, RecordState, judge
from watchfloor.domain.regions import Phase

#: Codes by which the provider speaks of the recipient.
_ANSWERS = frozenset({"busy"})


class Intent(NamedTuple):
    """A record whose intent is stored: as it was before, and as it is."""

    run: int
    before: Record
    record: Record


class Finished(NamedTuple):
    """An attempt that ended and is not stored yet."""

    intent: Intent
    started_at_ms: int
    ended_at_ms: int
    outcome: Outcome


class Guards:
    """What an owner remembers of how attempts ended, to pause what fails as a whole."""

    def __init__(self) -> None:
        self._breakers: dict[str, Breaker] = {}
        self._recent: dict[int, RecentOutcomes] = {}

    def note(self, settling: Settling, number: int, finished: list[Finished]) -> None:
        """Take in what ended of a run, and pause whatever is to be paused."""
        if not finished:
            return
        tx, plan = settling.tx, settling.tx.runs[number].plan
        self._forget_if_resumed(tx, number)
        ends = [one.outcome for one in finished if not one.outcome.is_no_attempt]
        told = [(one.outcome_class, one.code) for one in ends]
        why = self._breaker(plan.target).noted(told, plan.breaker_after, _ANSWERS)
        if why:
            for other, run in tx.runs.items():
                if run.plan.target == plan.target and run.plan.breaker_after:
                    settling.pause_itself(other, why)
        faults = [one.outcome.run_fault for one in finished if one.outcome.run_fault]
        blamed = faults[0] if faults else ""
        recent = self._recent_of(number, tx.runs[number])
        if recent is not None and ends and not blamed:
            blamed = recent.noted(settling.now_ms, [end for end, _ in told])
        if blamed:
            settling.pause_itself(number, blamed)

    def _forget_if_resumed(self, tx: Shelf, number: int) -> None:
        run = tx.runs[number]
        if run.was_resumed:
            tx.runs[number] = run._replace(was_resumed=False)
            self._breaker(run.plan.target).resumed()
            if (recent := self._recent_of(number, run)) is not None:
                recent.clear()

    def _breaker(self, target: str) -> Breaker:
        return self._breakers.setdefault(target, Breaker(target))

    def _recent_of(self, number: int, run: Run) -> RecentOutcomes | None:
        when = run.plan.pause_when
        if when is not None and number not in self._recent:
            self._recent[number] = RecentOutcomes(when)
        return self._recent.get(number)


class Booking:
    """What one transaction makes of attempts."""

    def __init__(
        self, settling: Settling, guards: Guards, epoch: int, chance: random.Random
    ) -> None:
        self._settling = settling
        self._guards = guards
        self._tx = settling.tx
        self._now_ms = settling.now_ms
        self._epoch = epoch
        self._chance = chance

    def book(
        self, number: int, finished: list[Finished], released: list[Intent]
    ) -> None:
        """Let outcomes make of records what the core says.

        Intents that became no attempt are as they were before.
        """
        mine = [one for one in finished if one.intent.run == number]
        back = [one for one in released if one.run == number]
        for one in mine:
            if one.outcome.is_no_attempt:
                back.append(one.intent)
            else:
                self._judge(number, one)
        self._guards.note(self._settling, number, mine)
        for intent in back:
            self._tx.records[number, intent.before.seq] = intent.before
        if back:
            run = self._tx.runs[number]
            self._tx.runs[number] = run._replace(started=run.started - len(back))

    def interrupt(self, number: int, record: Record) -> None:
        """Account for an attempt that the last owner left in flight."""
        run = self._tx.runs[number]
        step = run.plan.steps[record.step]
        into, next_at_ms = RecordState.UNKNOWN, None
        if step.delivery is Delivery.IDEMPOTENT:
            kept = run.lifecycle.phase is Phase.STOPPED_CALLBACK
            into = RecordState.CALLBACK if kept else RecordState.RETRY
            next_at_ms = self._now_ms
        record = record._replace(
            state=into,
            doubts=record.doubts + 1,
            interrupted=record.interrupted + 1,
            next_at_ms=next_at_ms,
            code="interrupted",
        )
        self._close(number, record, None, self._now_ms)

    def _judge(self, number: int, one: Finished) -> None:
        run, record, outcome = self._tx.runs[number], one.intent.record, one.outcome
        step = run.plan.steps[record.step]
        verdict = judge(
            outcome,
            step.policy,
            step.delivery,
            Circumstances(
                tries=record.attempts - record.base - record.interrupted,
                first_at_ms=record.first_at_ms or one.started_at_ms,
                now_ms=one.ended_at_ms,
                in_doubt=record.doubts > 0,
                may_retry=may_retry(run.lifecycle),
                may_promise=may_promise(run.lifecycle),
                promise_ms=run.plan.promise_ms,
                chance=self._chance.random(),
            ),
        )
        is_doubt = outcome.outcome_class is OutcomeClass.AMBIGUOUS
        record = record._replace(
            state=verdict.state,
            doubts=record.doubts + is_doubt,
            next_at_ms=verdict.next_at_ms,
            expires_at_ms=verdict.expires_at_ms,
            code=outcome.code,
        )
        self._close(number, record, outcome, one.ended_at_ms)
        if outcome.suppress:
            self._tx.opted_out |= {record.contact}
        elif may_retry(run.lifecycle):
            take_on(self._tx, number, record, self._now_ms)

    def _close(
        self, number: int, record: Record, outcome: Outcome | None, ended_at_ms: int
    ) -> None:
        place = (number, record.seq)
        self._tx.records[place] = record
        attempt = Attempt(
            number=record.attempts,
            step=record.step,
            epoch=self._epoch,
            is_interrupted=outcome is None,
            started_at_ms=record.first_at_ms or ended_at_ms,
            ended_at_ms=ended_at_ms,
            outcome_class=outcome.outcome_class if outcome else OutcomeClass.AMBIGUOUS,
            code=record.code,
            retry_after_ms=outcome.retry_after_ms if outcome else 0,
            next_at_ms=record.next_at_ms,
        )
        self._tx.attempts[place] = (*self._tx.attempts.get(place, ()), attempt)
