"""Faults that are planted in a forked engine, which the harness must find.

Each breaks one promise in a way that only a kill brings to light.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.kills.promises import Breach

from watchfloor.domain.outcomes import Delivery
from watchfloor.engine import recovery
from watchfloor.engine.dispatcher import Dispatcher
from watchfloor.store.inbox import Command, Inbox


class Plant(NamedTuple):
    """A fault: how it comes in, where to kill so that it shows, and as what."""

    comes_in: Callable[[], None]
    points: Sequence[str]
    breach: Breach


def _replace(owner: Any, name: str, planted: object) -> None:
    setattr(owner, name, planted)


def _sent_again() -> None:
    """What may have left is sent again, whatever the channel promises."""
    close: Callable[..., None] = recovery._close

    def close_as_honoured(*args: Any) -> None:
        close(*args[:-1], Delivery.IDEMPOTENT)

    _replace(recovery, "_close", close_as_honoured)


def _forgotten_first() -> None:
    """A command leaves the inbox before its answer is stored."""
    owners = Inbox.owners

    def waiting_no_more(inbox: Inbox) -> list[Command]:
        found = owners(inbox)
        inbox.forget([one.command_id for one in found])
        return found

    _replace(Inbox, "owners", waiting_no_more)


def _not_held() -> None:
    """The gate stays open when a pause is answered."""

    def hold(dispatcher: Dispatcher) -> None:
        """Close nothing."""

    _replace(Dispatcher, "hold", hold)
    _replace(Dispatcher, "is_open", True)


#: An engine that was paused, and has nothing left to do, is about to let go.
_LETS_GO = ("engine: lets go",) * 9
_SENT = ("send: headers out", "send: reply read", "outcome: in hand")

PLANTS: Mapping[str, Plant] = {
    "what may have left is sent again": Plant(_sent_again, _SENT, Breach.DUPLICATED),
    "a command is forgotten before it is stored": Plant(
        _forgotten_first, ("command: before the commit",), Breach.COMMAND
    ),
    "a pause is answered and the gate stays open": Plant(
        _not_held, _LETS_GO, Breach.CONTROL
    ),
}
