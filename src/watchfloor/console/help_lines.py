"""The help: every key as it is in force, those of the screen one came from first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from watchfloor.console.keymap import Act, Keymap, shown_keys
from watchfloor.console.pieces import Line, Piece, measured
from watchfloor.console.text import wrapped

_KEYS, _LABEL = 11, 14
_MOST_LINES = 3
#: From this width on the help stands in two columns.
_TWO_COLUMNS = 116
#: The blocks of the help, in order.
_GROUPS = ("Move", "View", "Mark", "Look", "Run", "General")
_SCOPES = ("table", "nav", "main", "app")


def help_lines(
    keymap: Keymap, width: int, scopes: Sequence[str] = ()
) -> tuple[Line, ...]:
    """Return every key of the table, by groups, in one or two columns.

    Args:
        keymap: The keys in force.
        width: In cells.
        scopes: Those of the screen that has the focus, its own one first; none for
            the jobs.
    """
    half = width // 2 if width >= _TWO_COLUMNS else width
    own = [act for scope in scopes for act in keymap.acts(scope)]
    blocks = [_block("On this screen", own, half)] if own else []
    acts = keymap.acts(*_SCOPES)
    blocks += [
        _block(group, [act for act in acts if act.group == group], half)
        for group in _GROUPS
    ]
    if half == width:
        return tuple(_padded(line, width) for block in blocks for line in block)
    return _two_columns(blocks, width)


def _two_columns(blocks: list[list[Line]], width: int) -> tuple[Line, ...]:
    sizes = [len(block) for block in blocks]
    # Whole blocks, in order: where the longer of the two columns is shortest.
    first = min(
        range(len(blocks) + 1),
        key=lambda many: max(sum(sizes[:many]), sum(sizes[many:])),
    )
    left = [line for block in blocks[:first] for line in block]
    right = [line for block in blocks[first:] for line in block]
    rows = max(len(left), len(right))
    left += [()] * (rows - len(left))
    right += [()] * (rows - len(right))
    half = width // 2
    return tuple(
        (*_padded(a, half), *_padded(b, width - half))
        for a, b in zip(left, right, strict=True)
    )


def _block(name: str, acts: Sequence[Act], width: int) -> list[Line]:
    lines: list[Line] = [(), (Piece(f"  {name}", "strong"),)]
    for act in acts:
        lines += _told(act, width)
    return lines


def _told(act: Act, width: int) -> list[Line]:
    keys = " ".join(shown_keys(act)) or "palette"
    # An operator may give an act as many keys as they like.
    keys += " " * max(1, _KEYS - cell_len(keys))
    label = f"{act.label:<{_LABEL}}"
    indent = 2 + _KEYS + _LABEL
    first, *rest = wrapped(act.tip, max(10, width - indent - 2), _MOST_LINES)
    lines: list[Line] = [(Piece(f"  {keys}", "key"), Piece(label), Piece(first, "dim"))]
    lines += [(Piece(" " * indent), Piece(text, "dim")) for text in rest]
    return lines


def _padded(line: Line, width: int) -> Line:
    """Return a line of exactly so many cells; what does not fit is cut off."""
    if measured(line) > width:
        line = _cut(line, width)
    return (*line, Piece(" " * (width - measured(line))))


def _cut(line: Line, width: int) -> Line:
    out: list[Piece] = []
    for piece in line:
        left = width - 1 - measured(tuple(out))
        out.append(Piece(piece.text[: max(0, left)], piece.role))
    return tuple(out)
