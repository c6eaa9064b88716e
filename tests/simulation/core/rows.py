"""What a core world keeps: rows as frozen values, and a shelf that outlives engines.

A transaction works on a copy of the shelf; its commit is one assignment. What is not
committed has never been.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from watchfloor.domain.books import REJECT_KEYS, Books
from watchfloor.domain.campaign import PauseWhen
from watchfloor.domain.canary import StageState
from watchfloor.domain.outcomes import Delivery, OutcomeClass
from watchfloor.domain.previews import Seen
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Lifecycle, Mode
from watchfloor.domain.retries import RetryPolicy
from watchfloor.domain.windows import Window

#: A run's number and a record's place in it.
Place: TypeAlias = tuple[int, int]


class Step(NamedTuple):
    """One step of a campaign.

    Attributes:
        after: For which outcome of the step before it is there; None for the first.
    """

    name: str
    delivery: Delivery
    policy: RetryPolicy
    after: RecordState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run's campaign asks for, and who stands on its upload.

    Attributes:
        target: What its breaker watches; runs may share one.
        rows: Of each row of the upload its contact and its zone; a contact that comes
            again is a duplicate, an empty one is invalid.
        filtered: Contacts that the campaign's filter leaves out.
        canary: Of a retry: its stages are opened one by one.
    """

    mode: Mode
    steps: tuple[Step, ...]
    target: str
    permits: int
    rate_per_s: float | None
    retry_share: float
    breaker_after: int
    pause_when: PauseWhen | None
    window: Window | None
    approve_after: int | None
    promise_ms: int
    rows: tuple[tuple[str, str], ...]
    filtered: frozenset[str]
    canary: bool


class Record(NamedTuple):
    """A record as its row has it."""

    seq: int
    contact: str
    zone: str
    state: RecordState = RecordState.PENDING
    step: int = 0
    attempts: int = 0
    base: int = 0
    interrupted: int = 0
    doubts: int = 0
    earlier: int = 0
    held: bool = False
    code: str = ""
    first_at_ms: int | None = None
    next_at_ms: int | None = None
    expires_at_ms: int | None = None

    def is_due(self, now_ms: int) -> bool:
        """Whether its own time has come; one without a time is always due."""
        return self.next_at_ms is None or self.next_at_ms <= now_ms

    def over(self, state: RecordState, code: str) -> Record:
        """Return the record as nobody will attempt it any more."""
        return self._replace(
            state=state, code=code, held=False, next_at_ms=None, expires_at_ms=None
        )


class Attempt(NamedTuple):
    """An attempt that is over."""

    number: int
    step: int
    epoch: int
    is_interrupted: bool
    started_at_ms: int
    ended_at_ms: int
    outcome_class: OutcomeClass
    code: str
    retry_after_ms: int = 0
    next_at_ms: int | None = None


class Order(NamedTuple):
    """What somebody asked for.

    Attributes:
        seen: What stood on the asker's screen; None where nobody looked.
        said: The word on an unknown record, the permits, or the contact.
    """

    order_id: str
    verb: str
    run: int
    seen: Seen | None = None
    seq: int = 0
    said: str = ""


class Stage(NamedTuple):
    """A canary's stage: the last record that it releases, and where it stands."""

    last_seq: int
    state: StageState


