"""Cells that a spreadsheet would run as formulas: marked going out, unmarked coming in.

A fix file goes to people who open it in a spreadsheet. There ``=HYPERLINK(...)`` in
somebody's name would be run. Such a cell gets one apostrophe in front, and loses it
when the file is read again: nothing is changed by the way there and back. Numbers and
phone numbers begin with a sign too, can only be counted with, and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

MARK = "'"

#: What begins a formula in one spreadsheet or another, wide forms included.
_SIGNS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_BLANKS = frozenset("\t\r\n")
#: A number or a phone number with its extension: no letter and no sign that can call.
_FIGURES = re.compile(
    r"[+-][0-9 ()./-]+(?:;ext=[0-9]{1,12}|(?:x|ext\.?) ?[0-9]{1,12})?"
)


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet might run a cell, marks in front not counted."""
    bare = cell.lstrip(MARK)
    if bare[:1] in _BLANKS:
        return True
    return bare.lstrip()[:1] in _SIGNS and _FIGURES.fullmatch(bare) is None


def marked(cell: str) -> str:
    """Return a cell as it may be opened in a spreadsheet."""
    return f"{MARK}{cell}" if is_formula(cell) else cell


def unmarked(cell: str) -> str:
    """Return what was marked."""
    return cell[1:] if cell.startswith(MARK) and is_formula(cell) else cell


def marked_row(raw: str, delimiter: str) -> str:
    """Return a row's raw text with its cells marked, however badly it is quoted."""
    return _each_cell(raw, delimiter, marked)


def unmarked_row(raw: str, delimiter: str) -> str:
    """Return the raw text that was marked."""
    return _each_cell(raw, delimiter, unmarked)


def _each_cell(raw: str, delimiter: str, change: Callable[[str], str]) -> str:
    """Change what stands in each cell; quotes and delimiters stay where they are."""
    cell, parts, at = _cell(delimiter), [], 0
    while True:
        found = cell.match(raw, at)
        # The pattern takes nothing too, so it fits everywhere.
        text = found[0] if found else ""
        parts.append(_changed(text, change))
        at += len(text)
        if at >= len(raw):
            return "".join(parts)
        parts.append(delimiter)
        at += 1


def _changed(text: str, change: Callable[[str], str]) -> str:
    if not text.startswith('"'):
        return change(text)
    end = '"' if text.endswith('"') and len(text) > 1 else ""
    return f'"{change(text[1 : len(text) - len(end)])}{end}'


@cache
def _cell(delimiter: str) -> re.Pattern[str]:
    one = re.escape(delimiter)
    # A quote that is never closed holds the rest of the row, as it does for a reader.
    return re.compile(rf'(?:"(?:[^"]|"")*(?:"|\Z))?[^{one}]*')
