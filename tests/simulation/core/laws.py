"""What must hold of a core world: the invariants of the design, by their numbers.

None asks the core what is allowed. What may follow on what stands in tables of the
tests' own; what a record's attempts come to is counted here once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, NoReturn

from tests.simulation.core.departures import Departures
from tests.simulation.core.people import REFUSED, Arrival
from tests.simulation.core.rows import Attempt, Place, Record, Run, Shelf
from tests.simulation.core.sayings import Sayings
from tests.simulation.invariants import INTAKE, PHASES, STATES, ViolationError, expect

from watchfloor.domain.canary import StageState
from watchfloor.domain.outcomes import Delivery, OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Phase

if TYPE_CHECKING:
    from tests.simulation.core.owner import Owner
    from tests.simulation.core.world import World

_S = RecordState
_LEFT = frozenset(
    {_S.PENDING, _S.CLAIMED, _S.ATTEMPTING, _S.RETRY, _S.CALLBACK, _S.WAITING}
)
_DROPS = frozenset({Phase.STOPPING, Phase.CANCELLING, Phase.ENDED})
_FINAL = frozenset({OutcomeClass.DELIVERED, OutcomeClass.PERMANENT})


#: The reasons of every record are counted after so many commits.
_REASONS_EVERY = 4


class Watch:
    """Looks at every commit and at every request of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._departures = Departures(world)
        self._sayings = Sayings(world)
        self._permits = {
            number: run.permits for number, run in world.shelf.runs.items()
        }
        self._looked = 0

    def at_commit(self, owner: Owner, before: Shelf) -> None:
        """Check what must hold of a commit, and of its difference to the last."""
        now = self._world.shelf
        expect(24, owner.epoch == now.epoch, "epoch", owner.epoch, "of", now.epoch)
        wrote: set[int] = set()
        for number, run in now.runs.items():
            was = before.runs[number]
            if was is not run:
                self._permits[number] = max(self._permits[number], run.permits)
                _a_run_follows_its_table(was, run)
                _a_stage_passes_on_its_figures(now, was, run)
                wrote.add(number)
        expect(2, before.records.keys() <= now.records.keys(), "a record is gone")
        for place, record in now.records.items():
            was_record = before.records.get(place)
            if was_record is not record:
                self._a_record_changed(before, place, was_record, record)
                wrote.add(place[0])
        for number in wrote:
            _books_balance(now, now.runs[number])
        _attempts_are_only_added(before, now)
        self._sayings.look(before)
        self._looked += 1
        if self._looked % _REASONS_EVERY == 0:
            self._sayings.every_record_has_one_reason()

    def at_arrival(self, owner: Owner, arrival: Arrival) -> None:
        """Check what must hold at the moment a request leaves."""
        self._departures.look(owner, arrival)

    def at_the_end(self) -> None:
        """Check what must hold of a world that is over."""
        world = self._world
        for place, record in world.shelf.records.items():
            run = world.shelf.runs[place[0]]
            if run.lifecycle.outcome == "completed":
                left_out = record.state is _S.NOT_ATTEMPTED
                told = record.code == "suppressed"
                expect(23, not left_out or told, place, "was left out", record)
            if record.state is _S.DELIVERED:
                _was_received(world, place)
        for order in world.people.orders:
            known = order.order_id in world.shelf.answers
            expect(23, known, order, "was never answered")
        _crashes_cost_no_more_than(self._permits, world.shelf)

    def _a_record_changed(
        self, before: Shelf, place: Place, was: Record | None, record: Record
    ) -> None:
        world = self._world
        run = world.shelf.runs[place[0]]
        if was is None:
            expect(
                2, record.state is _S.PENDING or run.lifecycle.phase in _DROPS, place
            )
            return
        told = place, was, "->", record
        goes_on = record.state is _S.PENDING and record.step > was.step
        # A word has a record tried again, and it may go on in the same commit.
        before_it = _S.RETRY if was.state is _S.UNKNOWN else was.state
        follows = was.state == record.state or any(
            record.state in STATES.get(state, ()) for state in (was.state, before_it)
        )
        expect(21, follows or goes_on, *told)
        expect(21, record.attempts >= was.attempts - 1, *told)
        expect(
            17,
            before.runs[place[0]].lifecycle.phase is not Phase.ENDED
            or was.state is _S.UNKNOWN,
            "after the end:",
            *told,
        )
        if record.state is _S.ATTEMPTING and was.state is not _S.ATTEMPTING:
            self._an_intent_is_due(place, was, record)
        if was.state is _S.UNKNOWN and record.state is not _S.UNKNOWN:
            word = (*place, was.attempts) in world.shelf.words
            expect(12, word, "without a word:", *told)
        if was.doubts and record.state in (_S.FAILED, _S.NOT_ATTEMPTED, _S.EXPIRED):
            self._doubt_is_kept(run, place, was, record)
        if was.state is _S.CALLBACK and record.state is _S.ABANDONED:
            again = run.lifecycle.stops > 1 or run.lifecycle.phase is Phase.CANCELLING
            ends = run.lifecycle.outcome in ("cancelled", "failed") or run.cause
            kept = not (again or ends or record.code == "suppressed")
            expect(4, not kept, "its promise was dropped:", *told)

    def _doubt_is_kept(
        self, run: Run, place: Place, was: Record, record: Record
    ) -> None:
        """12: what may have been delivered is called nothing else, but by the key."""
        step = run.plan.steps[was.step]
        refused = self._world.shelf.attempts[place][-1]
        by_key = (
            step.delivery is Delivery.IDEMPOTENT
            and refused.outcome_class is OutcomeClass.PERMANENT
        )
        word = (*place, was.attempts) in self._world.shelf.words
        expect(12, by_key or word, place, was, "->", record)

    def _an_intent_is_due(self, place: Place, was: Record, record: Record) -> None:
        now_ms = self._world.wall_ms()
        # A word may have it sent again at once: law 12 asks for the word.
        taken_up = was.state in _LEFT or was.state is _S.UNKNOWN
        expect(18, taken_up, place, was, "is taken up")
        expect(18, record.attempts == was.attempts + 1, place, was, record)
        number = 20 if was.state is _S.CALLBACK else 18
        expect(number, was.is_due(now_ms), place, was, "is early at", now_ms)
        in_time = was.expires_at_ms is None or now_ms < was.expires_at_ms
        expect(20, in_time, place, was, "expired at", now_ms)


