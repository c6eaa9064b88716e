"""A fix file: rows that became no record, as they came in, each with its reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TextIO

from watchfloor.domain.records import RejectKind
from watchfloor.intake.formula_marks import marked, marked_row

#: In front of every row; an upload that has them is read as if it had not.
FIX_COLUMNS = ("watchfloor_row", "watchfloor_reason")

_LINE_END = "\r\n"


def write_rejects(
    out: TextIO,
    header: str,
    delimiter: str,
    rejects: Iterable[tuple[int, str, str, str]],
) -> int:
    """Write the fix file and return how many rows it has.

    What follows the two first columns is the row's raw text: an unclosed quote, a NUL
    or a line end inside a cell goes out as it came in. Only a cell that a spreadsheet
    might run is marked, and unmarked when the file is read: nothing is lost.

    Args:
        out: Opened by the caller with ``encoding="utf-8", newline=""``.
        header: The upload's raw header.
        delimiter: The upload's.
        rejects: Row number, kind, reason and raw text of each; of a filtered row its
            cells as a JSON array in place of the raw text.
    """
    marked_header = marked_row(header, delimiter)
    out.write(f"{delimiter.join((*FIX_COLUMNS, marked_header))}\n")
    rows = 0
    for row_no, kind, reason, kept in rejects:
        # Of a row that the filter left out its cells were kept, not its raw text.
        is_cells = kind == RejectKind.FILTERED and kept
        raw = _row(json.loads(kept), delimiter) if is_cells else kept
        cell = _cell(reason or kind, delimiter)
        marked_raw = marked_row(raw, delimiter)
        out.write(f"{row_no}{delimiter}{cell}{delimiter}{marked_raw}\n")
        rows += 1
    return rows


def _cell(text: str, delimiter: str) -> str:
    return _row((marked(" ".join(text.split())),), delimiter)


def _row(cells: Sequence[str], delimiter: str) -> str:
    row = StringIO()
    # Only what stands in the line end makes the writer quote a cell that has it.
    csv.writer(row, delimiter=delimiter, lineterminator=_LINE_END).writerow(cells)
    return row.getvalue().removesuffix(_LINE_END)
