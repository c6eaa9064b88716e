"""Within a transaction: what people ask for, taken or refused by the core's words."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.simulation.core.rows import Order, Record, Run, Shelf
from tests.simulation.core.settling import Settling, take_on

from watchfloor.domain.approval import awaits_approval
from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.lifecycle import may_retry, refusal
from watchfloor.domain.outcomes import Outcome
from watchfloor.domain.previews import Seen, check_drift
from watchfloor.domain.records import Circumstances, RecordState, Verdict
from watchfloor.domain.regions import Verb
from watchfloor.domain.resolutions import (
    SAID,
    ResolveAs,
    refusal_of,
    resent,
    settled_as,
    verdict,
)
from watchfloor.domain.views import RunView

if TYPE_CHECKING:
    from tests.simulation.core.people import Provider

STEERS = frozenset(str(verb) for verb in Verb)
_ENDS_A_STEP = (RecordState.DELIVERED, RecordState.FAILED)


class Taking:
    """What one transaction takes of the inbox."""

    def __init__(
        self,
        settling: Settling,
        chance: random.Random,
        provider: Provider,
    ) -> None:
        self._tx = settling.tx
        self._settling = settling
        self._now_ms = settling.now_ms
        self._chance = chance
        self._provider = provider

    def take(self, order: Order) -> str:
        """Take an order once, however often it comes; return what became of it."""
        answers = self._tx.answers
        if order.order_id in answers:
            return answers[order.order_id]
        try:
            answers[order.order_id] = self._taken(order)
        except RefusedError as error:
            answers[order.order_id] = str(error.refusal)
        return answers[order.order_id]

    def _taken(self, order: Order) -> str:
        if order.verb in STEERS:
            self._steer(order)
            return "acknowledged"
        run = self._tx.runs[order.run]
        effects = self._tx.effects
        effects[order.order_id] = effects.get(order.order_id, 0) + 1
        match order.verb:
            case "suppress":
                self._tx.opted_out |= {order.said}
            case "limit":
                self._tx.runs[order.run] = run._replace(permits=int(order.said))
            case "approve":
                self._approve(run)
            case "doom":
                if not run.lifecycle.is_ended:
                    self._tx.runs[order.run] = run._replace(cause="its channel is gone")
            case _:
                self._resolve(run, order)
        return "settled"

    def _steer(self, order: Order) -> None:
        verb, run = Verb(order.verb), self._tx.runs[order.run]
        if order.seen is not None:
            self._check(run, verb, order.seen)
        self._settling.request(order.run, verb, order)

    def _check(self, run: Run, verb: Verb, then: Seen) -> None:
        """Refuse what drifted, unless the verb has no place here to begin with."""
        declined = refusal(run.lifecycle, verb)
        try:
            check_drift(verb, then, view(self._tx, run.number))
        except RefusedError as drifted:
            if declined is None or drifted.refusal is not Refusal.DRIFTED:
                raise
        if verb is Verb.RESUME and declined is None and then.version != run.version:
            self._check_canary(run)

    def _check_canary(self, run: Run) -> None:
        if any(stage.state == "stopped" for stage in run.stages):
            raise RefusedError(Refusal.DRIFTED, "a stage stopped it since")

    def _approve(self, run: Run) -> None:
        if not awaits_approval(run.plan.approve_after, run.approved_at_ms, run.started):
            raise RefusedError(Refusal.NOT_YET)
        self._tx.runs[run.number] = run._replace(approved_at_ms=self._now_ms)

    def _resolve(self, run: Run, order: Order) -> None:
        place = (run.number, order.seq)
        record = self._tx.records[place]
        if record.state is not RecordState.UNKNOWN:
            raise RefusedError(Refusal.NOT_UNKNOWN)
        outcome: Outcome | None = None
        if order.verb == "look up":
            outcome = self._provider.asked(run.number, record)
            word = settled_as(outcome)
            if word is None:
                return
        else:
            word = ResolveAs(order.said)
            outcome = SAID.get(word)
        declined = refusal_of(
            run.lifecycle, str(run.number), word, is_doomed=run.is_doomed
        )
        if declined is not None:
            raise RefusedError(declined[0])
        judged = (
            resent(self._now_ms)
            if outcome is None
            else self._judged(run, record, outcome)
        )
        self._tx.words |= {(*place, record.attempts)}
        self._put(run, record, judged, outcome)

    def _judged(self, run: Run, record: Record, outcome: Outcome) -> Verdict:
        return verdict(
            outcome,
            run.plan.steps[record.step].policy,
            Circumstances(
                tries=record.attempts - record.base - record.interrupted,
                first_at_ms=record.first_at_ms or self._now_ms,
                now_ms=self._now_ms,
                may_retry=may_retry(run.lifecycle) and not run.is_doomed,
                chance=self._chance.random(),
            ),
        )

    def _put(
        self, run: Run, record: Record, judged: Verdict, outcome: Outcome | None
    ) -> None:
        place = (run.number, record.seq)
        record = record._replace(
            state=judged.state,
            # One that is sent once more may have arrived all the same.
            doubts=record.doubts if outcome is None else 0,
            next_at_ms=judged.next_at_ms,
            code=record.code if outcome is None else outcome.code,
        )
        self._tx.records[place] = record
        if judged.state in _ENDS_A_STEP and may_retry(run.lifecycle):
            take_on(self._tx, run.number, record, self._now_ms)


def view(shelf: Shelf, number: int) -> RunView:
    """Return a run as a screen would be given it."""
    run = shelf.runs[number]
    return RunView(
        run_id=f"run {number}",
        campaign_id="c",
        campaign_name="C",
        upload_id="u",
        upload_name="u.csv",
        lifecycle=run.lifecycle,
        books=shelf.books(number),
        version=run.version,
        created_at_ms=0,
        launch_id="L" if run.lifecycle.launched else None,
        permits=run.permits,
        approve_after=run.plan.approve_after,
        approved_at_ms=run.approved_at_ms,
        released_seq=run.released_seq,
        cause=run.cause,
    )
