"""A channel that contacts nobody: outcomes are a function of seed, contact, attempt.

The same audience gives the same outcomes on every machine, so a demonstration, a
rehearsal and a bug report can be replayed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Annotated, Literal, Self
from zlib import crc32

from pydantic import Field, model_validator

from watchfloor.channels.base import NoAnswerError
from watchfloor.channels.control_file import REREAD_S, WELL, ControlFile
from watchfloor.channels.settings import (
    DeliveryWord,
    DurationMs,
    PositiveDurationMs,
    Settings,
    checked,
)
from watchfloor.domain.outcomes import Delivery, Dispatch, Outcome, OutcomeClass

MARGIN_S = 2.0

_SPAN = 1 << 32
_MASK = _SPAN - 1

DELIVERED = Outcome(outcome_class=OutcomeClass.DELIVERED, code="simulated")
TRANSIENT = Outcome(outcome_class=OutcomeClass.TRANSIENT, code="provider_busy")
PERMANENT = Outcome(outcome_class=OutcomeClass.PERMANENT, code="no_such_contact")
AMBIGUOUS = Outcome(outcome_class=OutcomeClass.AMBIGUOUS, code="no_reply")
TIMED_OUT = Outcome(outcome_class=OutcomeClass.AMBIGUOUS, code="timeout")
DOWN = Outcome(outcome_class=OutcomeClass.TRANSIENT, code="provider_down")

_LOOKED_UP = {
    "delivered": DELIVERED,
    "not_delivered": Outcome(
        outcome_class=OutcomeClass.TRANSIENT, code="never_received"
    ),
    "permanent": PERMANENT,
}

Act = Literal[
    "delivered", "transient", "permanent", "callback", "ambiguous", "hang", "crash"
]
LookUpAct = Literal["delivered", "not_delivered", "permanent", "unknown", "down"]
Share = Annotated[float, Field(ge=0, le=1)]


class Shares(Settings):
    """Of all first attempts, which part ends how; the rest is delivered."""

    transient: Share = 0.0
    permanent: Share = 0.0
    callback: Share = 0.0
    ambiguous: Share = 0.0

    @model_validator(mode="after")
    def _fit(self) -> Self:
        total = self.transient + self.permanent + self.callback + self.ambiguous
        # Ten tenths in floating point are a little more or less than one.
        if total > 1 + 1e-9:
            msg = f"add up to {total:g}; together they may be at most 1"
            raise ValueError(msg)
        return self


class LookUpShares(Settings):
    """Of all contacts that are asked about, which part was delivered, or was not.

    The rest the simulated provider does not know either. A contact with a script of
    its own is answered for by that.
    """

    delivered: Share = 0.0
    not_delivered: Share = 0.0
    script: dict[str, LookUpAct] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fit(self) -> Self:
        total = self.delivered + self.not_delivered
        if total > 1 + 1e-9:
            msg = f"add up to {total:g}; together they may be at most 1"
            raise ValueError(msg)
        return self


class SimulatorSettings(Settings):
    """What the simulated provider does."""

    seed: int = 1
    latency_ms: DurationMs = Field(default=0, alias="latency")
    jitter_ms: DurationMs = Field(default=0, alias="jitter")
    timeout_ms: PositiveDurationMs = Field(default=30_000, alias="timeout")
    shares: Shares = Shares()
    callback_after_ms: DurationMs = Field(default=60_000, alias="callback_after")
    look_up: LookUpShares | None = None
    script: dict[str, Annotated[list[Act], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    control: str = ""
    delivery: DeliveryWord = "idempotent"


class SimulatorChannel:
    """Pretend to contact.

    A contact is permanent or not, once and for all; the rest is drawn anew for each
    attempt, so that a retry of a transient failure usually succeeds.

    Args:
        settings: See ``SimulatorSettings``.
        clock: Seconds since 1970 UTC, for when a callback is due.
    """

    def __init__(
        self, settings: Mapping[str, object], clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = checked(SimulatorSettings, settings)
        self._clock = clock
        control = self._settings.control
        self._control = ControlFile(control) if control else None
        self._salt = crc32(str(self._settings.seed).encode())
        self._is_instant = not (
            self._settings.latency_ms
            or self._settings.jitter_ms
            or self._settings.script
            or control
        )
        shares = self._settings.shares
        self._permanent_below = int(shares.permanent * _SPAN)
        # The other shares are of all contacts too, but drawn among the rest only.
        rest = max(1 - shares.permanent, 1e-9)
        self._transient_below = int(shares.transient / rest * _SPAN)
        self._ambiguous_below = self._transient_below + int(
            shares.ambiguous / rest * _SPAN
        )
        self._callback_below = self._ambiguous_below + int(
            shares.callback / rest * _SPAN
        )

    @property
    def delivery(self) -> Delivery:
        """As the settings say."""
        return Delivery(self._settings.delivery)

    @property
    def deadline_s(self) -> float:
        """The time-out and a margin."""
        return self._settings.timeout_ms / 1000 + MARGIN_S

    @property
    def placeholders(self) -> frozenset[str]:
        """None: the simulator has no templates."""
        return frozenset()

    @property
    def target(self) -> str:
        """Nothing: no provider can fail behind it."""
        return ""

    def rendered(self, dispatch: Dispatch) -> Mapping[str, object]:
        """Return the act and the latency, as they are while the provider is well."""
        return {
            "contact": dispatch.contact,
            "act": self._scripted(dispatch) or self._lots_act(dispatch),
            "latency_ms": round(self._pause_ms(dispatch)),
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    async def deliver(self, dispatch: Dispatch) -> Outcome:
        """Look the outcome up; wait only if the settings ask for it.

        Raises:
            RuntimeError: The script says ``crash``.
        """
        if self._is_instant:
            return self._drawn(dispatch)
        act = self._scripted(dispatch)
        if act == "crash":
            msg = f"the simulator's script crashes attempt {dispatch.number}"
            raise RuntimeError(msg)
        if act == "hang":
            await asyncio.sleep(self._settings.timeout_ms / 1000)
            return TIMED_OUT
        return await self._answered(act, dispatch)

    async def _answered(self, act: Act | None, dispatch: Dispatch) -> Outcome:
        loop = asyncio.get_running_loop()
        gives_up_at = loop.time() + self._settings.timeout_ms / 1000
        health = self._control.health(loop.time()) if self._control else WELL
        while self._control and health.mode == "hang":
            left_s = gives_up_at - loop.time()
            if left_s <= 0:
                return TIMED_OUT
            await asyncio.sleep(min(left_s, REREAD_S))
            health = self._control.health(loop.time())
        if health.mode == "fail":
            return DOWN
        pause_s = self._pause_ms(dispatch) / 1000
        if health.mode == "slow":
            pause_s += health.latency / 1000
        left_s = max(gives_up_at - loop.time(), 0)
        if pause_s > 0:
            await asyncio.sleep(min(pause_s, left_s))
        if pause_s > left_s:
            return TIMED_OUT
        return self._drawn(dispatch) if act is None else self._outcome(act)

    @property
    def can_look_up(self) -> bool:
        """Whether the settings say what the provider would answer."""
        return self._settings.look_up is not None

    async def look_up(self, dispatch: Dispatch) -> Outcome | None:
        """Answer as the settings say: a function of seed and contact.

        Raises:
            NoAnswerError: The script says ``down``, or the control file that the
                provider is.
            RuntimeError: The settings say nothing of look-ups.
        """
        shares = self._settings.look_up
        if shares is None:
            raise RuntimeError("the simulator's settings have no look_up")
        loop = asyncio.get_running_loop()
        health = self._control.health(loop.time()) if self._control else WELL
        act = shares.script.get(dispatch.contact) or self._looked_up_act(
            dispatch.contact, shares
        )
        if act == "down" or health.mode in ("fail", "hang"):
            raise NoAnswerError("the simulated provider is down")
        await asyncio.sleep(self._settings.latency_ms / 1000)
        return _LOOKED_UP.get(act)

    def _looked_up_act(self, contact: str, shares: LookUpShares) -> LookUpAct:
        lot = _mixed(~self._lot(contact), 0) / _SPAN
        if lot < shares.delivered:
            return "delivered"
        is_not = lot < shares.delivered + shares.not_delivered
        return "not_delivered" if is_not else "unknown"

    def _scripted(self, dispatch: Dispatch) -> Act | None:
        acts = self._settings.script.get(dispatch.contact)
        return acts[min(dispatch.number, len(acts)) - 1] if acts else None

    def _pause_ms(self, dispatch: Dispatch) -> float:
        jitter = self._settings.jitter_ms
        if not jitter:
            return self._settings.latency_ms
        lot = _mixed(~self._lot(dispatch.contact), dispatch.number)
        return self._settings.latency_ms + jitter * lot / _SPAN

    def _drawn(self, dispatch: Dispatch) -> Outcome:
        return self._outcome(self._lots_act(dispatch))

    def _lots_act(self, dispatch: Dispatch) -> Act:
        lot = self._lot(dispatch.contact)
        if lot < self._permanent_below:
            return "permanent"
        again = _mixed(lot, dispatch.number)
        if again >= self._callback_below:
            return "delivered"
        if again < self._transient_below:
            return "transient"
        return "ambiguous" if again < self._ambiguous_below else "callback"

    def _lot(self, contact: str) -> int:
        return _mixed(crc32(contact.encode(), self._salt), 0)

    def _outcome(self, act: Act) -> Outcome:
        match act:
            case "transient":
                return TRANSIENT
            case "permanent":
                return PERMANENT
            case "ambiguous":
                return AMBIGUOUS
            case "callback":
                now_ms = int(self._clock() * 1000)
                return Outcome(
                    outcome_class=OutcomeClass.CALLBACK,
                    code="asked_for_later",
                    due_at_ms=now_ms + self._settings.callback_after_ms,
                )
            case _:
                return DELIVERED


def _mixed(lot: int, number: int) -> int:
    # A checksum is linear: without this, one attempt's lot would fix all the others
    # of the same contact (finaliser after Mueller, "lowbias32").
    lot = (lot ^ number * 0x9E3779B1) & _MASK
    lot = ((lot ^ lot >> 16) * 0x21F0AAAD) & _MASK
    lot = ((lot ^ lot >> 15) * 0x735A2D97) & _MASK
    return lot ^ lot >> 15