def never_ends(world: World) -> NoReturn:
    """23: something waits for what never comes."""
    left = {number: run.lifecycle for number, run in world.shelf.runs.items()}
    raise ViolationError(23, f"nothing goes on: {left}")


def _crashes_cost_no_more_than(permits: Mapping[int, int], shelf: Shelf) -> None:
    """13: one crash makes at most as many unknowns as a run had permits."""
    cut: Counter[tuple[int, int]] = Counter()
    for (number, _), attempts in shelf.attempts.items():
        plan = shelf.runs[number].plan
        for one in attempts:
            strict = plan.steps[one.step].delivery is Delivery.AT_MOST_ONCE
            if one.is_interrupted and strict:
                cut[number, one.epoch] += 1
    for (number, epoch), count in cut.items():
        expect(13, count <= permits[number], number, count, "unknown at epoch", epoch)


def _books_balance(shelf: Shelf, run: Run) -> None:
    """1, 3, 4 and 15: the account of every row, and what a phase leaves."""
    books = shelf.books(run.number)
    imbalance = books.imbalance
    expect(1, not imbalance, run.number, imbalance)
    attempts = sum(
        len(attempts)
        for place, attempts in shelf.attempts.items()
        if place[0] == run.number
    )
    expect(3, books.attempts == attempts + books.attempting, books, attempts)
    life = run.lifecycle
    if life.gate is Gate.PAUSED:
        expect(15, not books.attempting, run.number, "is paused with", books)
    if life.is_ended:
        expect(4, not books.remaining, run.number, "ended and left", books)
        expect(4, life.outcome, run.number, "ended without an outcome")
    else:
        expect(4, life.outcome is None, run.number, "goes on with", life.outcome)
    if life.phase in (Phase.CALLBACK, Phase.STOPPED_CALLBACK):
        expect(4, not books.eligible, run.number, "left beside callbacks", books)


def _a_run_follows_its_table(was: Run, run: Run) -> None:
    """17 and 21: phases, intake and launch move only forward; an end is final."""
    before, after, told = was.lifecycle, run.lifecycle, (was, "->", run)
    if before.phase is not after.phase:
        number = 17 if before.phase is Phase.ENDED else 21
        # Within one commit a run may go through several phases.
        expect(number, after.phase in _reachable(before.phase), *told)
    if before.phase is Phase.ENDED:
        same = (before.outcome, before.launched, before.stops, before.gate)
        now = (after.outcome, after.launched, after.stops, after.gate)
        expect(17, same == now, *told)
    expect(21, before.launched <= after.launched, *told)
    expect(21, before.stops <= after.stops, *told)
    order = (before.intake, after.intake)
    forward = INTAKE.index(order[0]) <= INTAKE.index(order[1])
    expect(21, forward, *told)
    expect(21, was.version <= run.version, *told)
    expect(21, after.gate is Gate.OPEN or after.phase not in _DROPS, *told)


