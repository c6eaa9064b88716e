"""What people of a core world are told: reasons, answers, and what an end will drop.

All of it counts records, so all of it is invariant 3: every number that is shown is the
number of the rows that it names.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.core.orders import STEERS
from tests.simulation.core.rows import Order, Record, Run, Shelf
from tests.simulation.invariants import expect

from watchfloor.domain.approval import awaits_approval
from watchfloor.domain.blocked_by import Situation, blocked_by, blocked_record
from watchfloor.domain.previews import Seen
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Intake, Phase, Verb

if TYPE_CHECKING:
    from tests.simulation.core.world import World

_S = RecordState
#: Records that are neither over nor with the provider.
_REST = frozenset({_S.PENDING, _S.RETRY, _S.CALLBACK, _S.WAITING})
_UNTOUCHED = frozenset({_S.PENDING, _S.RETRY, _S.WAITING})
_ENDING = (Phase.STOPPING, Phase.CANCELLING)
_DROPS = frozenset({*_ENDING, Phase.ENDED})


class Radius(NamedTuple):
    """What a preview promised of an end, and what has fallen since.

    Attributes:
        is_exact: It drops promises too, of a run that stood still: so many and no
            fewer.
        words: How many unknown records somebody had resolved by then.
    """

    seen: Seen
    is_exact: bool
    words: int
    untouched: int = 0
    callbacks: int = 0


class Sayings:
    """Holds what the people of one world are told to what then happens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._radius: dict[int, Radius] = {}
        self._stopped_twice: set[int] = set()

    def look(self, before: Shelf) -> None:
        """Take in a commit."""
        shelf = self._world.shelf
        fresh = [
            (order, shelf.answers[order.order_id])
            for order in self._world.people.orders
            if shelf.answers.get(order.order_id) != before.answers.get(order.order_id)
        ]
        for order, answer in fresh:
            self._an_answer_is_true(before, order, answer)
            if answer == "applied" and order.verb in ("stop", "cancel"):
                self._begin(before, order)
        for order_id, count in shelf.effects.items():
            expect(22, count == 1, order_id, "had", count, "effects")
        for number in self._stopped_twice:
            kept = shelf.runs[number].lifecycle.phase is Phase.STOPPED_CALLBACK
            expect(21, not kept, number, "keeps promises after a second stop")
        if self._radius:
            self._count_fallen(before)

    def every_record_has_one_reason(self) -> None:
        """3: of what is left, every record has one reason, and the sums count them."""
        shelf, now_ms = self._world.shelf, self._world.wall_ms()
        for run in shelf.runs.values():
            if not run.lifecycle.is_ended:
                _has_its_reasons(shelf, run, now_ms)

    def _an_answer_is_true(self, before: Shelf, order: Order, answer: str) -> None:
        """16, 21 and 22: what an order was told is what became of its run."""
        was = before.runs[order.run].lifecycle
        if answer == "LAUNCHED_AT":
            # Whoever is launched under an order to end was launched before it.
            expect(16, was.launched, order, "lost to a launch that came later")
        if answer == "INTENT_PENDING":
            known = self._world.shelf.answers
            stronger = [
                one
                for one in self._world.people.orders
                if one.run == order.run
                and one is not order
                and one.verb in STEERS
                and one.order_id in known
                and Verb(one.verb).strength >= Verb(order.verb).strength
            ]
            expect(22, stronger, order, "was replaced by nobody stronger")
        again = order.verb == "stop" and was.phase is Phase.STOPPED_CALLBACK
        if answer == "applied" and again:
            self._stopped_twice.add(order.run)

    def _begin(self, before: Shelf, order: Order) -> None:
        """Remember what was seen of an end that begins."""
        was = before.runs[order.run].lifecycle
        run = self._world.shelf.runs[order.run]
        if order.seen is None or not order.seen.launched:
            return
        if run.lifecycle.intake is Intake.DONE:
            is_exact = order.verb == "cancel" or was.phase is Phase.STOPPED_CALLBACK
            words = len(before.words)
            self._radius[order.run] = Radius(order.seen, is_exact, words)

    def _count_fallen(self, before: Shelf) -> None:
        shelf = self._world.shelf
        for place, record in shelf.records.items():
            was = before.records.get(place)
            radius = self._radius.get(place[0])
            if radius is None or was is None or was is record:
                continue
            is_aside = record.code == "suppressed" != was.code
            if not record.state.is_final or is_aside:
                continue
            self._radius[place[0]] = radius._replace(
                untouched=radius.untouched + (was.state in _UNTOUCHED),
                callbacks=radius.callbacks + (was.state is _S.CALLBACK),
            )
        for number, radius in list(self._radius.items()):
            if shelf.runs[number].lifecycle.phase not in _ENDING:
                del self._radius[number]
                # Neither a fault of the run nor what somebody resolved meanwhile was
                # in anybody's preview.
                is_alone = not shelf.runs[number].cause
                if is_alone and len(shelf.words) == radius.words:
                    _fell_as_seen(number, radius)


