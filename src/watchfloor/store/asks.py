"""What others than the workspace's owner ask: one file a command, in a shared folder.

No database: whoever may write into a folder may lay a journal beside a database of
somebody else's, and SQLite would play it back into it. A file that is written, synced
and then renamed needs no second one, and nobody can lock it against its reader.

Who asks is who owns the file, by the system's word; nothing inside is asked for it. The
folder is sticky (nobody renames or removes another's) and cannot be listed by those who
may write into it; its owner, the engine's account, takes the files away.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from hashlib import blake2b
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final, NamedTuple

from watchfloor.domain.errors import StoreError
from watchfloor.domain.roles import Identity
from watchfloor.store.archive.private_files import settle_folder
from watchfloor.store.commands import TEXTS, Command, check_sound, too_long
from watchfloor.store.disk import NO_ROOM
from watchfloor.store.layout import Layout
from watchfloor.store.people import identity_of
from watchfloor.store.plain_json import bounded_json
from watchfloor.store.waiting_asks import ASKED, MOST_NAMES

log = logging.getLogger(__name__)

#: More than any verb writes, and than any but two: a campaign's text, or a batch of
#: results, which say at most so many values.
MOST_BYTES: Final = 4 * 1024 * 1024
MOST_VALUES: Final = 20_000
_LARGE: Final = frozenset({"launch", "results"})
MOST_SMALL_BYTES: Final = 64 * 1024
_MOST_SMALL_VALUES: Final = 4_000
#: So many small ones are taken in one turn, so many files opened for that, and
#: ``MOST_NAMES`` looked at; then one large one. The rest waits, and the next turn goes
#: on from there: whoever has an engine pause its run waits for no more than two turns.
MOST_A_TURN: Final = 16
MOST_OPENED: Final = 64
#: So many different names are told of, that a hostile folder floods no log.
_MOST_TOLD: Final = 256

_UNFINISHED: Final = ".new"
#: An asker that died while it wrote left this; nobody goes on with it.
_GIVEN_UP_S: Final = 60


def drop(layout: Layout, command: Command) -> None:
    """Lay a command into the folder. When this returns, the file is durable.

    Raises:
        StoreError: It cannot be written, or holds another command of this id; nothing
            was asked.
    """
    folder = layout.asks
    named = blake2b(command.command_id.encode(), digest_size=16).hexdigest()
    target = folder / f"{named}{ASKED}"
    fresh = folder / f"{named}-{os.getpid()}{_UNFINISHED}"
    told = json.dumps(_told(command)).encode()
    if long := too_long(command):
        msg = (
            f"the {long} of the command has {len(getattr(command, long)):,} "
            "characters; nothing was asked of the engine. Write a shorter one"
        )
        raise StoreError(msg)
    most = MOST_BYTES if command.verb in _LARGE else MOST_SMALL_BYTES
    if len(told) > most:
        msg = (
            f"the command has {len(told):,} bytes, more than {most:,}; nothing was "
            "asked of the engine. Ask for less at once, or with a shorter reason"
        )
        raise StoreError(msg)
    try:
        if target.exists():
            _check_same(target, told, command)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(fresh, flags, layout.file_mode), "wb") as file:
            # The folder's group is the engine's; a umask must not keep it out.
            os.fchmod(file.fileno(), layout.file_mode)
            file.write(told)
            file.flush()
            os.fsync(file.fileno())
            fresh.rename(target)
            # Again: who may not list the folder may not sync it, and on the file
            # systems of today the file's own sync carries its new name.
            os.fsync(file.fileno())
        with suppress(PermissionError):
            settle_folder(folder)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        way_out = (
            "Make room on the disk"
            if error.errno in NO_ROOM
            else "Its mode says who may command; ask the workspace's owner"
        )
        msg = (
            f"the inbox {folder} cannot be written: {error.strerror}. Nothing was "
            f"asked of the engine. {way_out}"
        )
        raise StoreError(msg) from error


MostOf = Callable[[Identity], int]


def however_many(_: Identity) -> int:
    """Take of everybody whatever they ask."""
    return MOST_NAMES


class AskedFiles:
    """The engine's end of the folder; whatever lies in it, a turn is short.

    Args:
        layout: Whose folder.
        only_looks: Whether whatever is no command is left where it is, and not told.
    """

    def __init__(self, layout: Layout, *, only_looks: bool = False) -> None:
        self._only_looks = only_looks
        self._folder = layout.asks
        self._layout = layout
        self._paths: dict[str, Path] = {}
        self._told: set[str] = set()
        self._entries: Iterator[os.DirEntry[str]] | None = None
        self._people: dict[int, Identity] = {}
        self._last_large = -1

    def waiting(self, most_of: MostOf = however_many) -> list[Command]:
        """Return what was asked, oldest first: so many in one turn.

        Of every account as many as of any other, as far as it asked so much: nobody's
        flood keeps what others ask from being taken. What cannot be a command is taken
        away, or told of once and left.

        Args:
            most_of: How many of an account are to be read; what it laid beyond them is
                taken away unread.
        """
        laid = self._to_be_read(self._looked_at(), most_of)
        small = [one for one in laid if one.size <= MOST_SMALL_BYTES]
        found: list[tuple[int, Command]] = []
        for one in islice(_fairly(small), MOST_OPENED):
            if len(found) == MOST_A_TURN:
                break
            found += self._read(one, MOST_SMALL_BYTES, _MOST_SMALL_VALUES)
        for one in self._next_large(laid):
            found += self._read(one, MOST_BYTES, MOST_VALUES)
        return [command for _, command in sorted(found, key=lambda one: one[0])]

    def forget(self, command_id: str) -> None:
        """Take a command away that the state store holds now."""
        path = self._paths.pop(command_id, None)
        if path is not None:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Look no further."""
        self._entries = None

    def _looked_at(self) -> list[_Laid]:
        """Look at the next names in the folder, and take away what is no file."""
        found: list[_Laid] = []
        try:
            if self._entries is None:
                self._entries = _entries(self._folder)
            for count, entry in enumerate(self._entries, 1):
                if entry.name.endswith(_UNFINISHED):
                    self._clear(entry)
                elif not entry.name.endswith(ASKED):
                    self._refuse(self._folder / entry.name, "is no command")
                elif not entry.is_file(follow_symlinks=False):
                    self._refuse(self._folder / entry.name, "is no file")
                else:
                    with suppress(OSError):
                        about = entry.stat(follow_symlinks=False)
                        size, at_ns = about.st_size, about.st_mtime_ns
                        found.append(_Laid(at_ns, entry.name, about.st_uid, size))
                if count == MOST_NAMES:
                    return found
        except OSError:
            pass
        self._entries = None
        return found

    def _to_be_read(self, laid: list[_Laid], most_of: MostOf) -> list[_Laid]:
        """Return what is to be read, oldest first; take away what is too much."""
        kept: list[_Laid] = []
        of_each: Counter[int] = Counter()
        self._people = {uid: identity_of(self._layout, uid) for _, _, uid, _ in laid}
        most = {uid: most_of(who) for uid, who in self._people.items()}
        for one in sorted(laid):
            if of_each[one.uid] < most[one.uid]:
                of_each[one.uid] += 1
                kept.append(one)
            else:
                with suppress(OSError):
                    (self._folder / one.name).unlink(missing_ok=True)
        return kept

    def _next_large(self, laid: list[_Laid]) -> Iterator[_Laid]:
        """Yield the oldest large one of the account whose turn it is; or none."""
        large = [one for one in laid if one.size > MOST_SMALL_BYTES]
        if large:
            after = [one.uid for one in large if one.uid > self._last_large]
            self._last_large = min(after or [one.uid for one in large])
            yield next(one for one in large if one.uid == self._last_large)

    def _clear(self, entry: os.DirEntry[str]) -> None:
        with suppress(OSError):
            newest = self._folder.stat().st_mtime
            age_s = newest - entry.stat(follow_symlinks=False).st_mtime
            # One from the future is no asker's either.
            if abs(age_s) > _GIVEN_UP_S:
                self._refuse(self._folder / entry.name, "was never finished")

    def _read(
        self, laid: _Laid, most_bytes: int, most_values: int
    ) -> Iterator[tuple[int, Command]]:
        """Yield the command in a file, or nothing; with when it was laid."""
        path = self._folder / laid.name
        # Never wait: for a pipe's other end, nor for whoever holds a lease on a file.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EWOULDBLOCK):
                self._refuse(path, f"cannot be opened ({error.strerror})")
            return
        try:
            about = os.fstat(descriptor)
            wrong = _unfit(about)
            if wrong:
                self._refuse(path, wrong)
                return
            # One read, one byte more than there may be: it may still be growing.
            data = os.read(descriptor, most_bytes + 1)
            if about.st_uid != laid.uid or most_bytes < len(data) <= MOST_BYTES:
                return  # It is not what was looked at: another turn finds what it is.
            command = _command(data, most_values)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            self._refuse(path, f"is no command ({type(error).__name__})")
            return
        except OSError as error:
            self._refuse(path, f"cannot be read ({error.strerror})")
            return
        finally:
            os.close(descriptor)
        self._paths[command.command_id] = path
        yield laid.at_ns, replace(command, asker=self._people[laid.uid])

    def _refuse(self, path: Path, why: str) -> None:
        """Take away what is no command; what cannot be taken away is told of once."""
        if self._only_looks:
            return
        try:
            path.unlink()
        except OSError:
            with suppress(OSError):
                path.rmdir()
        if path.name not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(path.name)
            log.warning("%s %s; it was not obeyed", path, why)


