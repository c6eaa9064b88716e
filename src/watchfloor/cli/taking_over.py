"""``engine --take-over``: ask the owner to let go; tell of one that is silent."""

from __future__ import annotations

import sys
from typing import Final

from watchfloor.cli import compose
from watchfloor.cli.asking import asked, asked_until, confirmed
from watchfloor.cli.lines import tell
from watchfloor.domain.draining import Drain, wait_s
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.taking_over import (
    ANSWER_S,
    LET_GO_S,
    SEIZE,
    TAKE_OVER,
    drain_lines,
    ending_said,
    not_taken_said,
    owner_words,
    seize_lines,
    take_over_lines,
    take_over_payload,
)
from watchfloor.domain.views import EngineView, Receipt
from watchfloor.engine.operations import order
from watchfloor.engine.ownership import TAKES, Taking
from watchfloor.store.layout import Layout
from watchfloor.store.lock_text import all_told_in
from watchfloor.store.owner_sign import is_owned
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import seen_engine

#: An engine that was asked to let go tells within a moment until when it drains.
_TOLD_S: Final = 2.0
#: Beyond that, for the lock to be let go of.
_MARGIN_S: Final = 5.0


def made_way(layout: Layout, *, yes: bool) -> Taking:
    """Ask whoever owns the workspace to let go; return how it is to be taken then.

    Raises:
        ConfigError: It was not confirmed, or the owner goes on; nothing was changed.
    """
    if not is_owned(layout):
        tell("No engine owns the workspace: there is nothing to take over.")
        return TAKES
    seen, now_ms = _owner(layout), compose.now_ms()
    tell(f"The workspace is owned by {owner_words(seen, now_ms)}.")
    if seen.drain is not None:
        return _waits_for(layout, seen.drain)
    for line in take_over_lines():
        tell(f"  {line}")
    question = f"Type {TAKE_OVER} to go on:"
    if not yes and not confirmed(question, TAKE_OVER):
        left = _left(layout, "that engine goes on")
        msg = f"not confirmed; nothing was asked, and {left}"
        raise ConfigError(msg)
    return _answered(layout, _asked(layout, seen))


def _answered(layout: Layout, receipt: Receipt) -> Taking:
    """Return how the workspace is to be taken after what became of asking for it."""
    if not is_owned(layout):
        return _ended()
    if receipt.state == "refused":
        msg = f"the engine was not taken over: {receipt.detail}; nothing was changed"
        raise ConfigError(msg)
    if receipt.state != "asked":
        tell("That engine drains and lets go; this one waits for it.")
        return Taking(patience_s=patience_for(layout))
    seen = _owner(layout)
    if seen.drain is not None:
        return _waits_for(layout, seen.drain)
    return _passed_over(layout, seen)


def patience_for(layout: Layout) -> float:
    """Return for how many seconds to wait for an owner that is to let go.

    It tells itself for how long it drains at most.
    """

    def is_told() -> bool:
        return all_told_in(layout.lock).drain is not None or not is_owned(layout)

    asked_until(is_told, _TOLD_S)
    drain = all_told_in(layout.lock).drain
    if drain is None:
        return LET_GO_S
    return max(LET_GO_S, wait_s(drain, compose.now_ms()) + _MARGIN_S)


def _asked(layout: Layout, seen: EngineView) -> Receipt:
    payload = take_over_payload(seen, compose.now_ms())
    around = compose.surroundings()
    command = order("take_over", "", compose.asker(), around, payload=payload)
    return asked(layout, command, patience_s=ANSWER_S)


def _waits_for(layout: Layout, drain: Drain) -> Taking:
    for line in drain_lines(drain, compose.now_ms()):
        tell(f"  {line}")
    return Taking(patience_s=patience_for(layout))


def _ended() -> Taking:
    tell("That engine has ended meanwhile; this one starts.")
    return TAKES


def _left(layout: Layout, stays: str) -> str:
    """Return what becomes of an engine that nobody took over."""
    if is_owned(layout):
        return stays
    return "that engine has ended meanwhile; start one: watchfloor engine"


def _passed_over(layout: Layout, seen: EngineView) -> Taking:
    """Let somebody decide about an owner that does not answer; never by an option."""
    tell(f"That engine did not answer within {ANSWER_S:.0f} s.")
    for line in seize_lines(seen, compose.now_ms()):
        tell(f"  {line}")
    if not sys.stdin.isatty():
        msg = (
            "the engine does not answer, and there is no terminal to decide on; "
            "nothing was changed. Run this in a terminal, or first "
            f"{ending_said(seen)}"
        )
        raise ConfigError(msg)
    is_meant = confirmed(f"Type {SEIZE} to pass it over:", SEIZE)
    if is_meant and not is_owned(layout):
        return _ended()
    if not is_meant:
        left = _left(layout, "that engine keeps the workspace")
        msg = f"not confirmed; nothing was changed, and {left}"
        raise ConfigError(msg)
    # It may have woken meanwhile; one that beats is refused where it would be passed.
    drain = _owner(layout).drain
    return Taking(seizes=True) if drain is None else _waits_for(layout, drain)


def _owner(layout: Layout) -> EngineView:
    """Return who owns the workspace and is to be asked.

    Raises:
        ConfigError: Another process holds it, which hears of nothing yet.
    """
    with reading(layout) as connection:
        seen = seen_engine(connection, compose.now_ms(), layout)
    if seen.holder:
        raise ConfigError(not_taken_said(seen.holder))
    return seen
