"""The two formats of an archive's part files, and which one can be used here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

from watchfloor.domain.errors import ConfigError
from watchfloor.store.archive.columns import Column, Row
from watchfloor.store.archive.json_lines import JsonLinesPart, read_json_lines


class Format(StrEnum):
    """How part files are written; the value is the end of their names."""

    PARQUET = "parquet"
    JSON_LINES = "jsonl.gz"


class PartWriter(Protocol):
    """Writes the rows of one part file."""

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows, in order."""
        ...

    def close(self) -> None:
        """Have everything written; the file itself is the caller's to close."""
        ...


def best_format() -> Format:
    """Return Parquet where it can be written, else compressed JSON lines."""
    try:
        import watchfloor.store.archive.parquet  # noqa: F401, PLC0415 - is it there?
    except ImportError:
        return Format.JSON_LINES
    return Format.PARQUET


def part_writer(form: Format, file: BinaryIO, columns: Sequence[Column]) -> PartWriter:
    """Return a writer of one part file into *file*."""
    if form is Format.JSON_LINES:
        return JsonLinesPart(file, columns)
    # Imported here: it costs a fifth of a second and is not installed everywhere.
    from watchfloor.store.archive.parquet import ParquetPart  # noqa: PLC0415 - see above

    return ParquetPart(file, columns)


def part_rows(
    form: Format, file: BinaryIO, columns: Sequence[Column]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one part file.

    Raises:
        ConfigError: It is Parquet, and nothing here reads that.
    """
    if form is Format.JSON_LINES:
        return read_json_lines(file, columns)
    try:
        from watchfloor.store.archive.parquet import (  # noqa: PLC0415 - see above
            read_parquet,
        )
    except ImportError as error:
        msg = (
            "the archive is Parquet, and pyarrow is not installed; nothing was read. "
            "Install it with: pip install 'watchfloor[parquet]'"
        )
        raise ConfigError(msg) from error
    return read_parquet(file, columns)
