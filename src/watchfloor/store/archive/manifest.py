"""What an archive says of itself: its run, its files and their sums, its totals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from watchfloor.domain.books import Books
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.records import RecordState
from watchfloor.store.archive.columns import SCHEMA, VERSION
from watchfloor.store.archive.formats import Format
from watchfloor.store.archive.private_files import read_json, sha256_of
from watchfloor.store.archive.tallies import ReportLine

FILE = "manifest.json"
_PART_NAME = re.compile(r"(?:records|attempts)-\d{5,}\.(?:parquet|jsonl\.gz)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """One file of rows."""

    name: str
    rows: int
    bytes: int
    sha256: str

    def is_sound(self, folder: Path) -> bool:
        """Whether the file is there, byte for byte."""
        path = folder / self.name
        try:
            right_size = path.stat().st_size == self.bytes
            return right_size and sha256_of(path) == self.sha256
        except OSError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some records of a run, in seq order, with every attempt at them.

    Attributes:
        last_seq: No record of this part has a greater one, none of the next a smaller.
        states: How many of the records are in each state.
        report: The attempts, counted.
    """

    records: PartFile
    attempts: PartFile
    last_seq: int
    states: Mapping[str, int]
    report: tuple[ReportLine, ...]

    @property
    def files(self) -> tuple[PartFile, PartFile]:
        """Both files."""
        return self.records, self.attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One whole archive.

    Attributes:
        run: What is told of the run; see ``Subject.about``.
        files: Of records, and of attempts, in order.
        states: How many records are in each state.
        report: All attempts, counted.
    """

    run: Mapping[str, Any]
    form: Format
    files: Mapping[str, tuple[PartFile, ...]]
    states: Mapping[str, int]
    report: tuple[ReportLine, ...]

    @property
    def records(self) -> int:
        """How many records it holds."""
        return sum(file.rows for file in self.files["records"])

    @property
    def attempts(self) -> int:
        """How many attempts it holds."""
        return sum(file.rows for file in self.files["attempts"])

    @property
    def bytes(self) -> int:
        """How long its part files are."""
        return sum(file.bytes for files in self.files.values() for file in files)


def manifest_json(manifest: Manifest) -> dict[str, Any]:
    """Return what stands in the file."""
    return {
        "watchfloor_archive": VERSION,
        "run": manifest.run,
        "format": manifest.form,
        "columns": {
            what: {name: str(kind) for name, kind in columns}
            for what, columns in SCHEMA.items()
        },
        "totals": {
            "records": manifest.records,
            "attempts": manifest.attempts,
            "took_ms": sum(line.took_ms for line in manifest.report),
            "states": manifest.states,
        },
        "files": {
            what: [asdict(file) for file in files]
            for what, files in manifest.files.items()
        },
        "report": [line._asdict() for line in manifest.report],
    }


def read_manifest(folder: Path) -> Manifest:
    """Return what the archive in *folder* says of itself; no part file is looked at.

    Raises:
        ConfigError: It is no archive, of a version this code does not know, or purged.
    """
    path = folder / FILE
    try:
        told = read_json(path)
        if told["watchfloor_archive"] != VERSION:
            msg = (
                f"the archive {folder} is of version {told['watchfloor_archive']!r}, "
                f"this Watchfloor knows {VERSION}; nothing was read. Use the newer "
                "Watchfloor that wrote it"
            )
            raise ConfigError(msg)
        if told.get("purged"):
            msg = f"the archive {folder} was purged: it holds nobody; nothing was read"
            raise ConfigError(msg)
        return _manifest(told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = (
            f"{folder} is no archive of a run that can be read: "
            f"{type(error).__name__}: {error}. Nothing was read; name another folder"
        )
        raise ConfigError(msg) from error


def differences(manifest: Manifest, books: Books) -> str:
    """Return what an archive counts otherwise than the books; empty where nothing."""
    wanted = {state.word: books.count(state) for state in RecordState}
    found = {word: manifest.states.get(word, 0) for word in wanted}
    wanted |= {"records": books.records, "attempts": books.attempts}
    found |= {"records": manifest.records, "attempts": manifest.attempts}
    reported = sum(line.attempts for line in manifest.report)
    wrong = [
        f"{key} {found[key]:,} archived, {number:,} in the books"
        for key, number in wanted.items()
        if found[key] != number
    ]
    if reported != books.attempts:
        wrong.append(
            f"attempts {reported:,} in the report, {books.attempts:,} in the books"
        )
    return "; ".join(wrong)


def part_json(part: Part) -> dict[str, Any]:
    """Return what is kept beside a finished part."""
    return {**asdict(part), "report": [list(line) for line in part.report]}


def part_of(told: Mapping[str, Any]) -> Part:
    """Return the part that ``part_json`` told of.

    Raises:
        ValueError, KeyError, TypeError: It told of none.
    """
    return Part(
        records=_file(told["records"]),
        attempts=_file(told["attempts"]),
        last_seq=told["last_seq"],
        states=told["states"],
        report=tuple(ReportLine(*line) for line in told["report"]),
    )


def _manifest(told: Mapping[str, Any]) -> Manifest:
    return Manifest(
        run=told["run"],
        form=Format(told["format"]),
        files={
            what: tuple(_file(file) for file in told["files"][what]) for what in SCHEMA
        },
        states=told["totals"]["states"],
        report=tuple(ReportLine(**line) for line in told["report"]),
    )


def _file(told: Mapping[str, Any]) -> PartFile:
    file = PartFile(**told)
    if not _PART_NAME.fullmatch(file.name):
        # It becomes a path: an archive from elsewhere must not point out of itself.
        msg = f"{file.name!r} is no name of a part file"
        raise ValueError(msg)
    return file
