"""A suppression list: a file of contacts that must not be contacted.

A list of a million contacts takes ten seconds of a core to read. The engine has them
read in a process of its own, of which this module is the program too, and takes only
the finished numbers from its pipe.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from array import array
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple
from unicodedata import normalize

from watchfloor.domain.environments import without_secrets
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.identity import contact_digest
from watchfloor.domain.suppression import DigestSet
from watchfloor.domain.text import clean
from watchfloor.intake.contact_file import ContactFile
from watchfloor.intake.file_marks import marks_at
from watchfloor.intake.normalise import UnfitContactError, email, identifier, phone

MAX_BYTES = 512 * 1024 * 1024
MAX_ENTRIES = 10_000_000
MAX_EXAMPLES = 5

#: For the process apart; ten million phones take it three minutes or so.
MAX_SECONDS = 600.0

#: What the contact's column may be called where it is not called as in the campaign.
CONTACT_COLUMNS = ("contact", "address", "phone", "email", "number", "id")

_KINDS = ("phone", "email", "id")
_NICENESS = 10
_PIPE_BYTES = 1024 * 1024
_NUMBER_BYTES = 8


class SuppressionList(NamedTuple):
    """One list as read. ``entries + unusable`` is the number of its rows.

    Attributes:
        digests: Of the usable rows' contacts; contacts that repeat are one.
        entries: Usable rows.
        unusable: Rows that name no contact of the kind: somebody who must not be
            contacted may be among them, so say it wherever the list is named.
        examples: Why the first of those are unusable, each ``row 7: reason``, fit to
            be shown; the rows themselves are not quoted.
        sha256: Of the file's bytes, in hexadecimal digits.
    """

    digests: DigestSet
    entries: int
    unusable: int
    examples: tuple[str, ...]
    sha256: str


def load_suppression(
    path: Path,
    kind: str,
    region: str,
    *,
    column: str = "",
    region_column: str = "",
    within: Path | None = None,
) -> SuppressionList:
    """Read a list in this process: for short ones, and for rehearsals.

    The file is text that ``ContactFile`` understands. Its header names the contact's
    column; without a header every line is one contact. Contacts become what they
    become in an audience, so that equal ones meet.

    Args:
        path: Of the list.
        kind: ``phone``, ``email`` or ``id``.
        region: For phones without +, two letters; or empty.
        column: The campaign's contact column, which goes before ``CONTACT_COLUMNS``.
        region_column: The campaign's; obeyed where the list has it.
        within: The folder that the file must not lie outside of, symbolic links
            followed: the workspace. None for the folder that *path* names.

    Raises:
        ConfigError: The list cannot be used; nothing of it is to be relied on.
    """
    place = path
    try:
        place = _located(path, within or path.parent)
        return _read(place, kind, region, column, region_column)
    except ConfigError as error:
        whys = [mistake.removeprefix(f"{place}: ") for mistake in error.mistakes]
        raise _not_loaded(path, *whys) from error
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise _not_loaded(path, f"{why}; check its name and rights") from error


async def load_apart(
    path: Path,
    kind: str,
    region: str,
    *,
    column: str = "",
    region_column: str = "",
    within: Path | None = None,
) -> SuppressionList:
    """Read a list as ``load_suppression`` does, in a process of its own.

    The process has no shell, a lower priority and an end after ``MAX_SECONDS``; it is
    killed when the caller is cancelled. Signals from the terminal do not reach it.

    Raises:
        ConfigError: The list cannot be used, or the process ended before its work.
    """
    bound = str(within) if within else ""
    order = json.dumps([str(path), kind, region, column, region_column, bound])
    program = (sys.executable, "-P", "-m", "watchfloor.intake.suppression_file")
    try:
        child = await asyncio.create_subprocess_exec(
            *program,
            order,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=DEVNULL,  # a traceback would quote contacts
            limit=_PIPE_BYTES,
            env=without_secrets(os.environ),
            start_new_session=True,
        )
    except OSError as error:
        why = (error.strerror or "refused").lower()
        why = f"no process can be started for it: {why}; end what is not needed"
        raise _not_loaded(path, why) from error
    try:
        async with asyncio.timeout(MAX_SECONDS):
            return await _received(child, path)
    except TimeoutError as error:
        why = f"it took longer than {MAX_SECONDS:,.0f} s; split it or check the disk"
        raise _not_loaded(path, why) from error
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.communicate()  # empties the pipe, or it would stay open


def main() -> None:
    """Read the list that the first argument orders and write it to stdout.

    First a line of JSON: the mistakes, or how many numbers follow and the rest of the
    ``SuppressionList``. Then the numbers, as ``bytes(DigestSet)``.
    """
    if hasattr(os, "nice"):  # not on every platform
        os.nice(_NICENESS)
    path, kind, region, column, region_column, within = json.loads(sys.argv[1])
    head: dict[str, object]
    body = b""
    try:
        found = load_suppression(
            Path(path),
            kind,
            region,
            column=column,
            region_column=region_column,
            within=Path(within) if within else None,
        )
    except ConfigError as error:
        head = {"mistakes": error.mistakes}
    else:
        head = found._asdict() | {"digests": len(found.digests)}
        body = bytes(found.digests)
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n")
    sys.stdout.buffer.write(body)


class _ListFile(ContactFile):
    """A contact file that may be a header alone: a list may name nobody."""

    def _demand_a_row(self) -> None:
        return


class _Shape:
    """What a list's rows are made of.

    Attributes:
        kind: Of its contacts.
        contact: The contact's place.
        region: The region's place, if there is one.
        has_header: Whether the first line is no contact.
    """

    def __init__(
        self, file: ContactFile, kind: str, column: str, region_column: str
    ) -> None:
        if kind not in _KINDS:
            raise ConfigError("audience.kind: write phone, email or id")
        self.kind = kind
        names = [_folded(cell) for cell in file.header]
        # The kind's own name before the others: an id is not always the contact.
        wanted = (_folded(column), kind, *CONTACT_COLUMNS)
        found = next((name for name in wanted if name and name in names), "")
        self.has_header = bool(found)
        if not found and len(names) > 1:
            why = (
                f"no column of its header is called '{clean(column or kind, 40)}' or "
                f"{', '.join(CONTACT_COLUMNS)}; rename the contact's column, or write "
                "one contact per line and no header"
            )
            raise ConfigError(why)
        if names.count(found) > 1:
            why = f"two of its columns are called '{clean(found, 40)}'; rename one"
            raise ConfigError(why)
        self.contact = names.index(found) if found else 0
        place = _folded(region_column)
        self.region = names.index(place) if place and place in names else None

    def normaliser(self, region: str) -> Callable[[list[str]], str]:
        """Return what makes one row's canonical contact; it may refuse the row."""
        at, place = self.contact, self.region
        if self.kind == "email":
            return lambda cells: _address(cells[at])
        if self.kind == "id":
            return lambda cells: identifier(cells[at])
        if place is None:
            return lambda cells: phone(cells[at], region)
        return lambda cells: phone(cells[at], cells[place].strip() or region)


