"""A core world: one seed, its shelf, its clocks, one owner at a time, and who is next.

The engine's worlds (``tests/simulation/world.py``) turn the product as it is, with its
SQL; these turn only what it decides by. So a seed costs a fifth, and its schedule is
finer: two records are swept at a time, and between any two of an engine's acts
everybody else may act.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING
from unittest import mock
from zoneinfo import ZoneInfo

from tests.simulation.core import laws
from tests.simulation.core.owner import Owner
from tests.simulation.core.people import FAULTS, RARE, Arrival, People, Provider
from tests.simulation.core.rows import Order, Record, Run, Shelf, drawn_plan
from tests.simulation.epoch import EPOCH_MS

from watchfloor.domain import canary
from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.regions import Lifecycle

if TYPE_CHECKING:
    from tests.simulation.core.booking import Intent

#: A world that takes more steps than this does not come to its end: of ten thousand
#: seeds the longest takes 495.
MOST_STEPS = 5_000

Act = Callable[[], None]


class World:
    """One seed, from its first step to its last.

    Attributes:
        shelf: What the last commit left.
        owners: Who lives; the last one is the rightful owner.
        refusals: So many commits find the disk full.
        reading_s: So long a few rows of an upload take to be read.
        crashes_in: After so many more commits the owner is killed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(f"core {seed}")  # noqa: S311 - replayable
        chance = self.chance
        self.now_s = 100.0
        offset = chance.choice([0, 0, 1_700_000, -3_600_000, 39_600_000])
        self.wall_offset_ms = EPOCH_MS + offset - 100_000
        self.log: list[str] = []
        self.steps = 0
        self.refusals = 0
        self.crashes_in: int | None = None
        self.owners: list[Owner] = []
        self.inbox: list[Order] = []
        self.is_healing = False
        self._is_shuffled = chance.random() < 0.7
        self.reading_s = chance.choice([0.0, 0.0, 0.02, 0.3])
        self._round_delay_s = chance.choice([0.0, 0.0, 0.001, 0.02, 0.2])
        self._drags = chance.choice([0.0, 0.0, 0.02, 0.1])
        self._ready: list[tuple[Owner | None, Act]] = []
        self._timers: list[tuple[float, int, Owner | None, Act]] = []
        self._planned = 0
        self._wakes_at: dict[Owner, float] = {}
        weights = {"delivered": chance.choice([2, 6, 12])}
        if chance.random() < 0.85:
            for kind in chance.sample(FAULTS, chance.randint(1, 4)):
                weights[kind] = chance.choice([1, 2, 5])
            if chance.random() < 0.3:
                weights[chance.choice(RARE)] = 1
        self.provider = Provider(self, chance, weights)
        self.shelf = Shelf(
            runs={
                number: _launched(number, chance)
                for number in range(1, chance.choice([2, 2, 3]))
            }
        )
        self.watch = laws.Watch(self)
        self.people = People(self)

    def run(self) -> str:
        """Let the world come to its end; return the hash of its log.

        Raises:
            ViolationError: A law did not hold.
        """
        self.people.plan()
        self.start()
        self._turn(lambda: not self._timers and not self._ready)
        self.note("faults stop")
        self.provider.weights = {"delivered": 1}
        self.refusals, self.crashes_in, self.is_healing = 0, None, True
        while not self.people.is_over():
            if not self.people.let_go():
                laws.never_ends(self)
            self._turn(lambda: not self._timers and not self._ready)
        self.watch.at_the_end()
        return self.digest

    @property
    def digest(self) -> str:
        """The hash of the log: the same for the same seed, in every process."""
        return hashlib.sha256("\n".join(self.log).encode()).hexdigest()

    @property
    def owner(self) -> Owner | None:
        """Who owns the shelf; nobody between a death and the next start."""
        rightful = self.owners[-1] if self.owners else None
        return rightful if rightful and rightful.is_alive else None

    def wall_ms(self) -> int:
        """Return the wall clock, which may jump."""
        return int(self.now_s * 1_000) + self.wall_offset_ms

    def note(self, what: str) -> None:
        """Enter in the log what happened now."""
        self.log.append(f"{self.now_s - 100:.4f} {what}")

    def soon(self, owner: Owner, act: Act) -> None:
        """Let an owner act when its turn comes."""
        self._ready.append((owner, act))

    def in_its_time(self, owner: Owner, act: Act) -> None:
        """Let an owner have its round, soon or a moment later."""
        if self._round_delay_s:
            self.later(owner, self.chance.uniform(0.0, self._round_delay_s), act)
        else:
            self.soon(owner, act)

    def later(self, owner: Owner | None, in_s: float, act: Act) -> None:
        """Let somebody act in so long; an owner only if it still lives then."""
        self._planned += 1
        heapq.heappush(self._timers, (self.now_s + in_s, self._planned, owner, act))

    def wake(self, owner: Owner, in_s: float) -> None:
        """Let an owner have a round in so long, unless it has one before."""
        at_s, known = self.now_s + in_s, self._wakes_at.get(owner)
        if known is None or known <= self.now_s or at_s < known:
            self._wakes_at[owner] = at_s
            self.later(owner, in_s, owner.ask)

    def ask(self, order: Order) -> None:
        """Lay an order in the inbox, where the owner finds it a moment later."""
        self.note(f"{order.order_id}: {order.verb} {order.run} {order.said}".rstrip())
        self.inbox.append(order)
        self.later(None, self.chance.uniform(0.0, 0.05), self._deliver)

    def told(self, orders: list[Order]) -> None:
        """Take what was answered out of the inbox."""
        known = {order.order_id for order in orders}
        self.inbox = [one for one in self.inbox if one.order_id not in known]

    def ring(self) -> None:
        """Let every owner look at the clock."""
        for owner in self.owners:
            owner.ask()

    def zones(self, run: Run, record: Record) -> tuple[ZoneInfo, ...]:
        """Return the zones by which a recipient's window opens."""
        window = run.plan.window
        assert window is not None
        name = record.zone if window.zone == "recipient" else window.zone
        return _zone(name)

    def honours_keys(self, intent: Intent) -> bool:
        """Whether the provider of an attempt knows a key that comes again."""
        step = self.shelf.runs[intent.run].plan.steps[intent.record.step]
        return step.delivery is Delivery.IDEMPOTENT

    def arrived(self, owner: Owner, arrival: Arrival) -> None:
        """Hold a request to what is committed at this moment."""
        record = arrival.record
        self.note(f"{arrival.run}/{record.seq} #{record.attempts} {arrival.kind}")
        self.watch.at_arrival(owner, arrival)

    def commit(self, owner: Owner, tx: Shelf) -> bool:
        """Store a transaction; return whether it was.

        An owner whose epoch is over ends here, and so does one that is killed by what
        was planned for this commit.
        """
        if owner.epoch < self.shelf.epoch:
            self.note(f"owner of epoch {owner.epoch} is fenced off")
            owner.die()
            return False
        if self.refusals > 0:
            self.refusals -= 1
            return False
        before, self.shelf = self.shelf, tx
        self.note(f"commit of epoch {owner.epoch}")
        self.watch.at_commit(owner, before)
        if self.crashes_in is not None:
            self.crashes_in -= 1
            if self.crashes_in <= 0:
                self.crashes_in = None
                self.kill()
        return True

    def kill(self) -> None:
        """End the owner as kill -9 does; another one begins soon."""
        owner = self.owner
        if owner is not None:
            self.note(f"owner of epoch {owner.epoch} is killed")
            owner.die()
            self.later(None, self.chance.choice([0.0, 0.01, 3.0]), self.start)

    def replace(self) -> None:
        """Let a newer owner take over while the old one still lives: a zombie."""
        old = self.owner
        if old is not None:
            self.start()
            self.later(None, self.chance.choice([0.01, 1.0, 30.0]), old.die)

    def start(self) -> None:
        """Let an owner begin."""
        owner = Owner(self)
        self.note("an owner begins")
        self.owners = [*(one for one in self.owners if one.is_alive), owner]
        owner.begin()
        for order in self.inbox:
            owner.deliver(order)

    def _deliver(self) -> None:
        owner = self.owner
        if owner is not None:
            for order in self.inbox:
                if order not in owner.inbox:
                    owner.deliver(order)

    def _turn(self, is_over: Callable[[], bool]) -> None:
        chance, timers = self.chance, self._timers
        while not is_over():
            self.steps += 1
            if self.steps > MOST_STEPS:
                laws.never_ends(self)
            if self._drags and chance.random() < self._drags:
                self._drag()
            while timers and timers[0][0] <= self.now_s:
                _, _, owner, act = heapq.heappop(timers)
                self._ready.append((owner, act))
            if not self._ready:
                self.now_s = timers[0][0]
                continue
            place = chance.randrange(len(self._ready)) if self._is_shuffled else 0
            owner, act = self._ready.pop(place)
            if owner is None or owner.is_alive:
                act()

    def _drag(self) -> None:
        """Let a moment pass: what is ready comes late, and timers come before it."""
        moment_s = self.chance.choice([0.001, 0.02, 0.5])
        if self._timers:
            moment_s = min(moment_s, max(0.0, self._timers[0][0] - self.now_s))
        self.now_s += moment_s


def _launched(number: int, chance: random.Random) -> Run:
    plan = drawn_plan(chance, number)
    return Run(number, plan, plan.permits, Lifecycle(mode=plan.mode))


@cache
def _zone(name: str) -> tuple[ZoneInfo, ...]:
    return (ZoneInfo(name),)


@contextmanager
def turning(seed: int) -> Iterator[World]:
    """Let the world of a seed turn during the block."""
    # A world's cohorts are small: so are the stages of their canaries.
    with mock.patch.object(canary, "FIRST", (2, 3)):
        yield World(seed)


def turned(seed: int) -> str:
    """Let the world of a seed come to its end; return the hash of its log.

    Raises:
        ViolationError: A law did not hold.
    """
    with turning(seed) as world:
        return world.run()


def turned_slice(first: int, count: int) -> list[str]:
    """Turn some seeds; return one line for each that did not hold."""
    found = []
    for seed in range(first, first + count):
        try:
            turned(seed)
        except Exception as error:  # noqa: BLE001 - told, with its seed
            found.append(f"seed {seed}: {error}")
    return found
