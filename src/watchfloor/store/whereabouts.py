"""Which file the store is now, and whether the one it was still stands."""

from __future__ import annotations

import os
from pathlib import Path

from watchfloor.domain.errors import WatchfloorError
from watchfloor.domain.whereabouts import Whereabouts
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.chain import chain_head


def whereabouts(layout: Layout) -> Whereabouts:
    """Return where a workspace is.

    Raises:
        OSError: Its store cannot be looked at.
    """
    found = layout.state.stat()
    path = os.path.realpath(layout.root).encode(errors="backslashreplace").decode()
    return Whereabouts(f"{found.st_dev}:{found.st_ino}", path)


def stands_at(then: Whereabouts, instance: str) -> bool:
    """Whether a store of this very workspace is still where an engine last ran."""
    left = Layout(Path(then.path))
    try:
        with reading(left) as connection:
            return chain_head(connection).instance == instance
    except (WatchfloorError, OSError):
        return False