class _Rows:
    """Iterate once over the digests of a list's usable rows, and count the others."""

    def __init__(self, file: ContactFile, shape: _Shape, region: str) -> None:
        self._file = file
        self._shape = shape
        self._normalised = shape.normaliser(region)
        self.entries = 0
        self.unusable = 0
        self.examples: list[str] = []

    def __iter__(self) -> Iterator[bytes]:
        kind, normalised = self._shape.kind, self._normalised
        for row_no, cells, problem in self._numbered():
            if problem:
                self._add_unusable(row_no, problem)
                continue
            try:
                contact = normalised(cells)
            except UnfitContactError as error:
                self._add_unusable(row_no, str(error))
                continue
            self.entries += 1
            if self.entries > MAX_ENTRIES:
                why = f"it has more than {MAX_ENTRIES:,} entries; split it"
                raise ConfigError(why)
            yield contact_digest(kind, contact)

    def demand_an_entry(self) -> None:
        """Refuse a list that was read to its end and has rows, but none of use."""
        if self.unusable and not self.entries:
            why = (
                f"none of its {self.unusable:,} rows names a contact of kind "
                f"{self._shape.kind} ({self.examples[0]}); check that it is the right "
                "file and its first line the header"
            )
            raise ConfigError(why)

    def _numbered(self) -> Iterator[tuple[int, list[str], str]]:
        """Yield number, cells and problem of each row, the first line's if it is one.

        Numbers are those of rejects: from 1, neither header nor blank lines counted.
        """
        first = 1
        if not self._shape.has_header:
            yield 1, self._file.header, ""
            first = 2
        for row_no, row in enumerate(self._file.rows(), first):
            yield row_no, row.cells, row.problem

    def _add_unusable(self, row_no: int, reason: str) -> None:
        self.unusable += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"row {row_no:,}: {clean(reason)}")


