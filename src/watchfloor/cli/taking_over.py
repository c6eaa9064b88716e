"""``engine --take-over``: ask the owner to let go; tell of one that is silent."""

from __future__ import annotations

import sys

from watchfloor.cli import compose
from watchfloor.cli.asking import asked, confirmed
from watchfloor.cli.lines import tell
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.taking_over import (
    ANSWER_S,
    LET_GO_S,
    SEIZE,
    TAKE_OVER,
    owner_words,
    seize_lines,
    take_over_lines,
    take_over_payload,
)
from watchfloor.domain.views import EngineView
from watchfloor.engine.operations import order
from watchfloor.engine.ownership import TAKES, Taking
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import is_owned
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import engine_view


def made_way(layout: Layout, *, yes: bool) -> Taking:
    """Ask whoever owns the workspace to let go; return how it is to be taken then.

    Raises:
        ConfigError: It was not confirmed, or the owner goes on; nothing was changed.
    """
    if not is_owned(layout):
        tell("No engine owns the workspace: there is nothing to take over.")
        return TAKES
    seen = _owner(layout)
    tell(f"The workspace is owned by {owner_words(seen, compose.now_ms())}.")
    for line in take_over_lines():
        tell(f"  {line}")
    question = f"Type {TAKE_OVER} to go on:"
    if not yes and not confirmed(question, TAKE_OVER):
        msg = "not confirmed; nothing was asked, and that engine goes on"
        raise ConfigError(msg)
    payload = take_over_payload(seen, compose.now_ms())
    around = compose.surroundings()
    command = order("take_over", "", compose.asker(), around, payload=payload)
    receipt = asked(layout, command, patience_s=ANSWER_S)
    if receipt.state == "refused":
        msg = f"the engine was not taken over: {receipt.detail}; nothing was changed"
        raise ConfigError(msg)
    if receipt.state != "asked":
        tell("That engine drains and lets go; this one waits for it.")
        return Taking(patience_s=LET_GO_S)
    return _passed_over(_owner(layout))


def _passed_over(seen: EngineView) -> Taking:
    """Let somebody decide about an owner that does not answer; never by an option."""
    tell(f"That engine did not answer within {ANSWER_S:.0f} s.")
    for line in seize_lines(seen, compose.now_ms()):
        tell(f"  {line}")
    if not sys.stdin.isatty():
        msg = (
            "the engine does not answer, and there is no terminal to decide on; "
            "nothing was changed. Run this in a terminal, or end that process first"
        )
        raise ConfigError(msg)
    if not confirmed(f"Type {SEIZE} to pass it over:", SEIZE):
        msg = "not confirmed; nothing was changed, and that engine keeps the workspace"
        raise ConfigError(msg)
    return Taking(seizes=True)


def _owner(layout: Layout) -> EngineView:
    with reading(layout) as connection:
        return engine_view(connection)
