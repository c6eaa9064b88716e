"""``doctor``: check the workspace, one line a check, each with what to do next."""

from __future__ import annotations

import shutil
import stat
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json
from watchfloor.domain.alerts import AlertRules
from watchfloor.domain.errors import ConfigError, StoreError, WatchfloorError
from watchfloor.domain.text import clean
from watchfloor.engine.workspace_settings import checked_workspace
from watchfloor.store.handle import Handle
from watchfloor.store.inbox import Inbox
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.alerts import given_up_since
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.runs import run_page
from watchfloor.store.schema import HEAD, schema_version
from watchfloor.store.sqlite import VERSION, damage

DAY_MS = 24 * 3_600_000
#: Below this a commit may find no room.
LEAST_FREE_BYTES = 200 * 1024 * 1024


class Checked(NamedTuple):
    """One check: whether it is well, what was found, and what to do if not."""

    name: str
    is_well: bool
    found: str
    action: str = ""


def doctor(options: Namespace) -> int:
    """Check everything; unhealthy when anything is not well."""
    layout = compose.layout(options)
    checks = list(_checks(layout))
    if options.json:
        answer_json([_json(one) for one in checks])
    else:
        for one in checks:
            first, *others = one.found.split("\n")
            answer(f"{'ok  ' if one.is_well else 'FAIL'} {one.name}: {first}")
            for line in others:
                answer(f"     {line}")
            if one.action and not one.is_well:
                answer(f"     do: {clean(one.action, 2_000)}")
    return exits.DONE if all(one.is_well for one in checks) else exits.UNHEALTHY


def _json(one: Checked) -> dict[str, object]:
    """Return a check; what is well asks for nothing to be done."""
    return {**one._asdict(), "action": "" if one.is_well else one.action}


def _checks(layout: Layout) -> Iterator[Checked]:
    yield _python()
    yield _sqlite()
    yield _settings(layout)
    yield from _modes(layout)
    yield _room(layout)
    yield _inbox(layout)
    try:
        with reading(layout) as connection:
            yield from _store(connection, layout)
    except WatchfloorError as error:
        yield Checked(
            "store",
            is_well=False,
            found=clean(error),
            action="restore the workspace from a backup, or make one: watchfloor init",
        )


def _python() -> Checked:
    return Checked("python", sys.version_info >= (3, 11), sys.version.split()[0])


def _sqlite() -> Checked:
    numbers = tuple(int(part) for part in VERSION.split("."))
    note = ""
    if (3, 7, 0) <= numbers <= (3, 51, 2):
        note = "; its WAL-reset defect needs two writers, and there is one"
    return Checked("sqlite", numbers >= (3, 35), f"{VERSION}{note}")


def _settings(layout: Layout) -> Checked:
    name = layout.settings.name
    try:
        found = checked_workspace(layout.settings)
    except ConfigError as error:
        mistakes = "\n".join(clean(one, 2_000) for one in error.mistakes)
        return Checked("settings", False, mistakes, f"correct {name}")
    return Checked("settings", True, f"{found.workspace_id}, {clean(found.name)}")


def _modes(layout: Layout) -> Iterator[Checked]:
    for path in (layout.state, layout.inbox):
        if path.exists():
            mode = stat.S_IMODE(path.stat().st_mode)
            # A group may share a workspace; whoever else is on the machine may not.
            private = not mode & 0o007
            yield Checked(
                f"mode of {path.name}", private, f"{mode:04o}", f"chmod o= {path}"
            )


def _inbox(layout: Layout) -> Checked:
    """Check that commands get through; looking must not make a file that is gone."""
    restore = "restore the workspace from a backup"
    if not layout.inbox.is_file():
        return Checked("inbox", False, f"{clean(layout.inbox)} is missing", restore)
    inbox = Inbox(layout)
    try:
        return Checked("inbox", True, f"{len(inbox.waiting())} commands wait")
    except StoreError as error:
        return Checked("inbox", False, clean(error), restore)
    finally:
        inbox.close()


def _room(layout: Layout) -> Checked:
    place = layout.root if layout.root.is_dir() else Path()
    free = shutil.disk_usage(place).free
    return Checked(
        "free disk",
        free >= LEAST_FREE_BYTES,
        f"{free // 1024 // 1024:,} MiB",
        "make room before the store takes no more writes",
    )


def _alerts(connection: Handle, layout: Layout) -> Checked:
    """Check that people were told; mistakes in the table are the settings' check."""
    try:
        rules = checked_workspace(layout.settings).alerts
    except ConfigError:
        rules = AlertRules()
    count = given_up_since(connection, compose.now_ms() - DAY_MS)
    on = ", ".join(sorted(rules.on)) or "nothing"
    hooks = ", ".join(one.label for one in rules.hooks) or "no hook"
    return Checked(
        "alerts",
        not count,
        f"on {on}, through {hooks}; {count} messages were given up within a day",
        "watchfloor alerts tells why, watchfloor alerts test tries every hook",
    )


def _store(connection: Handle, layout: Layout) -> Iterator[Checked]:
    version = schema_version(connection)
    yield Checked(
        "schema",
        version == HEAD,
        f"{version}, this Watchfloor speaks {HEAD}",
        "start an engine of this Watchfloor once: watchfloor engine --until-idle",
    )
    found = damage(connection)
    yield Checked(
        "integrity",
        not found,
        clean(found or "no damage found"),
        "restore the workspace from a backup",
    )
    runs = run_page(connection)
    yield _alerts(connection, layout)
    unbalanced = [run for run in runs if run.books.imbalance]
    yield Checked(
        "books",
        not unbalanced,
        f"{len(runs)} runs, {len(unbalanced)} do not balance",
        "watchfloor books RUN --audit",
    )
    engine = engine_view(connection)
    now_ms = compose.now_ms()
    waits = any(not run.lifecycle.is_ended for run in runs)
    alive = engine.is_alive(now_ms)
    yield Checked(
        "engine",
        alive or not waits,
        f"{clean(engine.owner)}, pid {engine.pid}" if alive else "none runs",
        f"watchfloor engine --workspace {layout.root}",
    )
