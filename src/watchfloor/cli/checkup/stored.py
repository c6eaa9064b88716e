"""The store: its version, its pages, its books, its audit chain, its owner."""

from __future__ import annotations

from collections.abc import Iterator

from watchfloor.cli import compose
from watchfloor.cli.checkup.checked import Checked
from watchfloor.domain.anchors import anchors_in
from watchfloor.domain.draining import (
    ABOUT_A_HANG,
    ABOUT_A_HOLDER,
    ABOUT_UNSEEN,
    drain_words,
    hang_words,
    holder_words,
    unseen_words,
    waits_for_it,
)
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.text import clean
from watchfloor.domain.views import EngineView, RunView
from watchfloor.domain.whereabouts import home_said
from watchfloor.domain.workspace import Workspace
from watchfloor.engine.absent_anchors import absent_anchors
from watchfloor.engine.alert_hooks import refused_hooks
from watchfloor.engine.auditing import (
    Verified,
    anchor_paths,
    others_file,
    readable_anchors,
    verified,
)
from watchfloor.engine.being_elsewhere import came_from, has_original
from watchfloor.engine.workspace_settings import checked_workspace
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reads.alerts import given_up_since
from watchfloor.store.reads.chain import chain_head
from watchfloor.store.reads.engine import last_run_at, seen_engine
from watchfloor.store.reads.runs import run_page
from watchfloor.store.schema import HEAD, schema_version
from watchfloor.store.sqlite import damage
from watchfloor.store.whereabouts import whereabouts

_DAY_MS = 24 * 3_600_000
#: A clock of another machine, or of a moment ago, may be so much ahead.
_AHEAD_MS = 2_000
_PAGE = 500


def stored(connection: Handle, layout: Layout) -> Iterator[Checked]:
    """Check the store that is open."""
    version = schema_version(connection)
    yield _schema(version)
    found = damage(connection)
    yield Checked(
        "integrity",
        not found,
        clean(found or "no damage found"),
        "restore the workspace from a backup",
    )
    if version != HEAD:
        return
    yield _alerts(connection, layout)
    runs = list(_runs(connection))
    yield _books(runs)
    yield _chain(layout)
    yield from _anchor_files(connection, layout)
    yield _held(runs)
    yield _at_home(connection, layout)
    if layout.unstored.exists():
        yield _unstored(layout)
    yield from _owner(connection, layout, runs)


def _schema(version: str | None) -> Checked:
    if version is None:
        return Checked(
            "schema",
            False,
            "the store is empty: its runs are gone from this file, and no engine "
            "starts on it",
            "restore the workspace from a backup: watchfloor restore FILE DIR",
        )
    newer = "use the newer Watchfloor that wrote it"
    older = "start an engine of this Watchfloor once: watchfloor engine --until-idle"
    return Checked(
        "schema",
        version == HEAD,
        f"{version}, this Watchfloor speaks {HEAD}",
        newer if version > HEAD else older,
    )


def _runs(connection: Handle) -> Iterator[RunView]:
    before: str | None = None
    while page := run_page(connection, before=before, size=_PAGE, with_hidden=True):
        yield from page
        before = page[-1].run_id


def _alerts(connection: Handle, layout: Layout) -> Checked:
    """Check that people were told; mistakes in the table are the settings' check."""
    try:
        workspace = checked_workspace(layout.settings)
    except ConfigError:
        workspace = Workspace(workspace_id="", name="")
    rules, refused = workspace.alerts, list(refused_hooks(workspace))
    if refused:
        action = "add the line to the file, then: watchfloor alerts test"
        return Checked("alerts", False, clean("; ".join(refused), 2_000), action)
    count = given_up_since(connection, compose.now_ms() - _DAY_MS)
    on = ", ".join(sorted(rules.on)) or "nothing"
    hooks = ", ".join(one.label for one in rules.hooks) or "no hook"
    return Checked(
        "alerts",
        not count,
        f"on {on}, through {hooks}; {count} messages were given up within a day",
        "watchfloor alerts tells why, watchfloor alerts test tries every hook",
    )


def _books(runs: list[RunView]) -> Checked:
    unbalanced = [run.run_id for run in runs if run.books.imbalance]
    named = f": {', '.join(unbalanced[:5])}" if unbalanced else ""
    return Checked(
        "books",
        not unbalanced,
        f"{len(runs)} runs, {len(unbalanced)} do not balance{named}",
        "watchfloor books RUN --audit",
    )


def _chain(layout: Layout) -> Checked:
    try:
        files, closed = readable_anchors(layout)
    except ConfigError as error:
        action = "let this account read the file, or put it back"
        return Checked("audit chain", False, clean(error), action)
    found = verified(layout, anchors_in(files))
    if found.broken is not None:
        return Checked(
            "audit chain",
            False,
            clean(found.broken.said),
            "keep a copy of state.db, then: watchfloor audit verify",
        )
    wrong = "; ".join(file.wrong_said for file in files if file.wrong)
    if wrong:
        action = "find out who changed it, and take the lines out: an engine goes on"
        return Checked("audit chain", False, clean(wrong, 2_000), action)
    return _fitting(found, has_closed=bool(closed))


