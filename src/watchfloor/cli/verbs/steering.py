"""``pause``, ``resume``, ``stop`` and ``cancel``: preview, confirm, ask, answer."""

from __future__ import annotations

from argparse import Namespace

from watchfloor.cli import compose, exits
from watchfloor.cli.asking import (
    PATIENCE_S,
    asked,
    confirmed,
    is_answered,
    is_settled,
    report,
)
from watchfloor.cli.lines import tell
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.previews import Preview
from watchfloor.domain.regions import Verb
from watchfloor.domain.text import clean
from watchfloor.engine.desk_reads import preview_of
from watchfloor.engine.operations import steering_command
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import run_view

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
    # Whoever is not asked must have said beforehand what would have to be typed.
    typed = options.confirm if options.yes else seen.typed
    command = steering_command(
        seen, compose.asker(), options.reason, around, typed=typed
    )
    receipt = asked(
        layout,
        command,
        until=is_settled if options.wait else is_answered,
        patience_s=SETTLE_PATIENCE_S if options.wait else PATIENCE_S,
    )
    return report(receipt, as_json=options.json)


def _confirmed(seen: Preview) -> bool:
    tell(f"{seen.verb} {seen.run_id} ({clean(seen.campaign_name)}), now {seen.label}:")
    for line in seen.lines:
        tell(f"  {line}")
    if seen.typed:
        return confirmed(f"Type {seen.typed} to confirm:", seen.typed)
    return confirmed(f"Type yes to {seen.verb}:", "yes")
