"""Round steps, short figures and names in the cells there are, for all plots."""

from __future__ import annotations

import math

from rich.cells import cell_len

from watchfloor.console.pieces import Line, Piece
from watchfloor.console.text import cut, wrapped
from watchfloor.domain.text import clean

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400

#: Lengths of time that people count in, in seconds, below a day.
_TIMES_S = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE_S * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR_S * n for n in (1, 2, 3, 6, 12)),
)

#: From which figure on, in what, with which sign; three digits round up into the next.
_SIZES = (
    *((9.995e11, 1e12, "T"), (9.995e8, 1e9, "G"), (9.995e5, 1e6, "M")),
    (1e4, 1e3, "k"),
)


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20 ... that is not below *least*, above 0."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= least * (1 - 1e-9))


def time_step(least_s: float) -> int:
    """Return the smallest round length of time, in seconds, not below *least_s*."""
    for step in _TIMES_S:
        if step >= least_s:
            return step
    return _DAY_S * math.ceil(round_step(max(1.0, least_s / _DAY_S)))


def time_label(seconds: int) -> str:
    """Return ``30s``, ``10m``, ``1h30m`` or ``2d``: a length of time on an axis."""
    days, rest = divmod(seconds, _DAY_S)
    hours, rest = divmod(rest, _HOUR_S)
    minutes, left = divmod(rest, _MINUTE_S)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (left, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0"


def short(number: float, pattern: str = ",.1f") -> str:
    """Return a figure with ``k``, ``M``, ``G`` or ``T`` instead of many digits."""
    for least, size, sign in _SIZES:
        if number >= least:
            return f"{number / size:{pattern}}{sign}"
    return f"{number:{pattern}}"


def short_count(count: int, width: int) -> str:
    """Return a count in full where it fits into *width*, else as short as it goes."""
    full = f"{count:,}"
    return full if len(full) <= width else short(count, ".3g")


def named(name: str, width: int, *, ascii_only: bool) -> str:
    """Return a name from outside, cleaned, in at most *width* cells."""
    text = plain_text(clean(name), ascii_only=ascii_only)
    if cell_len(text) <= width:
        return text
    return plain_text(cut(text, max(1, width)), ascii_only=ascii_only)


def plain_text(text: str, *, ascii_only: bool) -> str:
    """Return *text*, with ``?`` for what is not ASCII where only ASCII is shown."""
    if not ascii_only:
        return text
    return text.replace("…", "~").encode("ascii", "replace").decode("ascii")


def told(sentence: str, width: int, most: int, *, ascii_only: bool) -> tuple[Line, ...]:
    """Return the words that stand where a plot has no room or nothing to show."""
    if width < 1 or most < 1:
        return ()
    lines = wrapped(sentence, width, most)
    return tuple(
        (Piece(plain_text(line, ascii_only=ascii_only), "dim"),) for line in lines
    )


def first_fitting(width: int, *sentences: str) -> str:
    """Return the first sentence that fits into *width* cells, or nothing."""
    return next((one for one in sentences if cell_len(one) <= width), "")


def label_line(labels: list[tuple[int, str]], width: int) -> str:
    """Return labels in one line, each from its cell on; those without room left out."""
    line = ""
    for start, label in labels:
        begins = max(0, min(start, width - len(label)))
        is_first = not line
        if (is_first or begins > len(line) + 1) and begins + len(label) <= width:
            line = line.ljust(begins) + label
    return line
