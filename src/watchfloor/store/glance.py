"""The one read that must be over in a blink: how the workspace does, for a status line.

Importing SQLAlchemy alone takes longer than a tmux status line may. These few
statements are plain SQL that SQLite and PostgreSQL both understand.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import NamedTuple

from watchfloor.domain.approval import awaits_approval
from watchfloor.domain.errors import StoreError
from watchfloor.store.disk import at_rest
from watchfloor.store.layout import Layout


class LiveRun(NamedTuple):
    """A run that has not ended, as far as a status line goes."""

    run_id: str
    phase: str
    gate: str
    left: int
    in_flight: int
    is_balanced: bool
    awaits_approval: bool


class Glance(NamedTuple):
    """The workspace at one moment.

    Attributes:
        unknown: Records of which nobody knows whether they were reached, of every run,
            ended and hidden ones too.
    """

    live: tuple[LiveRun, ...]
    ended: int
    unknown: int
    owner: str
    pid: int
    host: str
    heartbeat_at_ms: int
    released: bool

    def engine_lives(self, now_ms: int, patience_ms: int = 5_000) -> bool:
        """Whether the owner's heartbeat came lately."""
        # One in the future was stored before the clock was put back: it tells nothing.
        return not self.released and abs(now_ms - self.heartbeat_at_ms) <= patience_ms


_LEFT = "pending + claimed + attempting + retry + callback + waiting"
_FINAL = "delivered + failed + unknown + not_attempted + expired + abandoned"
_LIVE = f"""
SELECT run_id, phase, gate, {_LEFT}, min(attempting, max(permits, 1)),
       records = {_LEFT} + {_FINAL}
       AND extracted = invalid + duplicate + suppressed + filtered + unjudged + records,
       approve_after, approved_at_ms, attempts
FROM run JOIN books ON books.run_no = run.run_no
WHERE phase <> 'ended' ORDER BY run.run_no
"""  # noqa: S608 - the parts are the constants above
_ENDED = "SELECT count(*) FROM run WHERE phase = 'ended'"
_UNKNOWN = "SELECT coalesce(sum(unknown), 0) FROM books"
_LEASE = "SELECT owner, pid, host, heartbeat_at_ms, released FROM lease"


def glance(layout: Layout) -> Glance:
    """Return how the workspace does.

    Raises:
        NotFoundError: There is no workspace in this directory.
        StoreError: The store cannot be read.
    """
    layout.check_exists()
    more = "".join(f"&{key}={value}" for key, value in at_rest(layout.state).items())
    address = f"{layout.state.absolute().as_uri()}?mode=ro{more}"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=2.0)) as connection:
            connection.execute("BEGIN")
            live = tuple(
                LiveRun._make((*known, awaits_approval(after, given_at_ms, made)))
                for *known, after, given_at_ms, made in connection.execute(_LIVE)
            )
            ended = connection.execute(_ENDED).fetchone()[0]
            unknown = connection.execute(_UNKNOWN).fetchone()[0]
            lease = connection.execute(_LEASE).fetchone() or ("", 0, "", 0, 1)
    except sqlite3.DatabaseError as error:
        msg = (
            f"the store {layout.state} cannot be read: {error}. Nothing was changed. "
            "Check it with: watchfloor doctor"
        )
        raise StoreError(msg) from error
    return Glance._make((live, ended, unknown, *lease))
