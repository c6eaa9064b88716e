"""No engine goes on with a copy of a workspace as if it were the workspace."""

from __future__ import annotations

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.whereabouts import (
    Whereabouts,
    elsewhere_said,
    is_elsewhere,
    still_there_said,
)
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reads.chain import chain_head
from watchfloor.store.reads.engine import has_unfinished, last_run_at
from watchfloor.store.whereabouts import stands_at, whereabouts


def came_from(connection: Handle, layout: Layout) -> Whereabouts | None:
    """Return where an engine last ran a workspace that is elsewhere now; else None.

    One that has nothing left to send is at home anywhere.
    """
    then = last_run_at(connection)
    if then is None or not is_elsewhere(then, whereabouts(layout)):
        return None
    return then if has_unfinished(connection) else None


def has_original(connection: Handle, then: Whereabouts) -> bool:
    """Whether what a workspace was copied from still is where an engine last ran it.

    Args:
        connection: To the store of the copy.
        then: What ``came_from`` returned of it.
    """
    return stands_at(then, chain_head(connection).instance)


def home(connection: Handle, layout: Layout, *, dispatches: bool, moved: bool) -> str:
    """Return where a workspace is at home from now on; empty for where it was.

    Args:
        connection: To the store, in the transaction that takes it.
        layout: Where it is.
        dispatches: Whether an engine takes it. A verb that does so for a moment changes
            nothing of this, unless there is nothing left to send.
        moved: Whether a person said that it was moved, and none was left behind.

    Raises:
        ConfigError: An engine takes what was copied or moved and nobody said so, or
            what it was copied from still stands. Nothing was changed.
    """
    here = whereabouts(layout)
    if not dispatches:
        is_free = last_run_at(connection) is not None and not has_unfinished(connection)
        return here.kept if is_free else ""
    then = came_from(connection, layout)
    if then is not None:
        if has_original(connection, then):
            raise ConfigError(still_there_said(then, here))
        if not moved:
            raise ConfigError(elsewhere_said(then, here))
    return here.kept
