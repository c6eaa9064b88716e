"""What the failure lens says: its list, a group at length, and the sum of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from watchfloor.console.columns import Column
from watchfloor.console.figures import bar, counted, near_time, percent, short_count
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import without_contact
from watchfloor.console.text import wrapped
from watchfloor.domain.lens import EVERY, Dimension, Lens, LensGroup, why_not

_NAME: Final = 8
_MOST_LINES: Final = 3
_BAR, _LONG_BAR, _ROOMY = 8, 24, 100
#: What one key turns through: all of it, then one dimension after another.
TURNS: Final = (
    EVERY,
    (Dimension.CODE,),
    (Dimension.ORIGIN,),
    (Dimension.CLASS,),
    (Dimension.STEP,),
)


class LensRow(NamedTuple):
    """A group, the lens it belongs to, and when that was read."""

    group: LensGroup
    lens: Lens
    as_of_ms: int

    @property
    def of_largest(self) -> float:
        """Its share of what the largest group has."""
        return self.group.records / self.lens.groups[0].records

    @property
    def share(self) -> float:
        """Its share of all that failed and was looked at."""
        return self.group.records / self.lens.looked_at


def _has_classes(rows: Sequence[LensRow]) -> bool:
    return any(row.group.outcome_class is not None for row in rows)


def _has_codes(rows: Sequence[LensRow]) -> bool:
    return any(row.group.code for row in rows)


def _has_origins(rows: Sequence[LensRow]) -> bool:
    return any(row.group.origin for row in rows)


def _has_steps(rows: Sequence[LensRow]) -> bool:
    return len({row.group.step for row in rows}) > 1 or all(
        row.lens.by == (Dimension.STEP,) for row in rows
    )


def shown_code(group: LensGroup) -> str:
    """Return a group's code as it may be shown."""
    return without_contact(group.code) or "-"


def _share(row: LensRow) -> str:
    return "<1%" if row.share < 0.01 else percent(row.share)  # noqa: PLR2004 - 1 %


def can(group: LensGroup) -> str:
    """Return how many of a group can be retried, or in one word why none can."""
    if group.retryable:
        return short_count(group.retryable)
    words = (
        (group.unknown, "resolve"),
        (group.waiting, "by itself"),
        (group.retried, "taken up"),
        (1, "never"),
    )
    return next(word for count, word in words if count)


def _can_role(row: LensRow) -> str:
    group = row.group
    if group.retryable:
        return "good"
    return "warn" if group.unknown else "dim"


LENS_COLUMNS: tuple[Column[LensRow], ...] = (
    Column(
        title="RECORDS",
        width=7,
        right=True,
        text=lambda r: short_count(r.group.records, 7),
        sense=lambda r: str(r.group.records),
    ),
    Column(title="SHARE", width=5, right=True, text=_share, marks=False, spare=2),
    Column(
        title="",
        width=_BAR,
        most=_ROOMY - 1,
        text=lambda r: bar(r.of_largest, _BAR),
        role=lambda _: "key",
        marks=False,
        spare=1,
    ),
    Column(
        title="",
        width=_LONG_BAR,
        least=_ROOMY,
        text=lambda r: bar(r.of_largest, _LONG_BAR),
        role=lambda _: "key",
        marks=False,
        spare=1,
    ),
    Column(
        title="CLASS",
        width=9,
        text=lambda r: "-" if r.group.outcome_class is None else r.group.key[0],
        worth=_has_classes,
    ),
    Column(
        title="CODE",
        width=14,
        grow=2,
        text=lambda r: shown_code(r.group),
        worth=_has_codes,
    ),
    Column(
        title="ORIGIN",
        width=12,
        grow=3,
        text=lambda r: r.group.origin or "-",
        worth=_has_origins,
    ),
    Column(
        title="STEP",
        width=6,
        grow=1,
        text=lambda r: r.group.step or "-",
        worth=_has_steps,
    ),
    Column(title="RETRY", width=9, text=lambda r: can(r.group), role=_can_role),
)


def by_words(by: Sequence[Dimension]) -> str:
    """Return by what the groups are made, in words."""
    return "by " + ", ".join(one.value for one in by)


def sum_line(lens: Lens | None, marked: Sequence[LensGroup]) -> Line:
    """Return what all that failed comes to; where groups are marked, what these do."""
    if lens is None:
        return ()
    if marked:
        records = sum(group.records for group in marked)
        said = (
            f" {counted(len(marked), 'group')} marked, {counted(records, 'record')}: "
        )
        return (Piece(said, "mark"), Piece(_fates(marked)))
    of = f"{lens.of:,}"
    if lens.looked_at < lens.of:
        of = f"the newest {lens.looked_at:,} of {lens.of:,}"
    line: Line = (Piece(f" {of}: ", "strong"), Piece(_fates(lens.groups)))
    if lens.left_out:
        line = (*line, Piece(f"; {lens.left_out:,} smaller groups", "dim"))
    return line


def _fates(groups: Sequence[LensGroup]) -> str:
    told = (
        (sum(one.retryable for one in groups), "retryable"),
        (sum(one.refused for one in groups), "never"),
        (sum(one.unknown for one in groups), "to resolve"),
        (sum(one.waiting for one in groups), "by itself"),
        (sum(one.retried for one in groups), "taken up"),
    )
    return ", ".join(f"{count:,} {word}" for count, word in told if count) or "none"


def group_at_length(row: LensRow | None, words: str, width: int) -> tuple[Line, ...]:
    """Return everything known of a group, and what can be done about it.

    Args:
        row: The group; None for none.
        words: What retries it from a shell; empty where nothing does.
        width: In cells.
    """
    if row is None:
        return ()
    group, now_ms = row.group, row.as_of_ms
    first, last = (
        near_time(at_ms, now_ms) for at_ms in (group.first_at_ms, group.last_at_ms)
    )
    named = without_contact(group.words)
    lines: list[Line] = [
        (
            Piece(f" {named}", "strong"),
            Piece(f"  {counted(group.records, 'record')}", "dim"),
        )
    ]
    lines += _block("fate", _fates([group]), width)
    when = f"first {first}, last {last}; as record {group.example_seq:,}"
    lines += _block("when", when, width)
    why = why_not(group)
    if why:
        lines += _block("retry", f"not possible, {why}", width)
    elif words:
        lines += _block("shell", words, width)
    return tuple(lines)


def _block(name: str, text: str, width: int) -> list[Line]:
    parts = wrapped(text, max(10, width - _NAME - 2), _MOST_LINES)
    return [
        (Piece(f" {'' if i else name:<{_NAME}}", "dim"), Piece(part))
        for i, part in enumerate(parts)
    ]
