"""What was asked and not yet taken: durable rows of the owner, and files of others.

The workspace's owner asks by a row in a file that is theirs alone; whoever else may
command lays a file of their own into a shared folder (``store.asks``). The engine reads
both, stores each command once under its id, and only then removes it here, so that a
crash between the two repeats nothing.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    RowMapping,
    Table,
    Text,
    bindparam,
    delete,
    select,
)
from sqlalchemy.dialects.sqlite import insert as insert_or_skip
from sqlalchemy.exc import DatabaseError

from watchfloor.domain.errors import StoreError
from watchfloor.domain.roles import Role, somebody_of
from watchfloor.domain.shell_words import quoted, set_aside
from watchfloor.store.archive.private_files import created
from watchfloor.store.asks import AskedFiles, MostOf, drop, however_many
from watchfloor.store.commands import TEXTS, Command, refusable
from watchfloor.store.disk import NO_ROOM
from watchfloor.store.faults import is_busy, is_full, may_want_room
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import way_to_stop
from watchfloor.store.people import identity_of
from watchfloor.store.plain_json import plain_json
from watchfloor.store.reserve import AskingReserve
from watchfloor.store.sqlite import data_version, inbox_engine

__all__ = ["Command", "Inbox", "ask", "create_inbox"]

#: The engine never waits for an asker that holds the file.
ENGINE_BUSY_MS = 5

metadata = MetaData()

asked = Table(
    "asked",
    metadata,
    Column("asked_no", Integer, primary_key=True),
    Column("command_id", Text, nullable=False, unique=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("verb", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("payload_json", Text, nullable=False),
    sqlite_autoincrement=True,
)
_BY_NUMBER: Final = delete(asked).where(asked.c.asked_no == bindparam("known"))
_BY_ID: Final = delete(asked).where(asked.c.command_id == bindparam("known"))

_THEN: Final = "look at each run, then: watchfloor resume RUN"
_ANEW: Final = (
    "start the engine anew, which makes an empty one: what was asked and not taken is "
    f"lost, so {_THEN}"
)
_NOT_HEARD: Final = "No command reaches the engine, so nothing new is sent."


def create_inbox(layout: Layout) -> None:
    """Make the inbox if it is missing."""
    with suppress(FileExistsError):
        created(layout.inbox).close()
    engine = inbox_engine(layout.inbox)
    with _told(layout), engine.begin() as connection:
        metadata.create_all(connection)
    engine.dispose()
    os.chmod(layout.inbox, 0o600)  # noqa: PTH101 - a path object opens nothing here
    with suppress(OSError):
        layout.asks.mkdir(mode=0o700)


def ask(layout: Layout, command: Command) -> None:
    """Append a command. When this returns, it is durable.

    Asking again what waits already changes nothing. On a disk that is full it takes of
    the reserve for commands.

    Raises:
        StoreError: The inbox cannot be written, or holds another command of this id;
            nothing was asked.
    """
    reserve = AskingReserve(layout)
    while True:
        try:
            _put(layout, command)
        except StoreError as error:
            if not isinstance(error.__cause__, DatabaseError | OSError):
                raise
            if _may_want_room(error.__cause__) and reserve.give():
                continue
            told = f"{error}. {way_to_stop(layout)}".rstrip(". ")
            raise StoreError(told) from error.__cause__
        return


def _put(layout: Layout, command: Command) -> None:
    if command.role or not _is_ours(layout):
        drop(layout, command)
        return
    engine = inbox_engine(layout.inbox)
    try:
        with _told(layout), engine.begin() as connection:
            _append(connection, command)
    finally:
        engine.dispose()


class Inbox:
    """The engine's end of the inbox; one thread at a time gets through.

    Args:
        layout: Whose inbox.
        only_looks: See ``AskedFiles``.
    """

    def __init__(self, layout: Layout, *, only_looks: bool = False) -> None:
        self._layout = layout
        self._files = AskedFiles(layout, only_looks=only_looks)
        self._engine = inbox_engine(layout.inbox, busy_ms=ENGINE_BUSY_MS)
        self._reserve = AskingReserve(layout)
        self._version = -1
        self._place: tuple[int, int] | None = None
        self._numbers: dict[str, int] = {}
        self._turn = threading.Lock()

    def waiting(self) -> list[Command]:
        """Return what was asked: the owner's commands, then those of others.

        Raises:
            StoreError: See ``owners``.
        """
        return self.owners() + self.others()

    def owners(self) -> list[Command]:
        """Return what the owner asked, oldest first; none while an asker is writing.

        Raises:
            StoreError: The inbox cannot be read or written, so that nothing can be
                asked of the engine; or, told once, it is another file than before.
        """
        about = self._found()
        try:
            with self._turn, self._engine.connect() as connection:
                version = data_version(connection)
                if version == self._version:
                    return []
                rows = connection.execute(select(asked).order_by(asked.c.asked_no))
                commands = []
                for row in rows.mappings():
                    commands.append(_command(row))
                    self._numbers[commands[-1].command_id] = row["asked_no"]
        except DatabaseError as error:
            if is_busy(error):
                return []
            path = self._layout.inbox
            msg = (
                f"the inbox {path} cannot be read: {error.orig}. {_NOT_HEARD} Put the "
                f"right file back, or move it away ({set_aside(path)}) and "
                f"{_ANEW}"
            )
            raise StoreError(msg) from error
        if not commands:
            self._version = version
            return []
        return self._proven(commands, about)

    def others(self, most_of: MostOf = however_many) -> list[Command]:
        """Return what others asked, so many in one turn; see ``AskedFiles.waiting``."""
        with self._turn:
            return self._files.waiting(most_of)

    def _found(self) -> os.stat_result:
        """Look at the file; one that was put in its place is opened instead.

        Raises:
            StoreError: It is gone, may not be written, or is another file than before.
        """
        path = self._layout.inbox
        try:
            about = path.stat()
        except OSError as error:
            self._place = None
            msg = (
                f"the inbox {path} cannot be found: {error.strerror}. {_NOT_HEARD} Put "
                f"the file back, or {_ANEW}"
            )
            raise StoreError(msg) from error
        if not os.access(path, os.R_OK | os.W_OK):
            msg = (
                f"the inbox {path} may not be read and written by the engine's "
                f"account. {_NOT_HEARD} Let it (chmod u+rw {quoted(path)}, mount); "
                f"{_THEN}"
            )
            raise StoreError(msg)
        place, before = (about.st_dev, about.st_ino), self._place
        if place != before:
            with self._turn:
                self._engine.dispose()
                self._place, self._version = place, -1
                self._numbers.clear()  # another file's rows have other numbers
        if before is not None and place != before:
            msg = (
                f"another file was put in place of the inbox {path}. What was asked "
                "through the one before and not taken is not known to the engine; "
                f"{_THEN}"
            )
            raise StoreError(msg)
        return about

    def _proven(self, commands: list[Command], about: os.stat_result) -> list[Command]:
        """Return commands with the file's owner as who asked.

        Where others may write the file too, nobody knows who did: an operator at most.
        """
        who = identity_of(self._layout, about.st_uid)
        if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            who = replace(who, name=somebody_of(about.st_gid), is_owner=False)
            return [replace(one, asker=who, role=Role.OPERATOR) for one in commands]
        return [replace(one, asker=who) for one in commands]

    def forget(self, command_ids: Sequence[str]) -> None:
        """Remove commands that the state store holds now.

        A failure leaves them; they are taken again and found known.
        """
        with self._turn:
            for command_id in command_ids:
                self._files.forget(command_id)
        # By their numbers, where they are known: the id in a row may be no text. One by
        # one: how many are bound in one statement is limited.
        numbers = self._numbers
        by_number = [{"known": numbers[one]} for one in command_ids if one in numbers]
        by_id = [{"known": one} for one in command_ids if one not in numbers]
        while True:
            try:
                with self._turn, self._engine.begin() as connection:
                    for statement, known in ((_BY_NUMBER, by_number), (_BY_ID, by_id)):
                        if known:
                            connection.execute(statement, known)
            except DatabaseError as error:
                if may_want_room(error) and self._reserve.give():
                    continue
                self._version = -1
                return
            break
        for command_id in command_ids:
            numbers.pop(command_id, None)

    def close(self) -> None:
        """Close the file, when nobody is reading it."""
        with self._turn:
            self._files.close()
            self._engine.dispose()


def is_anything_asked(layout: Layout) -> bool:
    """Whether anything was asked that nobody took; yes where nobody can tell."""
    engine = inbox_engine(layout.inbox, busy_ms=ENGINE_BUSY_MS)
    try:
        with engine.connect() as connection:
            if connection.execute(select(asked.c.asked_no).limit(1)).first():
                return True
        with os.scandir(layout.asks) as entries:
            return any(entries)
    except FileNotFoundError:
        return False  # nobody else may ask
    except (DatabaseError, OSError):
        return True
    finally:
        engine.dispose()


def _is_ours(layout: Layout) -> bool:
    """Whether the owner's file is for this process: as owner, or where no other is."""
    try:
        return layout.inbox.stat().st_uid == os.geteuid() or not layout.asks.is_dir()
    except OSError:
        return True


