"""Contacting a record by a function that a team brings along: ``module:function``.

The function gets a ``Dispatch`` and answers how the attempt ended: with an ``Outcome``,
with a dictionary as a webhook would reply it, or with a class's bare word.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Annotated, Self, cast

from pydantic import AfterValidator, Field

from watchfloor.channels.replies import (
    Reply,
    ReplyRules,
    outcome_of_reply,
    snake_case,
)
from watchfloor.channels.secrets import check_reference, is_reference, redacted
from watchfloor.channels.secrets import resolved as resolved_secret
from watchfloor.channels.settings import (
    DeliveryWord,
    MistakesError,
    PositiveDurationMs,
    Settings,
    checked,
)
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import Delivery, Dispatch, Outcome, OutcomeClass
from watchfloor.domain.text import clean

MARGIN_S = 2.0
DETAIL_LENGTH = 500

Call = Callable[..., Awaitable[object]]

_PLACE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_WORDS = frozenset(one.word for one in OutcomeClass)


def _place(text: str) -> str:
    if not _PLACE.fullmatch(text):
        raise ValueError("must name a function like 'package.module:function'")
    return text


def _arguments(given: dict[str, object]) -> dict[str, object]:
    mistakes = []
    for name, value in given.items():
        if not name.isidentifier():
            mistakes.append((f".{name!r:.40}", "is no name of an argument"))
        elif isinstance(value, str) and is_reference(value):
            try:
                check_reference(value)
            except ValueError as error:
                mistakes.append((f".{name}", str(error)))
    if mistakes:
        raise MistakesError(mistakes)
    return given


class PythonSettings(Settings):
    """Which function is called, with what besides the record."""

    call: Annotated[str, AfterValidator(_place)]
    timeout_ms: PositiveDurationMs = Field(default=30_000, alias="timeout")
    delivery: DeliveryWord = "at_most_once"
    settings: Annotated[dict[str, object], AfterValidator(_arguments)] = Field(
        default_factory=dict
    )


class PythonChannel:
    """Call one function per attempt.

    Args:
        settings: See ``PythonSettings``.
        clock: Seconds since 1970 UTC, for a wish to be tried again at a date.
    """

    def __init__(
        self, settings: Mapping[str, object], clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = checked(PythonSettings, settings)
        self._clock = clock
        self._call: Call | None = None
        self._arguments: Mapping[str, object] = {}
        self._rules = ReplyRules()

    @property
    def delivery(self) -> Delivery:
        """As the settings say; idempotent means the function honours the key."""
        return Delivery(self._settings.delivery)

    @property
    def deadline_s(self) -> float:
        """The time-out and a margin."""
        return self._settings.timeout_ms / 1000 + MARGIN_S

    @property
    def placeholders(self) -> frozenset[str]:
        """None: the function takes from the record what it likes."""
        return frozenset()

    @property
    def target(self) -> str:
        """The function's place."""
        return self._settings.call

    def rendered(self, dispatch: Dispatch) -> Mapping[str, object]:
        """Return what the function is given: contact, key, fields and settings."""
        return {
            "call": self._settings.call,
            "contact": dispatch.contact,
            "key": dispatch.key,
            "fields": dict(dispatch.fields),
            # TOML knows moments; JSON and screens know their text.
            "settings": json.loads(json.dumps(self._settings.settings, default=str)),
        }

    async def __aenter__(self) -> Self:
        # An import may take seconds, and other runs share the loop.
        call = await asyncio.to_thread(_imported, self._settings.call)
        given = {
            name: resolved_secret(value, f"settings.{name}")
            for name, value in self._settings.settings.items()
            if isinstance(value, str)
        }
        secrets = tuple(
            secret
            for name, secret in given.items()
            if secret != self._settings.settings[name]
        )
        self._arguments = {**self._settings.settings, **given}
        self._rules = ReplyRules(secrets=secrets)
        self._call = call
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._call = None
        self._arguments = {}
        self._rules = ReplyRules()

    async def deliver(self, dispatch: Dispatch) -> Outcome:
        """Call the function once and read its answer.

        Raises:
            RuntimeError: The channel is not open; nothing was called.
        """
        if self._call is None:
            raise RuntimeError("the python channel is not open")
        record = replace(dispatch, fields=MappingProxyType(dict(dispatch.fields)))
        limit = asyncio.timeout(self._settings.timeout_ms / 1000)
        try:
            async with limit:
                answer = await self._call(record, **self._arguments)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return self._unknown("raised", "CancelledError")
        # A function's exit must end an attempt, never the engine.
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's function may raise anything
            if limit.expired():
                return self._unknown("timeout", "no answer within the time-out")
            return self._unknown("raised", f"{type(error).__name__}: {_text_of(error)}")
        return self._read(answer)

    def _read(self, answer: object) -> Outcome:
        if isinstance(answer, Outcome):
            return self._discreet(answer)
        told = {"outcome": answer} if isinstance(answer, str) else answer
        if not isinstance(told, Mapping) or not _is_word(told.get("outcome")):
            return self._unknown("bad_answer", _advice(answer))
        try:
            body = json.dumps(
                {"code": told["outcome"], **told}, default=_moment
            ).encode()
        except (TypeError, ValueError, RecursionError):
            return self._unknown("bad_answer", "the answer cannot be written as JSON")
        wish = str(told.get("retry_after", ""))
        reply = Reply(status=200, retry_after=wish, body=body)
        return outcome_of_reply(reply, self._rules, self._clock())

    def _discreet(self, answer: Outcome) -> Outcome:
        """Return a function's own outcome without the secrets it was given."""
        hidden = self._rules.hidden
        if not hidden:
            return answer
        return replace(
            answer,
            code=snake_case(redacted(answer.code, hidden)) if answer.code else "",
            detail=redacted(answer.detail, hidden),
            provider_id=redacted(answer.provider_id, hidden),
            run_fault=redacted(answer.run_fault, hidden),
        )

    def _unknown(self, code: str, detail: str) -> Outcome:
        said = clean(redacted(detail, self._rules.hidden), DETAIL_LENGTH)
        return Outcome(outcome_class=OutcomeClass.AMBIGUOUS, code=code, detail=said)


def _imported(place: str) -> Call:
    module_name, _, name = place.partition(":")
    try:
        found: object = getattr(importlib.import_module(module_name), name)
    except ModuleNotFoundError as error:
        why = f"there is no module {error.name!r} on Python's path; install it"
    except AttributeError:
        why = f"module {module_name!r} has no {name!r}; write the name of a function"
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything
        why = f"its module fails: {type(error).__name__}: {clean(_text_of(error), 200)}"
    else:
        if _is_async(found):
            return cast("Call", found)
        why = (
            "it is no async function; write 'async def', and put what blocks into "
            "asyncio.to_thread"
        )
    msg = f"call: {place} cannot be used: {why}; nobody was contacted"
    raise ConfigError(msg)


def _is_async(found: object) -> bool:
    if inspect.isclass(found):
        return False
    return inspect.iscoroutinefunction(found) or inspect.iscoroutinefunction(
        getattr(found, "__call__", None)  # noqa: B004 - its kind is asked, not whether it is there
    )


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value in _WORDS


def _advice(answer: object) -> str:
    return (
        f"answered {type(answer).__name__}, which does not say how it ended; answer an "
        f"Outcome, a dict with 'outcome', or one of {', '.join(sorted(_WORDS))}"
    )


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a stranger's error may not be printable
        return "no text"
