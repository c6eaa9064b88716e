"""An owner of the shelf: it obeys what the core decides, and decides nothing itself.

What a record becomes, what a run may do, when an attempt may start: every answer is a
function of the domain, asked over frozen values. What is done with the answers is here,
in memory and in a few lines, as slowly and as much out of order as the world likes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.core.booking import Booking, Finished, Guards, Intent
from tests.simulation.core.claiming import Claiming
from tests.simulation.core.orders import Taking
from tests.simulation.core.rows import Order, Place, Run, Shelf
from tests.simulation.core.settling import Settling

from watchfloor.domain.identity import contact_digest, dedupe_key
from watchfloor.domain.lifecycle import may_call_back
from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.domain.pacing import Bucket, opened, reopened, take
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Intake
from watchfloor.domain.windows import opening

if TYPE_CHECKING:
    from tests.simulation.core.world import World

#: Attempts whose provider never answers are cut after so long.
DEADLINE_S = 20.0
CUT_OFF = Outcome(outcome_class=OutcomeClass.AMBIGUOUS, code="cut_off")
#: Records that one round sweeps: few, so that much happens between two of them.
SWEPT_AT_ONCE = 2


class Owner:
    """One life of an engine, from its start to its death.

    Attributes:
        open_gates: Runs of which attempts may start, as far as it knows.
        flying: What is with the provider, by place.
        inbox: Orders that wait for the next round.
        is_alive: It does nothing any more once it is not.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.is_alive = True
        self.epoch = 0
        self.open_gates: set[int] = set()
        self.flying: dict[Place, Intent] = {}
        self.inbox: list[Order] = []
        self._finished: list[Finished] = []
        self._released: list[Intent] = []
        self._parked: list[Intent] = []
        self._buckets: dict[int, Bucket] = {}
        self._guards = Guards()
        self._is_asked = False

    def begin(self) -> None:
        """Become the owner: account for what the last one left in flight."""
        world = self.world
        tx = world.shelf.copy()
        tx.epoch += 1
        self.epoch = tx.epoch
        settling = Settling(tx, world.wall_ms())
        booking = Booking(settling, self._guards, self.epoch, world.chance)
        for number in tx.runs:
            for record in tx.of_run(number):
                if record.state is RecordState.ATTEMPTING:
                    booking.interrupt(number, record)
            settling.settle(number)
        if not self._committed(tx, []):
            # The disk takes no writes: somebody starts it again a little later.
            self.die()
            world.later(None, 0.5, world.start)
            return
        for number, run in tx.runs.items():
            if run.lifecycle.intake is not Intake.DONE:
                world.soon(self, partial(self._read, number))
        self.ask()

    def deliver(self, order: Order) -> None:
        """Take an order from the inbox: the gate closes before anything is stored."""
        if order.verb in ("pause", "stop", "cancel"):
            self._hold(order.run)
        self.inbox.append(order)
        self.ask()

    def ask(self) -> None:
        """Ask for a round."""
        if not self._is_asked and self.is_alive:
            self._is_asked = True
            self.world.in_its_time(self, self.round)

    def round(self) -> None:
        """Store what has gathered, in one transaction, and obey it."""
        self._is_asked = False
        world = self.world
        orders, self.inbox = self.inbox, []
        finished, self._finished = self._finished, []
        released, self._released = self._released, []
        tx = world.shelf.copy()
        settling = Settling(tx, world.wall_ms())
        taking = Taking(settling, world.chance, world.provider)
        for order in orders:
            taking.take(order)
        booking = Booking(settling, self._guards, self.epoch, world.chance)
        for number in tx.runs:
            booking.book(number, finished, released)
        for number in tx.runs:
            settling.sweep(number, SWEPT_AT_ONCE)
            settling.settle(number)
            settling.look_at_canary(number)
            settling.archive(number)
        claiming = Claiming(tx, settling.now_ms, world.zones)
        intents = [
            intent
            for number in sorted(self.open_gates)
            for intent in claiming.claim(number, self._flying_of(number))
        ]
        if tx == world.shelf and not orders:
            self._wake_later(tx)
            return
        if not self._committed(tx, orders):
            # Nothing of it is stored, and none of it is lost.
            self.inbox = orders + self.inbox
            self._finished = finished + self._finished
            self._released = released + self._released
            return
        for intent in intents:
            self._hand_out(intent)
        if claiming.has_put_aside or settling.is_anything_left():
            self.ask()

    def die(self) -> None:
        """Be killed: nothing more is done, whatever was under way."""
        self.is_alive = False

    def _committed(self, tx: Shelf, orders: list[Order]) -> bool:
        world = self.world
        if not world.commit(self, tx):
            if self.is_alive:
                world.later(self, 0.5, self.ask)
            return False
        if self.is_alive:
            # Gates first: whoever is told of a pause is told the truth.
            self._follow(tx)
            world.told(orders)
            self._wake_later(tx)
        return True

    def _follow(self, tx: Shelf) -> None:
        for number, run in tx.runs.items():
            goes = may_call_back(run.lifecycle) and not run.is_doomed
            waits = any(order.run == number for order in self.inbox)
            if not goes or waits:
                self._hold(number)
            elif number not in self.open_gates:
                self.open_gates.add(number)
                self._open_bucket(number, run)
                self.ask()

    def _hold(self, number: int) -> None:
        """Close a gate: no attempt starts after this; what is ready goes back."""
        self.open_gates.discard(number)
        back = [one for one in self._parked if one.run == number]
        if back:
            self._parked = [one for one in self._parked if one.run != number]
            self._released += back
            self.ask()

    def _open_bucket(self, number: int, run: Run) -> None:
        rate_per_s, now_s = run.plan.rate_per_s, self.world.now_s
        if rate_per_s is not None:
            known = self._buckets.get(number)
            anew = opened(rate_per_s, now_s)
            self._buckets[number] = reopened(known, now_s) if known else anew

    def _wake_later(self, tx: Shelf) -> None:
        """Have a round when the next record's time has come."""
        now_ms = self.world.wall_ms()
        times = [
            record.next_at_ms
            for (number, _), record in tx.records.items()
            if record.next_at_ms is not None
            and record.next_at_ms > now_ms
            and not record.state.is_final
            and may_call_back(tx.runs[number].lifecycle)
        ]
        if times:
            self.world.wake(self, (min(times) - now_ms + 1) / 1_000)

    def _flying_of(self, number: int) -> int:
        return sum(place[0] == number for place in self.flying)

    def _hand_out(self, intent: Intent) -> None:
        self.world.soon(self, partial(self._start, intent))

    def _start(self, intent: Intent) -> None:
        """Look once more, wait for the pace, and only then let the attempt leave."""
        world, number, record = self.world, intent.run, intent.record
        run = world.shelf.runs[number]
        is_shut = run.plan.window is not None and not (
            opening(run.plan.window, world.zones(run, record), world.wall_ms()).is_open
        )
        opted_out = record.contact in world.shelf.opted_out
        if number not in self.open_gates or is_shut or opted_out:
            self._released.append(intent)
            self.ask()
            return
        if self._flying_of(number) >= run.permits:
            self._parked.append(intent)
            return
        bucket = self._buckets.get(number)
        if bucket is not None:
            self._buckets[number], wait_s = take(bucket, world.now_s)
            if wait_s > 0:
                world.later(self, wait_s, partial(self._start, intent))
                return
        self._send(intent, run)

    def _send(self, intent: Intent, run: Run) -> None:
        world, record = self.world, intent.record
        place = (intent.run, record.seq)
        self.flying[place] = intent
        step = run.plan.steps[record.step]
        digest = contact_digest("id", record.contact)
        key = dedupe_key(f"run {intent.run}", step.name, digest, 0)
        started_at_ms = world.wall_ms()

        def answered(outcome: Outcome) -> None:
            # One that was cut, or of an engine that is gone, comes too late.
            if self.is_alive and self.flying.get(place) is intent:
                del self.flying[place]
                ended_at_ms = world.wall_ms()
                finished = Finished(intent, started_at_ms, ended_at_ms, outcome)
                self._finished.append(finished)
                self.ask()
                parked, self._parked = self._parked, []
                for one in parked:
                    self._hand_out(one)

        world.later(self, DEADLINE_S, lambda: answered(CUT_OFF))
        world.provider.get(self, intent, key, answered)

    def _read(self, number: int) -> None:
        """Read some rows of the upload, or judge some that were read."""
        world = self.world
        tx = world.shelf.copy()
        settling = Settling(tx, world.wall_ms())
        is_over = settling.read_on(number, world.chance.randint(1, 3))
        settling.settle(number)
        if not self._committed(tx, []):
            world.later(self, 0.5, partial(self._read, number))
            return
        self.ask()
        if not is_over:
            world.later(self, world.reading_s, partial(self._read, number))
