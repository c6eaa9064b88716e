"""An archive in the making: part by part, each kept once it is whole.

A part counts when the file beside it, which is written last and at once, tells its
sums. What a crash left half done is written again; the archive itself appears under its
name in one step, with everything on the disk.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

from watchfloor.store.archive.columns import SCHEMA, VERSION, Column, Row
from watchfloor.store.archive.formats import Format, PartWriter, part_writer
from watchfloor.store.archive.manifest import (
    FILE,
    Manifest,
    Part,
    PartFile,
    manifest_json,
    part_json,
    part_of,
)
from watchfloor.store.archive.private_files import (
    created,
    read_json,
    sealed,
    settle_folder,
    sha256_of,
    write_json,
)
from watchfloor.store.archive.tallies import Tally

_BEGUN = "begun.json"


class Slice(NamedTuple):
    """Some records in seq order with every attempt at them, as an archive tells them.

    Attributes:
        report: The attempts, counted.
    """

    records: Sequence[Row]
    attempts: Sequence[Row]
    last_seq: int
    states: Sequence[str]
    report: Tally


class Draft:
    """The folder in which one archive is made. Used by one thread at a time.

    Args:
        folder: Made if it is not there. What it holds is kept, if it was begun for the
            same *about* in the same format.
        about: What is told of the run.
        form: Of the part files.

    Raises:
        OSError: The disk does not take it.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], form: Format) -> None:
        self.folder = folder
        self.parts: list[Part] = []
        self._about = about
        self._form = form
        begun = {"version": VERSION, "format": form, "run": about}
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        if _told(folder / _BEGUN) == begun:
            self._take_up()
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        write_json(folder / _BEGUN, begun)

    @property
    def records(self) -> int:
        """How many records stand in whole parts."""
        return sum(part.records.rows for part in self.parts)

    @property
    def last_seq(self) -> int:
        """The last record that stands in a whole part; 0 before the first."""
        return self.parts[-1].last_seq if self.parts else 0

    def add_part(self, slices: Iterable[Slice]) -> bool:
        """Write the next part; return whether there was any record for it.

        Raises:
            OSError: The disk does not take it; the draft is as it was.
        """
        number = len(self.parts) + 1
        paths = [self.folder / f"{what}-{number:05}.{self._form}" for what in SCHEMA]
        tally, states, rows, last_seq = Tally(), dict[str, int](), [0, 0], self.last_seq
        with ExitStack() as stack:
            writers = [
                stack.enter_context(_Writing(path, self._form, columns))
                for path, columns in zip(paths, SCHEMA.values(), strict=True)
            ]
            for piece in slices:
                for at, lines in enumerate((piece.records, piece.attempts)):
                    writers[at].add(lines)
                    rows[at] += len(lines)
                for state in piece.states:
                    states[state] = states.get(state, 0) + 1
                tally.add_all(piece.report.lines)
                last_seq = piece.last_seq
        if not rows[0]:
            for path in paths:
                path.unlink()
            return False
        files = [
            _part_file(path, count) for path, count in zip(paths, rows, strict=True)
        ]
        part = Part(
            records=files[0],
            attempts=files[1],
            last_seq=last_seq,
            states=states,
            report=tuple(tally.lines),
        )
        write_json(self._beside(number), part_json(part))
        self.parts.append(part)
        return True

    def finish(self, into: Path) -> Manifest:
        """Put the archive under its name, whole and on the disk.

        Returns:
            What it says of itself.

        Raises:
            OSError: The disk does not take it; it is a draft still.
        """
        report, states = Tally(), dict[str, int]()
        for part in self.parts:
            report.add_all(part.report)
            for state, count in part.states.items():
                states[state] = states.get(state, 0) + count
        manifest = Manifest(
            run=self._about,
            form=self._form,
            files={
                "records": tuple(part.records for part in self.parts),
                "attempts": tuple(part.attempts for part in self.parts),
            },
            states=states,
            report=tuple(report.lines),
        )
        write_json(self.folder / FILE, manifest_json(manifest))
        self.folder.rename(into)
        settle_folder(into.parent)
        # Nobody reads the rest in a whole archive; a crash may leave it there.
        for leftover in (into / _BEGUN, *into.glob("part-*.json")):
            leftover.unlink(missing_ok=True)
        return manifest

    def _take_up(self) -> None:
        while (part := _part(self._beside(len(self.parts) + 1))) is not None:
            if not all(file.is_sound(self.folder) for file in part.files):
                return
            self.parts.append(part)

    def _beside(self, number: int) -> Path:
        return self.folder / f"part-{number:05}.json"


class _Writing:
    """A part file while it is written; closed on the disk, or closed and nothing."""

    def __init__(self, path: Path, form: Format, columns: Sequence[Column]) -> None:
        path.unlink(missing_ok=True)
        self._file = created(path)
        self._writer: PartWriter = part_writer(form, self._file, columns)

    def __enter__(self) -> PartWriter:
        return self._writer

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._file:
            if kind is None:
                self._writer.close()
                sealed(self._file)
                return
            # It could not be written; closing it writes again, and fails again.
            with suppress(OSError):
                self._writer.close()


def discard(folder: Path) -> None:
    """Remove an archive or a draft that is not to be kept.

    Of a link in its place the link alone: what it leads to is not the workspace's.

    Raises:
        OSError: The disk does not let it go.
    """
    if folder.is_symlink():
        folder.unlink()
        settle_folder(folder.parent)
    elif folder.exists():
        shutil.rmtree(folder)
        settle_folder(folder.parent)


def _part_file(path: Path, rows: int) -> PartFile:
    return PartFile(
        name=path.name, rows=rows, bytes=path.stat().st_size, sha256=sha256_of(path)
    )


def _told(path: Path) -> object:
    try:
        return read_json(path)
    except (OSError, ValueError):
        return None


def _part(path: Path) -> Part | None:
    try:
        return part_of(read_json(path))
    except (OSError, ValueError, KeyError, TypeError):
        return None
