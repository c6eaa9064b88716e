"""The provider of the world, and the channel through which it is reached.

The provider counts what it gets by key; whether it answers, and what, is drawn. It
knows nothing of the engine's mind: what it saw is what really happened.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import ClassVar, NamedTuple, Self

from watchfloor.domain.outcomes import Delivery, Dispatch, Outcome, OutcomeClass

DEADLINE_S = 20.0

#: Answers after which the provider has done nothing for the contact.
REFUSED = frozenset({"busy", "limit", "down", "unauthorised"})


class Arrival(NamedTuple):
    """One request as the provider got it, and what it does with it."""

    at_s: float
    wall_ms: int
    life: int
    dispatch: Dispatch
    body: str
    kind: str


@dataclass(slots=True)
class Provider:
    """Everything outside that an attempt can reach.

    Attributes:
        weights: How often it does what: see ``_ANSWERS``.
        arrivals: Every request, in order.
        effects: How often each key had its effect on a contact.
        flying: Requests that are not answered, by run.
        wishes: The last Retry-After or due time that a record's answer asked for.
    """

    chance: random.Random
    weights: Mapping[str, int]
    honours_keys: bool
    latency_s: tuple[float, float]
    now_s: Callable[[], float]
    wall_ms: Callable[[], int]
    on_arrival: Callable[[Arrival], None]
    note: Callable[[str], None]
    arrivals: list[Arrival] = field(default_factory=list)
    effects: dict[str, int] = field(default_factory=dict)
    flying: dict[tuple[int, str], int] = field(default_factory=dict)
    by_seq: dict[tuple[str, int], list[Arrival]] = field(default_factory=dict)
    told: dict[tuple[str, int, str], list[Outcome]] = field(default_factory=dict)

    async def deliver(self, life: int, dispatch: Dispatch) -> Outcome:
        """Take one request, and answer, late or never."""
        kinds = list(self.weights)
        kind = self.chance.choices(kinds, [self.weights[one] for one in kinds])[0]
        place = (life, dispatch.run_id)
        self.flying[place] = self.flying.get(place, 0) + 1
        try:
            return await self._served(life, dispatch, kind)
        finally:
            self.flying[place] -= 1

    async def _served(self, life: int, dispatch: Dispatch, kind: str) -> Outcome:
        takes_s = self.chance.uniform(*self.latency_s)
        body = json.dumps([dispatch.contact, dict(dispatch.fields), dispatch.step])
        if kind == "unreachable":
            self.note(f"{dispatch.run_id}/{dispatch.seq} unreachable")
            await asyncio.sleep(takes_s)
            return _transient("connect_refused", 0)
        if self.honours_keys and self.effects.get(dispatch.key):
            kind = "again"
        elif kind not in REFUSED:
            self.effects[dispatch.key] = self.effects.get(dispatch.key, 0) + 1
        seen = Arrival(self.now_s(), self.wall_ms(), life, dispatch, body, kind)
        who = f"{dispatch.run_id}/{dispatch.seq}"
        self.note(f"{who} {dispatch.step} #{dispatch.number} {kind}")
        self.on_arrival(seen)
        self.arrivals.append(seen)
        self.by_seq.setdefault((dispatch.run_id, dispatch.seq), []).append(seen)
        if kind == "hang":
            await asyncio.sleep(1e6)
        if kind == "late":
            takes_s += self.chance.uniform(5, DEADLINE_S + 30)
        await asyncio.sleep(takes_s)
        if kind == "bug":
            raise ZeroDivisionError("a bug in the channel")
        if kind == "garbage":
            return "ok"  # type: ignore[return-value]  # as a plug-in might
        outcome = self._answer(kind, seen)
        place = (dispatch.run_id, dispatch.seq, dispatch.step)
        self.told.setdefault(place, []).append(outcome)
        return outcome

    def _answer(self, kind: str, seen: Arrival) -> Outcome:
        if kind in _TRANSIENT:
            wish_ms = self.chance.choice([0, 0, 700, 3_000, 90_000])
            return _transient(_TRANSIENT[kind], wish_ms)
        if kind == "callback":
            due_ms = self.wall_ms() + self.chance.choice([0, 5_000, 120_000, 7_200_000])
            return Outcome(
                outcome_class=OutcomeClass.CALLBACK, code="later", due_at_ms=due_ms
            )
        outcome_class, code, more = _ANSWERS.get(kind, _ANSWERS["delivered"])
        return Outcome(
            outcome_class=outcome_class,
            code=code,
            provider_id=f"p-{seen.dispatch.key[-8:]}",
            run_fault=more if kind == "unauthorised" else "",
            suppress=more if kind == "bounce" else "",
        )


_TRANSIENT = {"busy": "http_503", "limit": "http_429", "down": "http_503"}
_ANSWERS = {
    "delivered": (OutcomeClass.DELIVERED, "ok", ""),
    "gone": (OutcomeClass.PERMANENT, "http_404", ""),
    "bounce": (OutcomeClass.PERMANENT, "smtp_5_1_1", "hard bounce 5.1.1"),
    "lost": (OutcomeClass.AMBIGUOUS, "reset_after_sent", ""),
    "unauthorised": (OutcomeClass.TRANSIENT, "http_401", "the provider says 401"),
}
#: Every kind there is, besides never reaching the provider.
KINDS = (
    *_ANSWERS,
    *_TRANSIENT,
    "unreachable",
    "callback",
    "late",
    "hang",
    "bug",
    "garbage",
)


def _transient(code: str, wish_ms: int) -> Outcome:
    return Outcome(
        outcome_class=OutcomeClass.TRANSIENT, code=code, retry_after_ms=wish_ms
    )


class WorldChannel:
    """The channel of every campaign in the world; ``promise`` is its only setting."""

    #: Who serves, and as which life's request; set by the world before each step.
    provider: ClassVar[Provider | None] = None
    life: ClassVar[int] = 0
    deadline_s = DEADLINE_S
    placeholders: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, settings: Mapping[str, object]) -> None:
        self.delivery = Delivery(str(settings["promise"]))
        self.target = str(settings.get("target", ""))
        self._life = WorldChannel.life

    def rendered(self, dispatch: Dispatch) -> Mapping[str, object]:
        return {"to": dispatch.contact}

    async def __aenter__(self) -> Self:
        await asyncio.sleep(0)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.sleep(0)

    async def deliver(self, dispatch: Dispatch) -> Outcome:
        provider = WorldChannel.provider
        assert provider is not None
        return await provider.deliver(self._life, dispatch)
