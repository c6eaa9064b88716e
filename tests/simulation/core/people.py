"""Everybody outside of a core world's engine: the provider, and who asks for things."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.core.orders import view
from tests.simulation.core.rows import Order, Place, Record

from watchfloor.domain.identity import contact_digest, dedupe_key
from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.domain.previews import seen
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Phase

if TYPE_CHECKING:
    import random

    from tests.simulation.core.booking import Intent
    from tests.simulation.core.owner import Owner
    from tests.simulation.core.world import World

Answered = Callable[[Outcome], None]

#: Answers after which the provider has done nothing for the contact.
REFUSED = frozenset({"busy", "limit", "down", "gone", "bounce", "barred"})
#: Of these nothing arrives.
UNREACHED = frozenset({"unreachable", "unsent"})
FAULTS = ("busy", "limit", "down", "gone", "lost", "unreachable", "callback", "late")
RARE = ("hang", "bounce", "barred", "unsent")
_VERBS = ("pause", "pause", "pause", "resume", "stop", "stop", "cancel", "cancel")
_C = OutcomeClass


class Arrival(NamedTuple):
    """One request as the provider got it."""

    at_s: float
    epoch: int
    run: int
    record: Record
    key: str
    kind: str


class Provider:
    """Whoever gets the requests; what it saw is what really happened.

    Attributes:
        weights: How often it does what.
        arrivals: Every request, by place.
        effects: How often each key had its effect on a contact.
    """

    def __init__(
        self, world: World, chance: random.Random, weights: dict[str, int]
    ) -> None:
        self._world = world
        self._chance = chance
        self.weights = weights
        self.latency_s = chance.choice([(0.0, 0.002), (0.01, 0.5), (0.5, 4.0)])
        self.arrivals: dict[Place, list[Arrival]] = {}
        self.effects: dict[str, int] = {}

    def get(self, owner: Owner, intent: Intent, key: str, answered: Answered) -> None:
        """Take one request, and answer, late or never."""
        world, chance = self._world, self._chance
        kinds = list(self.weights)
        kind = chance.choices(kinds, list(self.weights.values()))[0]
        takes_s = chance.uniform(*self.latency_s)
        if kind not in UNREACHED:
            if self.effects.get(key) and world.honours_keys(intent):
                kind = "again"
            elif kind not in REFUSED:
                self.effects[key] = self.effects.get(key, 0) + 1
            arrival = Arrival(
                world.now_s, owner.epoch, intent.run, intent.record, key, kind
            )
            world.arrived(owner, arrival)
            place = (intent.run, intent.record.seq)
            self.arrivals.setdefault(place, []).append(arrival)
        else:
            world.note(f"{intent.run}/{intent.record.seq} {kind}")
        if kind == "hang":
            return
        if kind == "late":
            takes_s += chance.uniform(5, 50)
        world.later(owner, takes_s, lambda: answered(self._answer(kind)))

    def asked(self, number: int, record: Record) -> Outcome | None:
        """Return what it knows of a record; None where it does not know either."""
        if self._chance.random() < 0.2:
            return None
        step = self._world.shelf.runs[number].plan.steps[record.step]
        digest = contact_digest("id", record.contact)
        if self.effects.get(dedupe_key(f"run {number}", step.name, digest, 0)):
            return Outcome(outcome_class=_C.DELIVERED, code="known")
        return Outcome(outcome_class=_C.TRANSIENT, code="not_known")

    def _answer(self, kind: str) -> Outcome:
        if kind in ("busy", "limit", "down", "unreachable"):
            wish_ms = self._chance.choice([0, 0, 700, 3_000, 90_000])
            return Outcome(
                outcome_class=_C.TRANSIENT, code=kind, retry_after_ms=wish_ms
            )
        if kind == "callback":
            in_ms = self._chance.choice([0, 5_000, 120_000, 7_200_000])
            due_ms = self._world.wall_ms() + in_ms
            return Outcome(outcome_class=_C.CALLBACK, code="later", due_at_ms=due_ms)
        return _ANSWERS.get(kind, _ANSWERS["delivered"])


_ANSWERS = {
    "delivered": Outcome(outcome_class=_C.DELIVERED, code="ok"),
    "gone": Outcome(outcome_class=_C.PERMANENT, code="gone"),
    "bounce": Outcome(
        outcome_class=_C.PERMANENT, code="bounce", suppress="hard bounce"
    ),
    "lost": Outcome(outcome_class=_C.AMBIGUOUS, code="lost"),
    "late": Outcome(outcome_class=_C.AMBIGUOUS, code="late"),
    "barred": Outcome(
        outcome_class=_C.TRANSIENT, code="barred", run_fault="credentials"
    ),
    "unsent": Outcome(
        outcome_class=_C.TRANSIENT, code="unsent", run_fault="no way", is_unsent=True
    ),
}


class People:
    """Whoever asks, at any time, twice, and with stale screens; and what strikes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.orders: list[Order] = []
        self._count = 0

    def plan(self) -> None:
        """Draw when what happens."""
        world, chance = self._world, self._world.chance
        span_s = chance.choice([1, 3, 8]) * max(0.05, world.provider.latency_s[1])
        if chance.random() < 0.15:
            span_s = 200.0
        told = (
            (0.7, (1, 2, 3, 5), self._steer),
            (0.2, (1, 2), self._limit),
            (0.25, (1, 2), self._suppress),
            (0.5, (1, 2, 3), self._resolve),
            (0.2, (1, 2), self._jump),
            (0.15, (1, 2), self._fill_disk),
            (0.5, (1, 1, 2, 3), self._crash),
            (0.03, (1,), self._doom),
        )
        for share, counts, act in told:
            if chance.random() < share:
                for _ in range(chance.choice(counts)):
                    world.later(None, chance.uniform(0.0, span_s), act)
        if world.reading_s and chance.random() < 0.3:
            # While the upload is read: whoever ends a run then must reach nobody.
            world.later(None, chance.uniform(0.0, 4 * world.reading_s), self._end)

    def let_go(self) -> bool:
        """Let every run that waits for a person go on; return whether any did."""
        asked = self._count
        for number, run in self._world.shelf.runs.items():
            if run.lifecycle.is_ended or self._is_asked(number):
                continue
            if not run.is_open:
                self._ask("resume", number)
            elif run.plan.approve_after is not None and run.approved_at_ms is None:
                self._ask("approve", number)
        return self._count > asked

    def _is_asked(self, number: int) -> bool:
        answers = self._world.shelf.answers
        return any(
            order.run == number and order.order_id not in answers
            for order in self.orders
        )

    def _ask(self, verb: str, number: int, **more: object) -> None:
        self._count += 1
        order = Order(f"order {self._count}", verb, number, **more)  # type: ignore[arg-type]  # as named
        self.orders.append(order)
        self._world.ask(order)

    def _run(self) -> int:
        return self._world.chance.choice(list(self._world.shelf.runs))

    def _steer(self) -> None:
        world, chance = self._world, self._world.chance
        if self.orders and chance.random() < 0.15:
            world.ask(chance.choice(self.orders))
            return
        number = self._run()
        verb = chance.choice(_VERBS)
        known = seen(view(world.shelf, number)) if chance.random() < 0.6 else None
        if chance.random() < 0.3:
            # Whoever looks and thinks first confirms what stood there then.
            in_s = chance.choice([0.3, 5.0])
            world.later(None, in_s, lambda: self._ask(verb, number, seen=known))
        else:
            self._ask(verb, number, seen=known)
        then = {"pause": ["resume", "cancel"], "stop": ["stop"]}.get(verb)
        if then and chance.random() < 0.6:
            in_s = chance.choice([0.0, 0.3, 5.0, 30.0])
            world.later(None, in_s, lambda: self._then(chance.choice(then), number))

    def _then(self, verb: str, number: int) -> None:
        known = seen(view(self._world.shelf, number))
        self._ask(verb, number, seen=known)

    def _end(self) -> None:
        world, number = self._world, self._run()
        verb = world.chance.choice(["stop", "cancel", "cancel"])
        known = seen(view(world.shelf, number)) if world.chance.random() < 0.6 else None
        in_s = world.chance.choice([0.0, world.reading_s, 1.0])
        world.later(None, in_s, lambda: self._ask(verb, number, seen=known))

    def _limit(self) -> None:
        self._ask("limit", self._run(), said=self._world.chance.choice("126"))

    def _suppress(self) -> None:
        self._ask("suppress", self._run(), said=f"c{self._world.chance.randrange(4)}")

    def _doom(self) -> None:
        self._ask("doom", self._run())

    def _resolve(self, tries: int = 2) -> None:
        world, chance = self._world, self._world.chance
        places = [
            place
            for place, record in world.shelf.records.items()
            if record.state is RecordState.UNKNOWN
        ]
        if not places:
            if tries:
                world.later(None, 10.0, lambda: self._resolve(tries - 1))
            return
        number, seq = chance.choice(places)
        if chance.random() < 0.3:
            self._ask("look up", number, seq=seq)
            return
        word = chance.choice(["delivered", "not-delivered", "resend"])
        self._ask("resolve", number, seq=seq, said=word)

    def _jump(self) -> None:
        world = self._world
        ahead_ms = world.chance.choice([-3_600_000, -5_000, 4_000, 3_600_000])
        world.note(f"the clock jumps by {ahead_ms} ms")
        world.wall_offset_ms += ahead_ms
        world.ring()

    def _fill_disk(self) -> None:
        self._world.note("the disk is full for a while")
        self._world.refusals = self._world.chance.randint(1, 3)

    def _crash(self) -> None:
        world = self._world
        how = world.chance.random()
        if how < 0.5:
            # After its next commit, before anybody hears of it.
            world.crashes_in = world.chance.choice([1, 1, 2, 4])
        elif how < 0.7:
            world.replace()
        else:
            world.kill()

    def is_over(self) -> bool:
        """Whether every run has ended."""
        return all(
            run.lifecycle.phase is Phase.ENDED
            for run in self._world.shelf.runs.values()
        )
