"""Asking the engine from a verb: be sure, ask, wait, and say what became of it."""

from __future__ import annotations

import asyncio
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, tell
from watchfloor.cli.shapes import receipt_json
from watchfloor.cli.waiting import not_taken_words
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.views import Receipt
from watchfloor.engine.operations import asked_of_engine, order
from watchfloor.store.inbox import Command
from watchfloor.store.layout import Layout

#: For the acknowledgement; the command stays asked after that.
PATIENCE_S = 10.0
#: How often something that takes its time is looked at.
LOOK_S = 0.2


def is_answered(receipt: Receipt) -> bool:
    """Whether the engine has taken the command."""
    return receipt.state != "asked"


def is_settled(receipt: Receipt) -> bool:
    """Whether nothing of the command is under way any more."""
    return receipt.state == "settled"


def asked(
    layout: Layout,
    command: Command,
    *,
    until: Callable[[Receipt], bool] = is_answered,
    patience_s: float = PATIENCE_S,
) -> Receipt:
    """Ask, and wait for the answer; see ``operations.asked_of_engine``.

    The detail of one that nobody took in time says what it waits for.
    """
    receipt = asyncio.run(
        asked_of_engine(
            layout,
            command,
            compose.surroundings(),
            compose.owner(f"{command.verb} {command.run_id}".rstrip()),
            until=until,
            patience_s=patience_s,
        )
    )
    if receipt.state != "asked":
        return receipt
    return replace(receipt, detail=not_taken_words(layout))


def asked_until(holds: Callable[[], bool], patience_s: float) -> bool:
    """Look now and then until something holds; return whether it does."""
    around = compose.surroundings()
    give_up = around.monotonic_s() + patience_s
    while not (held := holds()) and around.monotonic_s() < give_up:
        time.sleep(LOOK_S)
    return held


def order_of(
    options: Namespace,
    verb: str,
    run_id: str,
    payload: Mapping[str, object] | None = None,
) -> Command:
    """Return a command that needs no preview, with the reason that was given."""
    return order(
        verb,
        run_id,
        compose.asker(),
        compose.surroundings(),
        why=options.reason,
        payload=payload,
    )


def report(receipt: Receipt, *, as_json: bool) -> int:
    """Print what became of a command and return its exit code."""
    if as_json:
        answer_json(receipt_json(receipt))
    elif receipt.state == "refused":
        answer(f"refused {receipt.refusal}")
        tell(receipt.detail)
    elif receipt.state == "asked":
        answer("asked")
        tell(receipt.detail)
    else:
        answer(f"{receipt.verb} {receipt.state}")
    return exits.REFUSED if receipt.state == "refused" else exits.DONE


def confirmed(question: str, expected: str) -> bool:
    """Ask on the terminal; only the very word that was asked for is a yes.

    Raises:
        ConfigError: There is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        msg = "there is no terminal to ask on; nothing was done. Add --yes to mean it"
        raise ConfigError(msg)
    print(question, end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == expected
