"""A desk that tells no screen who anybody is: for a picture that leaves the house."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Protocol, cast

from watchfloor.console.desk import Desk
from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.live import Pulse
from watchfloor.domain.runbook import Triage
from watchfloor.domain.views import Overview

#: What a picture may ask; whatever else there is, is refused.
_READS = frozenset(
    {
        *("overview", "pulse", "run", "records", "callbacks", "results", "journey"),
        *("events", "live", "charts", "unknowns", "audit", "close"),
        *("receipt",),
    }
)
#: Values by name of which nothing may be seen.
_LEFT_OUT = {"fields": {}, "origin": "", "host": "host", "key": ""}


class Discretion(Protocol):
    """The door that texts leave by."""

    def person(self, contact: str) -> str:
        """Return what stands for a contact."""
        ...

    def text(self, text: str, limit: int = 500) -> str:
        """Return a text without people and secrets."""
        ...


class DiscreetDesk:
    """Asks another desk about one run and tells what may leave.

    Args:
        desk: Who knows.
        run_id: The only run that is told of.
        discretion: The door out.
        judged: The run's triage, which is not asked for again.
    """

    def __init__(
        self, desk: Desk, run_id: str, discretion: Discretion, judged: Triage
    ) -> None:
        self._desk = desk
        self._judged = judged
        self._run_id = run_id
        self._discretion = discretion

    @property
    def as_desk(self) -> Desk:
        """Itself, as screens know it: every question is answered or refused."""
        return cast("Desk", self)

    async def triage(self, run_id: str, *, watch_s: float = 0.0) -> Triage:  # noqa: ARG002 - as a desk is asked
        """Return the triage that stands beside the picture."""
        told: Triage = self._told(self._judged)
        return told

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any question of the desk
        question = getattr(self._desk, name)

        async def told(*args: object, **wishes: object) -> object:
            if name not in _READS:
                raise RefusedError(Refusal.READ_ONLY)
            return self._told(await question(*args, **wishes))

        return told

    def _told(self, value: Any, name: str = "") -> Any:  # noqa: ANN401 - any answer of the desk
        if name in _LEFT_OUT and value:
            return _LEFT_OUT[name]
        if isinstance(value, Enum) or value is None:
            return value
        if isinstance(value, str):
            is_person = name == "contact"
            speaks = self._discretion
            return speaks.person(value) if is_person else speaks.text(value, 2_000)
        if isinstance(value, Overview):
            mine = tuple(run for run in value.runs if run.run_id == self._run_id)
            value = replace(value, runs=mine)
        if isinstance(value, Pulse):
            # A picture is nobody's session: its console is what it was opened as.
            value = replace(value, role=None, name="")
        if is_dataclass(value) and not isinstance(value, type):
            known = {
                one.name: getattr(value, one.name) for one in fields(value) if one.init
            }
            return replace(
                value, **{key: self._told(one, key) for key, one in known.items()}
            )
        return self._each(value)

    def _each(self, value: Any) -> Any:  # noqa: ANN401 - any answer of the desk
        if isinstance(value, Mapping):
            return {self._told(key): self._told(one) for key, one in value.items()}
        if isinstance(value, tuple):
            names = getattr(value, "_fields", ("",) * len(value))
            parts = [self._told(one, at) for at, one in zip(names, value, strict=True)]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        if isinstance(value, (list, set, frozenset)):
            return type(value)(self._told(one) for one in value)
        return value