def _append(connection: Connection, command: Command) -> None:
    # The write comes first: a transaction that reads first may be refused its write.
    added = connection.execute(
        insert_or_skip(asked)
        .values(
            command_id=command.command_id,
            at_ms=command.at_ms,
            verb=command.verb,
            run_id=command.run_id,
            by=command.by,
            origin=command.origin,
            why=command.why,
            payload_json=json.dumps(command.payload),
        )
        .on_conflict_do_nothing()
    )
    if added.rowcount == 1:
        return
    known = select(asked).where(asked.c.command_id == command.command_id)
    if _command(connection.execute(known).mappings().one()) != command:
        msg = (
            f"another command was asked under the id {command.command_id}; nothing "
            "was asked of the engine. Ask under an id of its own."
        )
        raise StoreError(msg)


def _command(row: RowMapping) -> Command:
    """Return a command; one that cannot be used has a verb that nobody knows.

    Whoever may write the file may write anything into any of its columns.
    """
    texts = {name: row[name] for name in TEXTS if name in row}
    try:
        payload = plain_json(row["payload_json"])
    except (ValueError, TypeError, RecursionError):
        payload, texts["verb"] = {}, "unreadable"
    command = Command(at_ms=row["at_ms"], payload=payload, **texts)
    plain = refusable(command)
    if plain == replace(command, payload=plain.payload):
        return command
    return replace(plain, verb="unreadable")


@contextmanager
def _told(layout: Layout) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        msg = (
            f"the inbox {layout.inbox} cannot be written: {error.orig}. Nothing was "
            f"asked of the engine. {_way_out(layout, error)}"
        )
        raise StoreError(msg) from error


def _way_out(layout: Layout, error: DatabaseError) -> str:
    if not layout.inbox.exists():
        return f"The file is missing: put it back, or {_ANEW}"
    if is_full(error):
        return "Make room on the disk"
    return "Check it with: watchfloor doctor"


def _may_want_room(error: DatabaseError | OSError) -> bool:
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    return may_want_room(error)
