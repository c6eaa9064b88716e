"""``engine --moved``: a workspace is elsewhere, and a person says that it was moved."""

from __future__ import annotations

from watchfloor.cli.asking import confirmed
from watchfloor.cli.lines import tell
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.whereabouts import (
    MOVED,
    elsewhere_lines,
    home_said,
    still_there_said,
)
from watchfloor.engine.being_elsewhere import came_from, has_original
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import last_run_at
from watchfloor.store.whereabouts import whereabouts


def confirmed_moved(layout: Layout, *, yes: bool) -> None:
    """Have it typed that a workspace was moved.

    Raises:
        ConfigError: It was not confirmed, or what it was copied from still stands;
            nothing was changed.
    """
    with reading(layout) as connection:
        then, here = came_from(connection, layout), whereabouts(layout)
        if then is None:
            said = home_said(last_run_at(connection), here)
            tell(f"Of a move nothing is to be said: {said}.")
            return
        if has_original(connection, then):
            # No word of a person makes it a workspace that was moved.
            raise ConfigError(still_there_said(then, here))
    for line in elsewhere_lines(then, here):
        tell(line)
    if not yes and not confirmed(f"Type {MOVED} to go on:", MOVED):
        raise ConfigError("not confirmed; nothing was changed, and no engine runs")