def _fell_as_seen(number: int, radius: Radius) -> None:
    """3: an end drops what its preview said, and never anybody more."""
    seen, told = radius.seen, (number, "fell", radius)
    if radius.is_exact:
        expect(3, radius.untouched == seen.untouched, *told)
        expect(3, radius.callbacks == seen.callbacks, *told)
    else:
        expect(3, radius.untouched <= seen.untouched + seen.in_flight, *told)
        expect(3, not radius.callbacks, *told)


def _has_its_reasons(shelf: Shelf, run: Run, now_ms: int) -> None:
    records = shelf.of_run(run.number)
    now = _situation(shelf, run, records, now_ms)
    told = Counter({one.reason.value: one.count for one in blocked_by(now)})
    counted = Counter(
        blocked_record(
            one.state,
            now,
            is_due=one.is_due(now_ms),
            is_held=one.held,
            is_held_back=_is_held_back(run, one),
            is_suppressed=one.contact in shelf.opted_out,
        )
        for one in records
        if one.state in _REST
    )
    # While an upload is read a reason is told that holds nobody yet.
    told += Counter()
    expect(3, told == counted, run.lifecycle, told, "and by record", counted)


def _is_held_back(run: Run, record: Record) -> bool:
    is_behind = run.released_seq is not None and record.seq > run.released_seq
    return is_behind and record.state is _S.PENDING


def _situation(shelf: Shelf, run: Run, records: list[Record], now_ms: int) -> Situation:
    """Return what a run's records are up against, counted from its rows."""
    due = [one for one in records if one.is_due(now_ms)]
    waits = [one for one in records if not one.is_due(now_ms)]
    held = Counter(one.state for one in waits if one.held)
    aside = [one for one in records if one.contact in shelf.opted_out]
    books = shelf.books(run.number)
    return Situation(
        lifecycle=run.lifecycle,
        books=books,
        engine_alive=True,
        permits=run.permits,
        retries_due=sum(one.state is _S.RETRY for one in due),
        callbacks_due=sum(one.state is _S.CALLBACK for one in due),
        held_pending=held[_S.PENDING],
        held_retries=held[_S.RETRY],
        held_callbacks=held[_S.CALLBACK],
        suppressed_now=sum(
            one.state in (_S.PENDING, _S.RETRY, _S.CALLBACK)
            and (one.is_due(now_ms) or (not one.held and one.state is _S.PENDING))
            and not _is_held_back(run, one)
            for one in aside
        ),
        suppressed_retries=sum(
            one.state is _S.RETRY and not one.held and not one.is_due(now_ms)
            for one in aside
        ),
        suppressed_callbacks=sum(
            one.state is _S.CALLBACK and not one.held and not one.is_due(now_ms)
            for one in aside
        ),
        awaits_approval=awaits_approval(
            run.plan.approve_after, run.approved_at_ms, run.started
        ),
        held_back=sum(_is_held_back(run, one) for one in records),
        released_seq=run.released_seq,
    )
