"""Counts side by side as lying bars: outcome shares and failure groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from watchfloor.console.figures import percent
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.plots_scale import (
    first_fitting,
    named,
    short_count,
    told,
)
from watchfloor.domain.text import clean

_FULL, _PARTS = "█", " ▏▎▍▌▋▊▉"
_EIGHTHS = 8
_PERCENT = len("100%")
#: A bar of fewer cells tells less than the name that could stand there.
_LEAST_BAR = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One count with its name; the role is the look of its bar."""

    name: str
    count: int
    role: str = ""


@dataclass(frozen=True, slots=True)
class _Columns:
    name: int
    count: int
    bar: int


def share_bars(
    shares: Sequence[Bar], width: int, *, ascii_only: bool = False
) -> tuple[Line, ...]:
    """Return a line for each share, in their order; a full bar is all of them."""
    if not shares:
        return told("nothing counted yet", width, 1, ascii_only=ascii_only)
    whole = sum(max(0, share.count) for share in shares)
    columns = _columns(shares, width, width // 3, _PERCENT + 1)
    return tuple(
        _line(share, whole, columns, _share(share.count, whole), ascii_only=ascii_only)
        for share in shares
    )


def group_bars(
    groups: Sequence[Bar], width: int, most: int, *, ascii_only: bool = False
) -> tuple[Line, ...]:
    """Return the largest groups, largest first, in at most *most* lines.

    The largest has the full bar. What is left out is told in the last line.
    """
    if not groups or most < 1:
        return told("nothing counted yet", width, most, ascii_only=ascii_only)
    ordered = sorted(groups, key=lambda group: (-group.count, group.name))
    shown = ordered if len(ordered) <= most else ordered[: most - 1]
    left_out = ordered[len(shown) :]
    columns = _columns(shown, width, width // 2, 0)
    lines = [
        _line(group, ordered[0].count, columns, "", ascii_only=ascii_only)
        for group in shown
    ]
    if left_out:
        lines.append(_rest(left_out, width))
    return tuple(lines)


def _rest(left_out: Sequence[Bar], width: int) -> Line:
    number = len(left_out)
    count = short_count(sum(group.count for group in left_out), width // 2)
    groups = "group" if number == 1 else "groups"
    sentence = first_fitting(
        width,
        f" {number:,} more {groups} with {count} together",
        f" {number:,} more, {count}",
        f" {number:,} more",
    )
    return (Piece(sentence, "dim"),)


def _share(count: int, whole: int) -> str:
    if 0 < count * 100 < whole:
        return "<1%"
    return percent(count / whole if whole else 0.0)


def _columns(bars: Sequence[Bar], width: int, most_name: int, end: int) -> _Columns:
    """Share the width out: a bar where there is room for one, else longer names."""
    longest = max((cell_len(clean(bar.name)) for bar in bars), default=0)
    most_count = max(5, width // 6)
    count = max((len(short_count(bar.count, most_count)) for bar in bars), default=0)
    name = min(longest, most_name)
    # One blank before the name, one before the count, two before the bar.
    room = width - (1 + name + 1 + count + end + 2)
    if room >= _LEAST_BAR:
        return _Columns(name, count, room)
    return _Columns(min(longest, max(1, width - (2 + count + end))), count, 0)


def _line(
    bar: Bar, whole: int, columns: _Columns, share: str, *, ascii_only: bool
) -> Line:
    name = named(bar.name, columns.name, ascii_only=ascii_only)
    blanks = " " * (columns.name - cell_len(name))
    count = short_count(bar.count, columns.count)
    pieces = [
        Piece(" "),
        Piece(name),
        Piece(f"{blanks} {count:>{columns.count}}"),
    ]
    if share:
        pieces.append(Piece(f" {share:>{_PERCENT}}", "dim"))
    drawn = _drawn(bar.count, whole, columns.bar, ascii_only=ascii_only)
    if drawn:
        pieces += [Piece("  "), Piece(drawn, bar.role)]
    return tuple(piece for piece in pieces if piece.text)


def _drawn(count: int, whole: int, cells: int, *, ascii_only: bool) -> str:
    """Return a bar that is full only for all, and empty only for none."""
    if count <= 0 or not cells:
        return ""
    if ascii_only:
        return "#" * max(1, count * cells // whole)
    full, part = divmod(max(1, count * cells * _EIGHTHS // whole), _EIGHTHS)
    return _FULL * full + _PARTS[part].rstrip()
