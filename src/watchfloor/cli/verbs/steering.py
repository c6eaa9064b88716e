"""``pause``, ``resume``, ``stop`` and ``cancel``: preview, confirm, ask, answer."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, tell
from watchfloor.cli.shapes import receipt_json
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.previews import Preview
from watchfloor.domain.regions import Verb
from watchfloor.domain.text import clean
from watchfloor.domain.views import Receipt
from watchfloor.engine.desk import preview_of
from watchfloor.engine.operations import asked_of_engine, steering_command
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import run_view

#: For the acknowledgement; the command stays asked after that.
PATIENCE_S = 10.0
#: For settling, with ``--wait``: attempts in flight take what their channel allows.
SETTLE_PATIENCE_S = 3_600.0


def pause(options: Namespace) -> int:
    """Ask for a pause."""
    return _steer(options, Verb.PAUSE)


def resume(options: Namespace) -> int:
    """Ask for the run to go on."""
    return _steer(options, Verb.RESUME)


def stop(options: Namespace) -> int:
    """Ask for the run to end, its promises kept."""
    return _steer(options, Verb.STOP)


def cancel(options: Namespace) -> int:
    """Ask for the run to end, its promises dropped."""
    return _steer(options, Verb.CANCEL)


def _steer(options: Namespace, verb: Verb) -> int:
    layout = compose.layout(options)
    with reading(layout) as connection:
        run = run_view(connection, full_id(connection, options.run))
        seen = preview_of(connection, verb, run.run_id)
    if not options.yes and seen.refusal is None and not _confirmed(seen):
        tell("Nothing was asked; nothing was changed.")
        return exits.REFUSED
    around = compose.surroundings()
    command = steering_command(seen, compose.asker(), options.reason, around)
    receipt = asyncio.run(
        asked_of_engine(
            layout,
            command,
            around,
            compose.owner(f"{verb} {run.run_id}"),
            until=_is_settled if options.wait else _is_answered,
            patience_s=SETTLE_PATIENCE_S if options.wait else PATIENCE_S,
        )
    )
    return report(receipt, as_json=options.json)


def report(receipt: Receipt, *, as_json: bool) -> int:
    """Print what became of a command and return its exit code."""
    if as_json:
        answer_json(receipt_json(receipt))
    elif receipt.state == "refused":
        answer(f"refused {receipt.refusal}")
        tell(receipt.detail)
    elif receipt.state == "asked":
        answer("asked")
        tell("The command is stored; the engine has not taken it yet.")
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


def _confirmed(seen: Preview) -> bool:
    tell(f"{seen.verb} {seen.run_id} ({clean(seen.campaign_name)}), now {seen.label}:")
    for line in seen.lines:
        tell(f"  {line}")
    if seen.typed:
        return confirmed(f"Type {seen.typed} to confirm:", seen.typed)
    return confirmed(f"Type yes to {seen.verb}:", "yes")


def _is_answered(receipt: Receipt) -> bool:
    return receipt.state != "asked"


def _is_settled(receipt: Receipt) -> bool:
    return receipt.state == "settled"