class Run(NamedTuple):
    """A run as its row has it.

    Attributes:
        asked: Whose command fills the intent slot.
        gate_by: Who closed the gate last.
        released_seq: The last record that a canary has released; None for all.
    """

    number: int
    plan: Plan
    permits: int
    lifecycle: Lifecycle
    version: int = 1
    cause: str = ""
    asked: Order | None = None
    gate_by: str = ""
    gate_why: str = ""
    approved_at_ms: int | None = None
    was_resumed: bool = False
    stages: tuple[Stage, ...] = ()
    released_seq: int | None = None
    read: int = 0
    invalid: int = 0
    duplicate: int = 0
    suppressed: int = 0
    filtered: int = 0
    unjudged: tuple[tuple[str, str], ...] = ()
    started: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the gate is."""
        return self.lifecycle.gate is Gate.OPEN

    @property
    def is_doomed(self) -> bool:
        """A fault of the run itself is stored; it ends failed once it is drained."""
        return bool(self.cause) and not self.lifecycle.is_ended

    @property
    def strictest(self) -> Delivery:
        """What its channels promise at least."""
        modes = {step.delivery for step in self.plan.steps}
        strict = Delivery.AT_MOST_ONCE
        return strict if strict in modes else Delivery.IDEMPOTENT


@dataclass(slots=True)
class Shelf:
    """What survives every crash.

    Attributes:
        attempts: Those that are over, by the record's place.
        answers: What became of each order: how far it is, or the name of a refusal.
        effects: How often each order had one.
        words: On which unknown records somebody gave a word, by place and attempt.
    """

    runs: dict[int, Run] = field(default_factory=dict)
    records: dict[Place, Record] = field(default_factory=dict)
    attempts: dict[Place, tuple[Attempt, ...]] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    effects: dict[str, int] = field(default_factory=dict)
    words: frozenset[tuple[int, int, int]] = frozenset()
    opted_out: frozenset[str] = frozenset()
    epoch: int = 0

    def copy(self) -> Shelf:
        """Return what a transaction works on."""
        return Shelf(
            dict(self.runs),
            dict(self.records),
            dict(self.attempts),
            dict(self.answers),
            dict(self.effects),
            self.words,
            self.opted_out,
            self.epoch,
        )

    def of_run(self, number: int) -> list[Record]:
        """Return a run's records, in order."""
        return [one for place, one in self.records.items() if place[0] == number]

    def books(self, number: int) -> Books:
        """Return a run's account, counted from its rows."""
        run = self.runs[number]
        states = bytes([one.state for one in self.of_run(number)])
        rejected = (run.invalid, run.duplicate, run.suppressed, run.filtered)
        return _account(run.read, rejected, len(run.unjudged), run.started, states)


@lru_cache(maxsize=10_000)
def _account(
    read: int, rejected: tuple[int, ...], unjudged: int, started: int, states: bytes
) -> Books:
    """Return the account of so many rows and of the states of all records.

    The same is asked for several times within a commit, and from one to the next.
    """
    return Books(
        extracted=read,
        unjudged=unjudged,
        records=len(states),
        attempts=started,
        **dict(zip(REJECT_KEYS, rejected, strict=True)),
        **{state.word: states.count(state) for state in RecordState},
    )


def drawn_plan(chance: random.Random, number: int) -> Plan:
    """Return what a run asks for, drawn."""
    delivery = chance.choice(list(Delivery))
    backoff_ms, most_ms = chance.choice([(500, 2_000), (2_000, 30_000)])
    policy = RetryPolicy(
        attempts=chance.choice([1, 2, 3, 4]),
        backoff_ms=backoff_ms,
        max_backoff_ms=most_ms,
    )
    steps = [Step("call", delivery, policy)]
    if chance.random() < 0.25:
        after = chance.choice([RecordState.FAILED, RecordState.DELIVERED])
        other = delivery if chance.random() < 0.5 else chance.choice(list(Delivery))
        steps.append(Step("text", other, policy, after))
    contacts = [f"c{place}" for place in range(chance.randint(3, 7))]
    zones = ("Europe/Berlin", "UTC", "America/New_York", "Asia/Tokyo")
    rows = [(contact, chance.choice(zones)) for contact in contacts]
    if chance.random() < 0.3:
        rows += [(contacts[0], "UTC"), ("", "UTC")]
    zone = chance.choice(["", "", "", "Europe/Berlin", "recipient"])
    opens, closes = chance.choice([(120, 240), (60, 121), (0, 180)])
    pause_when = PauseWhen(
        outcome_class=OutcomeClass.TRANSIENT, share=0.5, over_ms=60_000, at_least=6
    )
    return Plan(
        mode=Mode.STREAMING if chance.random() < 0.3 else Mode.EXTRACT_FIRST,
        steps=tuple(steps),
        target=chance.choice(["one", "one", f"own {number}"]),
        permits=chance.choice([1, 2, 3, 5]),
        rate_per_s=chance.choice([None, None, 2.0, 20.0]),
        retry_share=chance.choice([0.2, 0.5, 1.0]),
        breaker_after=chance.choice([0, 0, 4, 8]),
        pause_when=pause_when if chance.random() < 0.2 else None,
        window=None
        if not zone
        else Window(
            zone=zone,
            days=frozenset(range(7)),
            open_minute=opens,
            close_minute=closes,
        ),
        approve_after=3 if chance.random() < 0.15 else None,
        promise_ms=chance.choice([60_000, 10_800_000, 172_800_000]),
        rows=tuple(rows),
        filtered=frozenset(contacts[-1:]) if chance.random() < 0.2 else frozenset(),
        canary=chance.random() < 0.25,
    )
