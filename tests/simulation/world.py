"""A world: its clocks, its store, its provider, its operators, one engine at a time.

One seed is one world. Everything that happens is one step, drawn by the seed and noted
in the log; after every step that stored something, and at every request, the invariants
are checked. At the end the faults stop, operators let everything go on, and every run
must come to its end.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable

from tests.simulation import invariants
from tests.simulation.epoch import EPOCH_MS
from tests.simulation.life import Life, PaperInbox
from tests.simulation.loop import VirtualLoop
from tests.simulation.operators import Operators
from tests.simulation.scenario import Scenario
from tests.simulation.seams import WORKSPACE, CrashError, Disk
from tests.simulation.shapes import Shape
from tests.simulation.sight import Sight
from tests.simulation.wire import Arrival, Provider, WorldChannel

from watchfloor.domain.errors import StoreError, WatchfloorError
from watchfloor.domain.workspace import Shared, Workspace
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.layout import Layout

#: A world that takes more steps than this does not come to its end: of three thousand
#: seeds the longest takes 2,885.
MOST_STEPS = 15_000
#: So long nothing happens before the world looks for what wakes it.
POLL_S = 0.05


class World:
    """One seed, from its first step to its last."""

    def __init__(
        self, scenario: Scenario, shape: Shape, disk: Disk, layout: Layout
    ) -> None:
        self.scenario = scenario
        self.shape = shape
        self.disk = disk
        self.layout = layout
        self.chance = random.Random(f"world {scenario.seed}")  # noqa: S311 - replayable
        self.now_s = 100.0
        self.wall_offset_ms = EPOCH_MS + scenario.begins_at_ms - 100_000
        self.log: list[str] = []
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.inbox = PaperInbox()
        self.lives: list[Life] = []
        self.life: Life | None = None
        self._all_lives: list[Life] = []
        self.is_healing = False
        self._stood_still_s = 0.0
        self.steps = 0
        self._planned = 0
        self._looked_s = -1.0
        self._rung: tuple[int, int | None] = (-1, None)
        disk.load(shape.image)
        WORKSPACE[0] = Workspace(
            workspace_id="world",
            name="World",
            shared=Shared(
                permits=scenario.shared_permits, rate_per_s=scenario.shared_rate
            ),
        )
        self.provider = Provider(
            chance=random.Random(f"provider {scenario.seed}"),  # noqa: S311 - replayable
            weights=scenario.weights,
            honours_keys=shape.campaigns[0].is_idempotent,
            latency_s=scenario.latency_s,
            now_s=lambda: self.now_s,
            wall_ms=self.wall_ms,
            on_arrival=self._arrived,
            note=self.note,
        )
        self.sight = Sight(self)
        self.operators = Operators(self)

    @property
    def turned_s(self) -> float:
        """What passed of the world's time while no engine was kept from going on."""
        return self.now_s - self._stood_still_s

    def wall_ms(self) -> int:
        """Return the wall clock, which may jump."""
        return int(self.now_s * 1_000) + self.wall_offset_ms

    def note(self, what: str) -> None:
        """Enter in the log what happened now."""
        self.log.append(f"{self.now_s - 100:.4f} {what}")

    def at(self, in_s: float, what: Callable[[], None]) -> None:
        """Let something happen in so long."""
        self._planned += 1
        heapq.heappush(self.events, (self.now_s + in_s, self._planned, what))

    def run(self) -> str:
        """Let the world come to its end; return the hash of its log.

        Raises:
            ViolationError: An invariant did not hold.
        """
        WorldChannel.provider = self.provider
        try:
            self.operators.plan()
            self._start()
            self._turn(lambda: not self.events)
            self._heal()
            self._turn(self._is_over)
            invariants.at_the_end(self)
        finally:
            VirtualLoop.let_run(None)
            for life in self._all_lives:
                life.die()
                life.clear()
        return self.digest

    def clear(self) -> None:
        """Let go of everything, once nobody looks at the world any more."""
        for part in (self.sight, self.operators, self):
            vars(part).clear()

    @property
    def digest(self) -> str:
        """The hash of the log: the same for the same seed, in every process."""
        return hashlib.sha256("".join(self.log).encode()).hexdigest()

    def _turn(self, is_over: Callable[[], bool]) -> None:
        drags, lives, chance = self.scenario.drags, self.lives, self.chance
        while not is_over():
            self.steps += 1
            if self.steps > MOST_STEPS:
                invariants.never_ends(self)
            if drags and chance.random() < drags:
                self._drag()
            ready: Life | None = None
            if len(lives) == 1:
                (only,) = lives
                ready = only if only.loop.is_ready() else None
            elif some := [life for life in lives if life.loop.is_ready()]:
                ready = some[0] if len(some) == 1 else chance.choice(some)
            if ready is not None:
                self._step(ready)
            elif not (self._waited() or self._is_helped()):
                invariants.never_ends(self)

    def _drag(self) -> None:
        """Let a moment pass: what is ready comes late, and timers come before it."""
        moment_s = self.chance.choice([0.001, 0.02, 0.5])
        if self.events:
            moment_s = min(moment_s, max(0.0, self.events[0][0] - self.now_s))
        self.now_s += moment_s
        self._stood_still_s += moment_s

    def _step(self, life: Life) -> None:
        WorldChannel.life = life.number
        disk, loop = self.disk, life.loop
        commits = disk.commits
        loop.step()
        if self.sight.violation is not None:
            raise self.sight.violation
        if loop.faults:
            self._struck(life)
        supervisor = life.supervisor
        ended = supervisor is not None and supervisor._error is not None
        if ended and life in self.lives:
            self._mourn(life)
        if disk.commits != commits:
            self.note(f"commit of life {life.number}")
            self.sight.look(life)

    def _struck(self, life: Life) -> None:
        for fault in life.loop.faults:
            if not isinstance(fault, CrashError):
                raise fault
            self.note(f"life {life.number} killed after a commit")
            self.kill(life)

    def _mourn(self, life: Life) -> None:
        error = life.error
        is_zombie = life.number in self.sight.zombies
        if not (is_zombie and isinstance(error, WatchfloorError)):
            invariants.engine_died(self, error)
        self.note(f"life {life.number} was fenced off")
        self.lives.remove(life)
        life.die()

    def _waited(self) -> bool:
        """Let time pass until something can happen; return whether anything can."""
        times = [life.loop.rings_at_s() for life in self.lives]
        if self.events:
            times.append(self.events[0][0])
        duty, at_s = self._next_duty()
        times.append(at_s)
        known = [one for one in times if one is not None]
        if not known:
            return False
        next_s = min(known)
        self.now_s = max(self.now_s, next_s)
        if self.events and self.events[0][0] <= self.now_s:
            heapq.heappop(self.events)[2]()
        elif at_s == next_s and self.life is not None:
            self._rung = (self.disk.commits, self.life.wakes_at_ms())
            self.life.ring(duty)
        return True

    def _next_duty(self) -> tuple[str, float | None]:
        """Return which duty of the engine finds something to do next, and when."""
        life = self.life
        if life is None or life.supervisor is None or life.supervisor._error:
            return "", None
        found: list[tuple[float, str]] = []
        wakes_ms = life.wakes_at_ms()
        if wakes_ms is not None and self._rung != (self.disk.commits, wakes_ms):
            in_s = max(POLL_S, (wakes_ms - self.wall_ms() + 1) / 1_000)
            found.append((self.now_s + in_s, "inbox"))
        overdue_s = life.overdue_at_s()
        if overdue_s is not None:
            found.append((max(overdue_s, self.now_s + POLL_S), "heartbeat"))
        if not found:
            return "", None
        at_s, duty = min(found)
        return duty, at_s

    def _start(self) -> None:
        number = len(self.operators.born)
        self.operators.born.append(number)
        chance = random.Random(f"life {self.scenario.seed} {number}")  # noqa: S311 - replayable
        around = Surroundings(
            self.wall_ms, lambda: self.now_s, chance.random, chance.randbytes
        )
        loop = VirtualLoop(self, chance if self.scenario.shuffled else None)
        most_s = self.scenario.round_delay_s
        WorldChannel.life = number
        try:
            life = Life(
                number,
                self.disk.handle,
                self.inbox,
                around,
                self.layout,
                loop,
                round_delays=lambda: chance.uniform(0, most_s) if most_s else 0.0,
            )
        except StoreError as error:
            # The disk takes no writes: somebody starts it again a little later.
            self.note(f"life {number} does not begin: {error}")
            loop.die()
            self.at(0.5, self._start)
            return
        self.note(f"life {number} begins")
        self.sight.zombies.update(one.number for one in self.lives)
        self.lives.append(life)
        self._all_lives.append(life)
        self.life = life
        self.sight.look(life)

    def kill(self, life: Life) -> None:
        """End a life as kill -9 does; another one begins soon."""
        if self.disk.handle.in_transaction():
            self.disk.handle.rollback()
        life.die()
        if life in self.lives:
            self.lives.remove(life)
        if self.life is life:
            self.life = None
            self.at(self.chance.choice([0.0, 0.01, 3.0]), self._start)

    def replace(self) -> None:
        """Let a newer engine take over while the old one still lives: a zombie."""
        old = self.life
        if old is None:
            return
        self.note(f"life {old.number} is to be replaced")
        self._start()
        self.at(self.chance.choice([0.01, 1.0, 30.0]), lambda: self._bury(old))

    def _bury(self, old: Life) -> None:
        if old in self.lives:
            self.note(f"zombie {old.number} dies")
            self.lives.remove(old)
            old.die()

    def _arrived(self, arrival: Arrival) -> None:
        self.sight.arrived(arrival)

    def _heal(self) -> None:
        self.note("faults stop")
        self.is_healing = True
        self.provider.weights = {"delivered": 1}
        self.operators.let_go()

    def _is_helped(self) -> bool:
        """Let people do what nothing else will; return whether there was any of it."""
        return self.is_healing and self.operators.let_go()

    def _is_over(self) -> bool:
        if self.events or self.inbox.asked:
            return False
        for life in self.lives:
            if life.loop.is_ready():
                return False
        if all(run["phase"] == "ended" for run in self.sight.runs.values()):
            return True
        # A pause by the engine itself, or an approval that is due, waits for a person.
        if self.life is not None and self.now_s - self._looked_s > 1.0:
            self._looked_s = self.now_s
            self.operators.let_go()
        return False