def _fitting(found: Verified, *, has_closed: bool) -> Checked:
    """Say to what a chain of which every link fits was held."""
    told = f"{found.links:,} links fit"
    if found.not_here:
        # A restore of one's own leaves such anchors too, so it is no fault by itself.
        told, action = f"{told}; {found.not_here_said}", "watchfloor audit verify"
        return Checked("audit chain", True, told, action, is_note=True)
    if found.anchored:
        told = f"{told}, held to an anchor at link {found.anchored:,}"
        return Checked("audit chain", True, told)
    if has_closed:
        told = f"{told}; its anchors are the owner's to read, and were not"
        action = "ask the owner for: watchfloor audit verify"
        return Checked("audit chain", True, told, action, is_note=True)
    action = "watchfloor audit anchor -o FILE, kept on another machine"
    told = f"{told}; no anchor holds it"
    return Checked("audit chain", True, told, action, is_note=bool(found.links))


def _anchor_files(connection: Handle, layout: Layout) -> Iterator[Checked]:
    """Yield the anchor files that are gone, or that no engine writes into, if any."""
    for one in absent_anchors(connection, layout):
        # That nothing was noted beside the store yet is told with the chain.
        if not one.is_awaited or one.path != layout.anchors:
            yield Checked(
                "anchor file",
                one.is_awaited,
                clean(one.said, 2_000),
                "start an engine, which makes it and notes the head"
                if one.is_awaited
                else "find out who took it away and put it back, or name another in "
                "[audit] of watchfloor.toml; what was noted elsewhere holds the chain: "
                "watchfloor audit verify --anchor FILE",
                is_note=one.is_awaited,
            )
    instance = chain_head(connection).instance
    for path in anchor_paths(layout):
        try:
            other = others_file(layout, path, instance)
        except ConfigError:
            continue  # told with the chain, where this account should read it
        if other:
            yield Checked(
                "anchor file",
                False,
                clean(f"{path} is of another workspace, {other}: nothing is noted"),
                "name a new file in [audit] of watchfloor.toml",
            )


def _held(runs: list[RunView]) -> Checked:
    held = [run.run_id for run in runs if run.restored_from_ms is not None]
    if not held:
        return Checked("restored runs", True, "none waits")
    return Checked(
        "restored runs",
        True,
        f"{len(held)} wait for a word since a restore: {', '.join(held[:5])}",
        "look with the provider, then watchfloor cancel RUN or watchfloor resume RUN",
        is_note=True,
    )


def _at_home(connection: Handle, layout: Layout) -> Checked:
    then = came_from(connection, layout)
    if then is None:
        said = home_said(last_run_at(connection), whereabouts(layout))
        return Checked("place", True, clean(said))
    if has_original(connection, then):
        return Checked(
            "place",
            False,
            clean(f"a copy: the one it was copied from still stands at {then.path}"),
            "go on there, or take that one away first; for a second workspace restore "
            "a backup here: watchfloor restore FILE DIR",
        )
    return Checked(
        "place",
        False,
        clean(f"a copy, or moved: an engine last ran it as {then.path}"),
        layout.in_here("if none is left there: watchfloor engine --moved"),
    )


def _unstored(layout: Layout) -> Checked:
    return Checked(
        "unstored outcomes",
        True,
        f"an engine ended with outcomes that the store did not take: {layout.unstored}",
        "resolve what is unknown from that list (watchfloor resolve RUN SEQ --as "
        "delivered --reason TEXT, or --as not-delivered), suppress those whose line "
        "says so (watchfloor suppress CONTACT), then move it away",
        is_note=True,
    )


def _owner(
    connection: Handle, layout: Layout, runs: list[RunView]
) -> Iterator[Checked]:
    now_ms = compose.now_ms()
    engine = seen_engine(connection, now_ms, layout)
    ahead_ms = engine.heartbeat_at_ms - now_ms
    yield Checked(
        "clock and store",
        ahead_ms <= _AHEAD_MS,
        f"the last heartbeat is {ahead_ms / 1000:,.0f} s in the future: the clock was "
        "set back"
        if ahead_ms > _AHEAD_MS
        else "no heartbeat is in the future",
        "set the clock right before an engine goes on: timedatectl",
    )
    waits = any(not run.lifecycle.is_ended for run in runs)
    yield _living(engine, layout, now_ms, waits=waits)


def _living(engine: EngineView, layout: Layout, now_ms: int, *, waits: bool) -> Checked:
    """Check that an engine carries out what waits, and is not about to end."""
    if engine.hangs:
        hangs = hang_words(engine.pid, engine.heartbeat_at_ms, now_ms)
        action = layout.in_here(ABOUT_A_HANG)
        return Checked("engine", False, f"{clean(engine.owner)} {hangs}", action)
    if engine.is_unseen:
        silent = unseen_words(engine.heartbeat_at_ms, now_ms)
        action = layout.in_here(ABOUT_UNSEEN)
        return Checked("engine", False, f"{clean(engine.owner)} {silent}", action)
    alive, action = engine.is_alive(now_ms), "watchfloor engine"
    told = f"{clean(engine.owner)}, pid {engine.pid}" if alive else "none runs"
    if engine.holder and not alive:
        told, action = holder_words(engine.holder), f"{ABOUT_A_HOLDER}, or: {action}"
    if drain := engine.drain:
        told = f"{told}, {drain_words(drain, now_ms)}"
        action = waits_for_it(drain, now_ms)
    return Checked(
        "engine",
        alive or not waits,
        told,
        layout.in_here(action),
        is_note=waits and drain is not None,
    )
