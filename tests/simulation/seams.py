"""Where the simulated world meets the product: the wire, the disk, what is costly.

Nothing here decides. The store is SQLite in memory, filled from an image; a channel is
the world's; what the product compiles or parses anew for every process it starts is
kept for the next one, since a seed starts several.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from unittest import mock

from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool
from tests.simulation.shortcut import Shortcut
from tests.simulation.wire import WorldChannel

from watchfloor.domain.workspace import Workspace
from watchfloor.engine import campaigns, committer, recovery, settling, supervisor
from watchfloor.intake.campaign_file import parse_campaign
from watchfloor.store.handle import Handle
from watchfloor.store.schema import bring_up_to_date
from watchfloor.store.writes.attempts import AttemptWriter
from watchfloor.store.writes.audience import AudienceWriter
from watchfloor.store.writes.runs import BooksWriter


class CrashError(BaseException):
    """The process was killed at this very place."""


class Disk:
    """The store of a world, in memory: what survives every crash.

    Attributes:
        commits: Transactions that were committed.
        on_commit: Is asked before every commit; it may raise.
    """

    def __init__(self) -> None:
        engine = create_engine(
            "sqlite://",
            poolclass=StaticPool,
            hide_parameters=True,
            connect_args={"check_same_thread": False, "cached_statements": 1_000},
        )
        event.listen(engine, "connect", _in_memory)
        self.commits = 0
        self.refusals = 0
        with engine.connect() as ordinary:
            bring_up_to_date(ordinary)
            ordinary.commit()
        self.handle = Shortcut(engine, self._committing)
        self.driver = self.handle.driver
        self.empty = self.image()

    def image(self) -> sqlite3.Connection:
        """Return a copy of the store as it is now."""
        copy = sqlite3.connect(":memory:")
        self.driver.backup(copy)
        return copy

    def load(self, image: sqlite3.Connection) -> None:
        """Let the store be as it was when the image was taken."""
        if self.handle.in_transaction():
            self.handle.rollback()
        self.driver.rollback()
        image.backup(self.driver)
        self.written()
        self.commits = self.refusals = 0

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return what the store holds, without the product's help."""
        return self.driver.execute(query, values).fetchall()

    def written(self) -> set[str]:
        """Return the tables that were written since this was asked last."""
        written, self.handle.touched = self.handle.touched, set()
        return written

    def _committing(self) -> None:
        if self.refusals > 0:
            self.refusals -= 1
            # SQLite takes a transaction back whose COMMIT finds the disk full.
            self.driver.rollback()
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise OperationalError("COMMIT", None, full)
        self.commits += 1


def _in_memory(connection: Any, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")


class Settings:
    """The workspace's file, which nobody edits while the world turns."""

    def __init__(self, _: object) -> None:
        self._workspace = WORKSPACE[0]

    def now(self) -> Workspace:
        return self._workspace

    def last_known(self) -> Workspace:
        return self._workspace


#: The workspace of the world that turns now.
WORKSPACE = [Workspace(workspace_id="world", name="World")]


def _unheard(_: object) -> None:
    """Pass over what the coroutines of a killed process say while they are cleared."""


@contextmanager
def world_around() -> Iterator[None]:
    """Let the product meet the world instead of the machine, during the block."""
    kept: dict[Any, Any] = {}

    def once(make: Any) -> Any:
        def made(connection: Handle) -> Any:
            if make not in kept:
                kept[make] = make(connection)
            return kept[make]

        return made

    writer = once(AttemptWriter)
    parsed = lru_cache(maxsize=256)(parse_campaign)
    with (
        warnings.catch_warnings(),
        mock.patch.object(sys, "unraisablehook", _unheard),
        mock.patch.object(campaigns, "load_channel", return_value=WorldChannel),
        mock.patch.object(campaigns, "parse_campaign", parsed),
        mock.patch.object(settling, "parse_campaign", parsed),
        mock.patch.object(committer, "WorkspaceSettings", Settings),
        mock.patch.object(supervisor, "Inbox", return_value=None),
        mock.patch.object(committer, "AttemptWriter", writer),
        mock.patch.object(recovery, "AttemptWriter", writer),
        mock.patch.object(settling, "AttemptWriter", writer),
        mock.patch.object(committer, "AudienceWriter", once(AudienceWriter)),
        mock.patch.object(committer, "BooksWriter", once(BooksWriter)),
    ):
        # Of a coroutine that a killed process never came to.
        warnings.simplefilter("ignore", RuntimeWarning)
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
