"""``doctor``: check the workspace, one line a check, each with what to do next."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from typing import Final

from watchfloor.cli import compose, exits
from watchfloor.cli.checkup.checked import Checked
from watchfloor.cli.checkup.machine import machine
from watchfloor.cli.checkup.place import place
from watchfloor.cli.checkup.stored import stored
from watchfloor.cli.lines import advise, answer_json, for_shell
from watchfloor.domain.errors import NotFoundError, WatchfloorError
from watchfloor.domain.text import clean
from watchfloor.store.layout import Layout
from watchfloor.store.reading import CHECK_IT, reading

_RESTORE: Final = (
    "with the engine stopped, copy state.db, state.db-wal and state.db-shm aside as "
    "they are; then restore the workspace from a backup: watchfloor restore FILE DIR"
)


def doctor(options: Namespace) -> int:
    """Check everything; unhealthy when anything is not well."""
    # What it says is copied into another shell: no path of this one's folder helps.
    checks = list(_checks(compose.layout(options).from_anywhere))
    if options.json:
        answer_json([_json(one) for one in checks])
    else:
        for one in checks:
            _tell(one)
    return exits.DONE if all(one.is_well for one in checks) else exits.UNHEALTHY


def _tell(one: Checked) -> None:
    word = "FAIL" if not one.is_well else "note" if one.is_note else "ok  "
    first, *others = one.found.split("\n")
    advise(f"{word} {one.name}: {first}")
    for line in others:
        advise(f"     {line}")
    if one.action and (one.is_note or not one.is_well):
        advise(f"     do: {clean(one.action, 2_000)}")


def _json(one: Checked) -> dict[str, object]:
    """Return a check; what is well and no note asks for nothing to be done."""
    asks = one.is_note or not one.is_well
    return {**one._asdict(), "action": for_shell(one.action) if asks else ""}


def _checks(layout: Layout) -> Iterator[Checked]:
    yield from machine(os.environ)
    yield from place(layout)
    try:
        with reading(layout) as connection:
            yield from stored(connection, layout)
    except NotFoundError as error:
        action = "do what it says, or restore the workspace from a backup"
        yield Checked("store", is_well=False, found=clean(error), action=action)
    except WatchfloorError as error:
        yield Checked(
            "store",
            is_well=False,
            # The sentence sends to where its reader stands already.
            found=clean(str(error).removesuffix(CHECK_IT)),
            action=_RESTORE,
        )