@cache
def _reachable(phase: Phase) -> set[str]:
    found, ahead = set[str](), {str(phase)}
    while ahead:
        one = ahead.pop()
        fresh = PHASES[one] - found
        found |= fresh
        ahead |= fresh
    return found


def _a_stage_passes_on_its_figures(shelf: Shelf, was: Run, run: Run) -> None:
    """14: a stage passes that was tried, has settled and of which little failed."""
    if was.stages == run.stages or not was.stages:
        return
    for place, stage in enumerate(run.stages):
        if stage.state is not StageState.PASSED or was.stages[place] == stage:
            continue
        first = run.stages[place - 1].last_seq + 1 if place else 1
        seqs = range(first, stage.last_seq + 1)
        records = [shelf.records[run.number, seq] for seq in seqs]
        # A callback may be due, and taken up in the very commit of the verdict.
        settled = sum(
            one.state.is_final or one.state is _S.CALLBACK or one.code == "later"
            for one in records
        )
        expect(14, settled >= 0.8 * len(records), stage, "passed at", records)
        ends = [
            one.outcome_class
            for seq in seqs
            for one in shelf.attempts.get((run.number, seq), ())
            if not one.is_interrupted
        ]
        bad = (OutcomeClass.TRANSIENT, OutcomeClass.AMBIGUOUS)
        doubtful = sum(end in bad for end in ends)
        expect(14, ends, stage, "passed untried")
        expect(14, doubtful <= 0.15 * len(ends), stage, "passed with", ends)
    if was.released_seq != run.released_seq:
        ends_at = [stage.last_seq for stage in run.stages]
        judged = run.stages[ends_at.index(was.released_seq)]  # type: ignore[arg-type]  # it was one of them
        gone_by = (StageState.PASSED, StageState.OVERRULED)
        expect(
            14,
            judged.state in gone_by
            or (run.released_seq is not None and run.released_seq == was.released_seq),
            run,
            "went past",
            judged,
        )


def _attempts_are_only_added(before: Shelf, now: Shelf) -> None:
    """10: an attempt closes once, and is never rewritten."""
    for place, attempts in now.attempts.items():
        known = before.attempts.get(place, ())
        if attempts is not known:
            expect(10, attempts[: len(known)] == known, place, "rewritten", known)
            _an_attempt_is_counted(now, place, attempts[-1])
            _nothing_is_left_for_later(before.runs[place[0]], attempts[-1])


def _an_attempt_is_counted(shelf: Shelf, place: Place, last: Attempt) -> None:
    """10 and 11: attempts are numbered, capped, and retried as the provider asked."""
    run, attempts = shelf.runs[place[0]], shelf.attempts[place]
    numbers = [one.number for one in attempts]
    expect(10, numbers == sorted(set(numbers)), place, "has the attempts", numbers)
    policy = run.plan.steps[last.step].policy
    mine = [one for one in attempts if one.step == last.step]
    tries = sum(not one.is_interrupted for one in mine)
    promises = sum(one.outcome_class is OutcomeClass.CALLBACK for one in mine)
    words = sum(one[:2] == place for one in shelf.words)
    most = policy.attempts + promises + words
    expect(11, tries <= most, place, tries, "attempts,", most, "allowed")
    if last.is_interrupted or last.next_at_ms is None:
        return
    waits_ms = last.next_at_ms - last.ended_at_ms
    asked_ms = min(last.retry_after_ms, policy.max_backoff_ms)
    if last.outcome_class is OutcomeClass.CALLBACK:
        expect(20, waits_ms >= 1_000, place, "is called back in", waits_ms)
        return
    expect(11, last.outcome_class not in _FINAL, place, last, "is tried again")
    expect(11, waits_ms >= asked_ms, place, waits_ms, "ms, asked were", asked_ms)
    expect(11, waits_ms <= policy.max_backoff_ms, place, waits_ms, "ms of", policy)


def _nothing_is_left_for_later(was: Run, last: Attempt) -> None:
    """21: a run that was ending before keeps nothing to be tried again."""
    ends = was.lifecycle.phase in (Phase.STOPPING, Phase.CANCELLING)
    if ends and not last.is_interrupted:
        is_promise = last.outcome_class is OutcomeClass.CALLBACK
        kept = last.next_at_ms is not None and not is_promise
        expect(21, not kept, was.number, was.lifecycle, "kept", last)


def _was_received(world: World, place: Place) -> None:
    """9: who is delivered was reached, or somebody said so."""
    words = any(one[:2] == place for one in world.shelf.words)
    got = world.provider.arrivals.get(place, [])
    reached = any(one.kind not in REFUSED for one in got)
    expect(9, words or reached, place, "is delivered, and arrived are", got)