class _Laid(NamedTuple):
    """A file in the folder, as its name's entry tells; the oldest is the least."""

    at_ns: int
    name: str
    uid: int
    size: int


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    # Closed with the generator: one that is left half way is gone on with, or let go.
    with os.scandir(folder) as entries:
        yield from entries


def _fairly(laid: Iterable[_Laid]) -> Iterator[_Laid]:
    """Yield the oldest of every account, then the second oldest of each, ..."""
    of_each: defaultdict[int, list[_Laid]] = defaultdict(list)
    for one in laid:
        of_each[one.uid].append(one)
    for together in zip_longest(*of_each.values()):
        yield from (one for one in together if one is not None)


def _unfit(about: os.stat_result) -> str:
    """Return why what was opened can be nobody's command; or nothing."""
    if not stat.S_ISREG(about.st_mode):
        return "is no file"
    if about.st_nlink != 1:
        return "has a second name: nobody knows who laid it here"
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "may be written by others than its owner"
    if about.st_size > MOST_BYTES:
        return f"has {about.st_size:,} bytes"
    return ""


def _told(command: Command) -> dict[str, object]:
    told = asdict(replace(command, asker=None))
    del told["asker"]
    return told


def _check_same(target: Path, told: bytes, command: Command) -> None:
    with suppress(PermissionError):
        if target.read_bytes() == told:
            return
    msg = (
        f"another command was asked under the id {command.command_id}; nothing "
        "was asked of the engine. Ask under an id of its own."
    )
    raise StoreError(msg)


def _command(data: bytes, most_values: int) -> Command:
    """Return what a file asks for.

    Raises:
        ValueError: It is no command; ``TypeError`` and ``KeyError`` say the same.
    """
    told = bounded_json(data, most_values)
    texts = {name: told[name] for name in TEXTS}
    command = Command(at_ms=told["at_ms"], payload=told["payload"], **texts)
    check_sound(command)
    if len(data) > MOST_SMALL_BYTES and command.verb not in _LARGE:
        raise ValueError("larger than any command of its verb")
    return command
