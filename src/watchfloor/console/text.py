"""The text door at the width of a terminal: everything shown passes here."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from watchfloor.domain.text import clean


def fit(value: object, width: int, *, right: bool = False) -> str:
    """Return *value* cleaned, cut and padded to exactly *width* terminal cells."""
    if width <= 0:
        return ""
    text = clean(value, limit=max(500, width))
    short = width - cell_len(text)
    if short < 0:
        return cut(text, width)
    return " " * short + text if right else text + " " * short


def cut(text: str, width: int) -> str:
    """Return *text*, already clean, in exactly *width* cells, ending with ``…``."""
    return set_cell_size(text, width - 1) + "…"


def shortened(value: object, most: int) -> str:
    """Return *value* cleaned, in at most *most* cells, ending with ``…`` where cut."""
    text = clean(value)
    return text if cell_len(text) <= most else cut(text, most)


def plain(value: object) -> Content:
    """Return *value* cleaned, as content in which no markup is read."""
    return Content(clean(value))


def wrapped(value: object, width: int, most: int) -> list[str]:
    """Return *value* cleaned, in at most *most* lines of at most *width* cells."""
    lines: list[str] = []
    line = ""
    for word in clean(value, limit=max(1, width * most)).split(" "):
        candidate = f"{line} {word}" if line else word
        if cell_len(candidate) <= width:
            line = candidate
            continue
        if line:
            lines.append(line)
        line = cut(word, width) if cell_len(word) > width else word
    lines.append(line)
    if len(lines) > most:
        return [*lines[: most - 1], cut(lines[most - 1] + " …", width).rstrip()]
    return lines
