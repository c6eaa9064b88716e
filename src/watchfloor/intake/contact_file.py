"""A contact file, row by row in constant memory: delimited text of any origin.

One bad row is one row with a problem, never an exception and never the end of the file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import FileIO, StringIO
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from watchfloor.domain.errors import ConfigError
from watchfloor.intake.logical_rows import MAX_ROW_CHARS, LogicalRow, LogicalRows
from watchfloor.intake.physical_lines import PhysicalLines
from watchfloor.intake.plain_file import NoFileError, opened
from watchfloor.intake.text_encoding import (
    binary_kind,
    encoding_of,
    has_stray_bytes,
    with_stray_bytes_read,
)

SAMPLE_BYTES = 256 * 1024
DELIMITERS = (",", ";", "\t", "|")
MAX_CELL_CHARS = 16 * 1024
#: So many broken rows one after another are no rows: each would be kept as a reject.
MOST_BROKEN = 50_000
_SAMPLE_LINES = 50


class ContactRow(NamedTuple):
    """One row as it stands in the file.

    Attributes:
        row_no: Counted from 1 after the header; blank lines are no rows.
        line_no: The physical line on which it starts, from 1.
        cells: As many as there are columns; not to be used where there is a problem.
        raw: The text exactly as received, without its final line end. Bytes that do
            not decode are read as Windows-1252.
        problem: Why the row cannot be used, or an empty string.
    """

    row_no: int
    line_no: int
    cells: list[str]
    raw: str
    problem: str


class ContactFile:
    """An open contact file whose header is read.

    Args:
        path: The file.
        follows: Whether a link is gone through.

    Attributes:
        size: In bytes, when it was opened.
        delimiter: One of ``DELIMITERS``.
        header: The column names as written, not yet checked.
        raw_header: The header's text without its line end.

    Raises:
        ConfigError: The file cannot be opened, has no row or is no text.
    """

    def __init__(self, path: Path, *, follows: bool = True) -> None:
        self._path = path
        self._file, self.size = opened_contacts(path, follows=follows)
        try:
            sample = self._sample()
            self._encoding = encoding_of(sample)
            text = sample[self._encoding.bom :].decode(self._encoding.name, "replace")
            self.delimiter = _delimiter(text)
            self._lines = PhysicalLines(self._file, self._encoding)
            self.header, self.raw_header = self._read_header()
            self._demand_a_row()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        self._file.close()

    @property
    def encoding(self) -> str:
        """The codec's name, as Python calls it."""
        return self._encoding.name

    @property
    def position(self) -> int:
        """Bytes taken from the file so far; a little ahead of the row last given."""
        return self._lines.position

    def rows(self) -> Iterator[ContactRow]:
        """Yield every row from the first one; a new call begins anew.

        Raises:
            ConfigError: The file can no longer be read, or has long held no row that
                fits its header.
        """
        rows = self._rewound(width=len(self.header))
        row_no, line_no, broken = -1, 1, 0
        try:
            for row in rows:
                if row.problem or row.cells:
                    row_no += 1
                    if row_no:
                        checked = self._checked(row, row_no, line_no)
                        broken = broken + 1 if checked.problem else 0
                        if broken > MOST_BROKEN:
                            raise self._unreadable_from(checked, row_no - broken + 1)
                        yield checked
                line_no += row.lines
        except OSError as error:
            why = (
                f"reading failed after {self.position:,} bytes ({error.strerror}); "
                "the rows before that are read, the rest is not; check the disk"
            )
            raise self._unusable(why) from error

    def _rewound(self, width: int) -> LogicalRows:
        self._file.seek(self._encoding.bom)
        self._lines = PhysicalLines(self._file, self._encoding)
        rows = LogicalRows(iter(self._lines), self.delimiter)
        rows.width = width
        return rows

    def _sample(self) -> bytes:
        try:
            sample = self._file.read(SAMPLE_BYTES)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        kind = binary_kind(sample)
        if kind:
            why = f"this is {kind}, not a text file; save it as CSV (UTF-8)"
            raise self._unusable(why)
        return sample

    def _demand_a_row(self) -> None:
        if next(self.rows(), None) is None:
            raise self._unusable("there is a header and no row; nobody to contact")

    def _read_header(self) -> tuple[list[str], str]:
        for row in self._rewound(width=0):
            if row.problem or row.cells:
                problem = row.problem or self._damage(row.raw)
                if problem:
                    why = f"the header cannot be read: {problem}; correct line 1"
                    raise self._unusable(why)
                return row.cells, row.raw.rstrip("\r\n")
        raise self._unusable("the file is empty; it needs a header line and rows")

    def _unreadable_from(self, row: ContactRow, first: int) -> ConfigError:
        why = (
            f"from row {first:,} on {MOST_BROKEN:,} rows in a row cannot be read (row "
            f"{row.row_no:,}, line {row.line_no:,}: {row.problem}); look for a quote "
            "that is not closed, or for lines that are another file's, and correct it"
        )
        return self._unusable(why)

    def _unusable(self, why: str) -> ConfigError:
        return ConfigError(f"{self._path}: {why}")

    def _checked(self, row: LogicalRow, row_no: int, line_no: int) -> ContactRow:
        cells, raw, _, problem = row
        raw = raw.rstrip("\r\n")
        damage = self._damage(raw)
        if damage:
            raw = with_stray_bytes_read(raw)[:MAX_ROW_CHARS]
        problem = damage or problem or self._misfit(cells, raw)
        return ContactRow(row_no, line_no, cells, raw, problem)

    def _damage(self, raw: str) -> str:
        if len(raw) > MAX_ROW_CHARS:
            return f"a row longer than {MAX_ROW_CHARS:,} characters, cut here"
        if "\0" in raw:
            return "a NUL byte in the row"
        if has_stray_bytes(raw, self._encoding):
            return f"bytes in the row that are not {self._encoding.name}"
        return ""

    def _misfit(self, cells: list[str], raw: str) -> str:
        width = len(self.header)
        if len(cells) != width:
            few = "few" if len(cells) < width else "many"
            return f"too {few} cells: {len(cells)} for {width} columns"
        if len(raw) > MAX_CELL_CHARS and max(map(len, cells)) > MAX_CELL_CHARS:
            return f"a cell longer than {MAX_CELL_CHARS:,} characters"
        return ""


def opened_contacts(path: Path, *, follows: bool) -> tuple[FileIO, int]:
    """Open a contact file, unbuffered; return it with its size in bytes.

    Raises:
        ConfigError: It cannot be opened, or is no file.
    """
    try:
        return opened(path, follows=follows)
    except NoFileError as error:
        why = f"{path}: this is {error.what}; name a CSV file"
        raise ConfigError(why) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ConfigError:
    why = (error.strerror or "it cannot be read").lower()
    return ConfigError(
        f"{path}: the contact file cannot be read: {why}; check its name and rights"
    )


def _delimiter(sample: str) -> str:
    """Return the delimiter by which most lines have as many cells as the header."""
    lines = [
        line
        for line in islice(StringIO(sample, newline=""), _SAMPLE_LINES)
        if line.strip() and len(line) <= MAX_CELL_CHARS
    ]
    return max(DELIMITERS, key=lambda one: _agreement(lines, one))


def _agreement(lines: list[str], delimiter: str) -> tuple[float, int]:
    # Leniently and line by line: this is about the file, not about its worst row.
    widths = [len(next(csv.reader([line], delimiter=delimiter))) for line in lines]
    if not widths or widths[0] == 1:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]
