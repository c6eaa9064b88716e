"""How many commands wait for an engine, for a status line: nothing is opened or read.

See ``store.glance``: importing SQLAlchemy alone takes longer than such a line may.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from itertools import islice
from typing import Final

from watchfloor.store.layout import Layout

#: How the name of a file ends that somebody else asks in.
ASKED: Final = ".ask"
#: So many names in their folder are looked at in one turn.
MOST_NAMES: Final = 4_000
#: A writer of the inbox is done by then, or the line does without.
_PATIENCE_S: Final = 0.2


def count_waiting(layout: Layout) -> int:
    """Return how many commands nobody has taken, as far as this account may look.

    Whether a file of somebody else holds one is not known before an engine reads it.
    """
    return _of_the_owner(layout) + _of_others(layout)


def _of_the_owner(layout: Layout) -> int:
    address = f"{layout.inbox.absolute().as_uri()}?mode=ro"
    try:
        with closing(
            sqlite3.connect(address, uri=True, timeout=_PATIENCE_S)
        ) as connection:
            return int(connection.execute("SELECT count(*) FROM asked").fetchone()[0])
    except sqlite3.DatabaseError:
        return 0  # of an inbox that cannot be read doctor tells


def _of_others(layout: Layout) -> int:
    try:
        with os.scandir(layout.asks) as entries:
            return sum(
                entry.name.endswith(ASKED) and entry.is_file(follow_symlinks=False)
                for entry in islice(entries, MOST_NAMES)
            )
    except OSError:
        return 0
