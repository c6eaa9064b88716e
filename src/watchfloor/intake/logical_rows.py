"""Rows of delimited text with their raw text, however badly the text is quoted."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

MAX_ROW_LINES = 100
MAX_ROW_CHARS = 64 * 1024

#: With fewer columns a line of a quoted text looks like a row by mere accident.
_TELLING_COLUMNS = 3

_UNCLOSED = "a quote is not closed"
_MISPLACED = "a quote is in the wrong place"


class LogicalRow(NamedTuple):
    """One row: its cells, and the text and count of the lines it was made of.

    Blank lines one after another are one row without cells, and without their text.
    """

    cells: list[str]
    raw: str
    lines: int
    problem: str


class LogicalRows:
    """Iterate once over the rows; blank lines come as rows without cells.

    A quoted cell may hold line ends. A quote that is never closed must not take the
    rest of the file with it: a row has at most ``MAX_ROW_LINES`` lines and
    ``MAX_ROW_CHARS`` characters, and where it breaks, only its first line is given
    up and the next line is read as a row again.

    Args:
        lines: Physical lines with their ends.
        delimiter: One character.

    Attributes:
        width: The number of columns, 0 while it is not known.
    """

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._taken: list[str] = []
        self._again: deque[str] = deque()
        self.width = 0

    def __iter__(self) -> Iterator[LogicalRow]:
        taken = self._taken
        rows = self._reader()
        while True:
            problem = ""
            taken.clear()
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                cells = []
                is_open = len(taken) > 1 or "unexpected end" in str(error)
                problem = _UNCLOSED if is_open else _MISPLACED
            if len(taken) > 1 and not problem and self._has_swallowed_rows():
                cells, problem = [], _UNCLOSED
            if problem:
                self._again.extendleft(reversed(taken[1:]))
                del taken[1:]
                rows = self._reader()
            raw = taken[0] if len(taken) == 1 else "".join(taken)
            if raw.isspace() and not problem:
                yield LogicalRow([], "", len(taken) + self._blank_lines(), "")
            else:
                yield LogicalRow(cells, raw, len(taken), problem)

    def _reader(self) -> Iterator[list[str]]:
        # Strict, since a lenient reader repairs a broken row into other data.
        return csv.reader(self._feed(), delimiter=self._delimiter, strict=True)

    def _feed(self) -> Iterator[str]:
        taken, again = self._taken, self._again
        while not taken or self._may_go_on():
            line = again.popleft() if again else next(self._lines, "")
            if not line:
                return
            taken.append(line)
            yield line

    def _blank_lines(self) -> int:
        """Take the blank lines that follow; a file may be megabytes of them."""
        blank = 0
        while self._again:
            if not self._again[0].isspace():
                return blank
            self._again.popleft()
            blank += 1
        for line in self._lines:
            if not line.isspace():
                self._again.append(line)
                return blank
            blank += 1
        return blank

    def _may_go_on(self) -> bool:
        taken = self._taken
        return len(taken) < MAX_ROW_LINES and sum(map(len, taken)) <= MAX_ROW_CHARS

    def _has_swallowed_rows(self) -> bool:
        """Say whether a later line of this row is a whole row by itself."""
        if self.width < _TELLING_COLUMNS:
            return False
        return any(
            '"' not in line and line.count(self._delimiter) == self.width - 1
            for line in self._taken[1:]
        )
