"""Printing tables, measured in terminal cells, every cell through the text door."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from watchfloor.cli.lines import answer
from watchfloor.domain.text import clean


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a head; numbers right, text left, columns as wide as needed."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [
        max([cell_len(title), *(cell_len(row[column]) for row in cells)])
        for column, title in enumerate(head)
    ]
    answer(
        "  ".join(_fit(t, w, None) for t, w in zip(head, widths, strict=True)).rstrip()
    )
    for row, values in zip(cells, rows, strict=True):
        answer(
            "  ".join(
                _fit(text, width, value)
                for text, width, value in zip(row, widths, values, strict=True)
            ).rstrip()
        )


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return clean(value, 200)


def _fit(text: str, width: int, value: object) -> str:
    if isinstance(value, int):
        return " " * (width - cell_len(text)) + text
    return set_cell_size(text, width)
