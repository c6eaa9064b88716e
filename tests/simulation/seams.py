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
from contextlib import contextmanager, nullcontext
from functools import cache, lru_cache
from typing import Any, NoReturn
from unittest import mock

from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool
from tests.simulation.shortcut import ANYTHING, Shortcut
from tests.simulation.wire import WorldChannel

from watchfloor.domain import canary
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.reach import Reach
from watchfloor.domain.workspace import Workspace
from watchfloor.engine import (
    campaigns,
    committer,
    hearing,
    historian,
    lane,
    preparing,
    recovery,
    seeding,
    settling,
    sparing,
    tenure,
)
from watchfloor.intake.campaign_file import parse_campaign
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.schema import bring_up_to_date
from watchfloor.store.tables import metadata
from watchfloor.store.writes.attempts import AttemptWriter
from watchfloor.store.writes.audience import AudienceWriter
from watchfloor.store.writes.runs import BooksWriter

#: Every table, those first that others refer to.
TABLES = tuple(table.name for table in metadata.sorted_tables)
#: The rows of every table.
Image = dict[str, list[Any]]


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
        self._cursor = self.driver.cursor()
        #: Tables that may hold anything.
        self._filled = {ANYTHING}
        self.empty = self.image()

    def image(self) -> Image:
        """Return what the store holds now."""
        return {
            table: self.driver.execute(_all_of(table)).fetchall() for table in TABLES
        }

    def load(self, image: Image) -> None:
        """Let the store hold what it held when the image was taken.

        Row by row, since after a copy of the file SQLite would prepare every statement
        anew, which takes longer than a world does.
        """
        if self.handle.in_transaction():
            self.handle.rollback()
        self.driver.rollback()
        self.written()
        self.driver.execute("BEGIN")
        for table in reversed(TABLES):
            if table in self._filled or ANYTHING in self._filled:
                self.driver.execute(f"DELETE FROM {table}")  # noqa: S608 - names of tables
        for table, rows in image.items():
            if rows:
                self.driver.executemany(_into(table), rows)
        self.driver.execute("COMMIT")
        self._filled = {table for table, rows in image.items() if rows}
        self.commits = self.refusals = 0

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return what the store holds, without the product's help."""
        return self._cursor.execute(query, values).fetchall()

    def written(self) -> set[str]:
        """Return the tables that were written since this was asked last."""
        written, self.handle.touched = self.handle.touched, set()
        self._filled |= written
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


@cache
def _columns(table: str) -> str:
    """Return the columns of a table, and its row ids where it has any."""
    names = [column.name for column in metadata.tables[table].columns]
    has_ids = metadata.tables[table].dialect_options["sqlite"]["with_rowid"]
    return ", ".join(["rowid", *names] if has_ids else names)


@cache
def _all_of(table: str) -> str:
    return f"SELECT {_columns(table)} FROM {table}"  # noqa: S608 - names


@cache
def _into(table: str) -> str:
    columns = _columns(table)
    values = ", ".join("?" * (columns.count(",") + 1))
    return f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608 - names


def _in_memory(connection: Any, _: object) -> None:
    connection.isolation_level = None
    # Small pages, none of them wiped: less to copy with every little transaction.
    connection.execute("PRAGMA page_size=1024")
    connection.execute("PRAGMA secure_delete=OFF")
    connection.execute("PRAGMA foreign_keys=ON")


class Settings:
    """The workspace's file, which nobody edits while the world turns."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._workspace = WORKSPACE[0]

    def now(self) -> Workspace:
        return self._workspace

    def last_known(self) -> Workspace:
        return self._workspace

    def reach(self) -> Reach:
        return self._workspace.reach


#: The workspace of the world that turns now.
WORKSPACE = [Workspace(workspace_id="world", name="World")]


def _unheard(_: object) -> None:
    """Pass over what the coroutines of a killed process say while they are cleared."""


def _world_channel(_: str) -> type[WorldChannel]:
    return WorldChannel


def _nobody_locks(*_: object) -> nullcontext[None]:
    """A store in memory is nobody else's: no thread need watch how long it takes."""
    return nullcontext()


def _no_file(_: Layout) -> NoReturn:
    """A store in memory has no file that a history could be made from."""
    raise NotFoundError("there is no workspace; nothing was done")


def _no_inbox(_: Layout) -> None:
    """Each life is given the world's own."""


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
    strategy_of = campaigns.strategy_of
    strategies: dict[Any, Any] = {}

    def strategy(campaign: Any, columns: Any, *, is_retry: bool = False) -> Any:
        # A text is parsed once, so that its campaign is one and the same.
        place = id(campaign), tuple(columns), is_retry
        if place not in strategies:
            found = strategy_of(campaign, columns, is_retry=is_retry)
            strategies[place] = campaign, found
        return strategies[place][1]

    with (
        warnings.catch_warnings(),
        mock.patch.object(sys, "unraisablehook", _unheard),
        mock.patch.object(campaigns, "load_channel", _world_channel),
        mock.patch.object(campaigns, "parse_campaign", parsed),
        mock.patch.object(settling, "parse_campaign", parsed),
        mock.patch.object(lane, "strategy_of", strategy),
        mock.patch.object(committer, "WorkspaceSettings", Settings),
        mock.patch.object(preparing, "WorkspaceSettings", Settings),
        # A world's cohorts are small: so are the stages of their canaries, and the
        # batches in which they are taken up.
        mock.patch.object(canary, "FIRST", (2, 3)),
        mock.patch.object(seeding, "BATCH_ROWS", 2),
        mock.patch.object(hearing, "Inbox", _no_inbox),
        mock.patch.object(historian, "reading", _no_file),
        mock.patch.object(tenure, "_told_of_a_lock", _nobody_locks),
        mock.patch.object(committer, "AttemptWriter", writer),
        mock.patch.object(recovery, "AttemptWriter", writer),
        mock.patch.object(settling, "AttemptWriter", writer),
        mock.patch.object(sparing, "AttemptWriter", writer),
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