def _address(text: str) -> str:
    if text.lstrip().startswith("@"):
        raise UnfitContactError("a whole domain; list each of its addresses")
    return email(text)


def _folded(name: str) -> str:
    return normalize("NFC", name.strip()).casefold()


def _located(path: Path, within: Path) -> Path:
    """Return the file itself, all links followed, and only if it may be read."""
    try:
        place, bound = path.resolve(strict=True), within.resolve()
    except (RuntimeError, ValueError) as error:  # a loop of links, a NUL in the path
        raise ConfigError("no file can be called so; check its name") from error
    if not place.is_relative_to(bound):
        why = f"it lies outside of {clean(bound)}, by a link or by ..; copy it there"
        raise ConfigError(why)
    found = place.stat()
    if not S_ISREG(found.st_mode):  # opening a pipe would wait for its writer
        kind = "a directory" if S_ISDIR(found.st_mode) else "no regular file"
        why = f"this is {kind}; name a CSV or text file"
        raise ConfigError(why)
    if found.st_size > MAX_BYTES:
        why = f"it is larger than {MAX_BYTES // 1024**2} MiB; split it"
        raise ConfigError(why)
    if not found.st_size:
        raise ConfigError(
            "it is empty, as after a failed export; a list that names nobody is a "
            "header alone"
        )
    return place


def _read(
    place: Path, kind: str, region: str, column: str, region_column: str
) -> SuppressionList:
    before = marks_at(place)
    sha256 = _sha256(place)
    with _ListFile(place) as file:
        rows = _Rows(file, _Shape(file, kind, column, region_column), region)
        digests = DigestSet.of(rows)
    rows.demand_an_entry()
    if marks_at(place) != before:
        raise ConfigError("it was changed while it was read; load it again")
    return SuppressionList(
        digests, rows.entries, rows.unusable, tuple(rows.examples), sha256
    )


def _sha256(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _received(child: Process, path: Path) -> SuppressionList:
    """Return what the process apart writes, taken in pieces to keep the loop free."""
    stdout = child.stdout
    assert stdout is not None, "the pipe was asked for"  # noqa: S101 - for the type
    numbers = array("Q")
    try:
        head = json.loads(await stdout.readline())
        if "mistakes" in head:
            raise ConfigError(*head["mistakes"])
        left = head["digests"] * _NUMBER_BYTES
        while left:
            piece = await stdout.readexactly(min(left, _PIPE_BYTES))
            numbers.frombytes(piece)
            left -= len(piece)
    except (asyncio.IncompleteReadError, ValueError) as error:
        await child.wait()
        why = f"its process ended early (code {child.returncode}); load it again"
        raise _not_loaded(path, why) from error
    return SuppressionList(
        digests=DigestSet(numbers),
        entries=head["entries"],
        unusable=head["unusable"],
        examples=tuple(head["examples"]),
        sha256=head["sha256"],
    )


def _not_loaded(path: Path, *reasons: str) -> ConfigError:
    """Return the reasons as sentences that name the list as it was asked for."""
    shown = clean(path)
    return ConfigError(
        *(f"{shown}: the suppression list is not loaded: {why}" for why in reasons)
    )


if __name__ == "__main__":
    main()
