"""Records of which nobody knows whether they arrived: their list, and what it means."""

from __future__ import annotations

from typing import NamedTuple

from watchfloor.console.columns import Column
from watchfloor.console.figures import counted, full_time, near_time
from watchfloor.console.keymap import Keymap
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import shown_contact, without_contact
from watchfloor.console.text import wrapped
from watchfloor.domain.live import Unknown

_ROOMY = 100
_MOST_LINES = 3
_NAME = 8


class UnknownRow(NamedTuple):
    """A record, the moment at which it was read, and how many such there are."""

    unknown: Unknown
    as_of_ms: int
    of: int


def _code(row: UnknownRow) -> str:
    record = row.unknown.record
    return without_contact(record.code, record.contact) or "-"


UNKNOWN_COLUMNS: tuple[Column[UnknownRow], ...] = (
    Column(title="RUN", width=14, grow=2, text=lambda r: r.unknown.campaign_name),
    Column(
        title="RECORD", width=9, right=True, text=lambda r: f"{r.unknown.record.seq:,}"
    ),
    Column(
        title="CONTACT",
        width=11,
        grow=1,
        text=lambda r: shown_contact(r.unknown.record.contact),
    ),
    Column(title="STEP", width=7, grow=1, text=lambda r: r.unknown.record.step or "-"),
    Column(
        title="TRY",
        width=3,
        right=True,
        text=lambda r: str(r.unknown.record.attempts),
    ),
    Column(title="CODE", width=10, grow=1, text=_code),
    Column(
        title="RESULT",
        width=10,
        least=_ROOMY,
        text=lambda r: r.unknown.record.result or "-",
        worth=lambda rows: any(row.unknown.record.result for row in rows),
    ),
    Column(
        title="WHEN",
        width=11,
        text=lambda r: near_time(r.unknown.record.updated_at_ms, r.as_of_ms),
        sense=lambda r: str(r.unknown.record.updated_at_ms),
        role=lambda _: "dim",
    ),
)


def what_to_do(keymap: Keymap, marked: int) -> Line:
    """Return what can be done here, and with how many records."""
    resolve, ask = map(keymap.key, ("unknowns.resolve", "unknowns.look_up"))
    all_of = keymap.key("unknowns.all")
    said = f" {resolve} resolves the record, {all_of} all of a run, {ask} asks for it."
    if marked:
        said = f" {counted(marked, 'record')} marked: {resolve} resolves them."
    return (Piece(said, "warn" if marked else "dim"),)


def unknown_at_length(row: UnknownRow | None, width: int) -> tuple[Line, ...]:
    """Return what is known of a record, what that means, and what can be done."""
    if row is None:
        return ()
    record = row.unknown.record
    name = f" record {record.seq:,}, {shown_contact(record.contact)}"
    tries = counted(record.attempts, "attempt")
    said = (
        f"{tries}; the last one, of step {record.step or '-'}, ended "
        f"{full_time(record.updated_at_ms)} with {_code(row)}: no answer that tells "
        "whether it arrived"
    )
    key = record.key or "not told; the journey has it"
    lines: list[Line] = [
        (Piece(name, "strong"), Piece(f"  {row.unknown.run_id}", "dim"))
    ]
    lines += _block("known", said, width)
    lines += _block("means", _meaning(row), width)
    lines.append(_named("key", key))
    lines += _block("do", _TO_DO, width)
    return tuple(lines)


def _meaning(row: UnknownRow) -> str:
    if row.unknown.record.result:
        return (
            f"the provider reported {row.unknown.record.result} since then; whether "
            "that settles it is for a person to say"
        )
    return (
        "it may have been delivered or not; it is never tried again by itself, for "
        "that could contact the person twice"
    )


_TO_DO = "look the key up at the provider, then say what became of it, with the reason"


def _named(name: str, text: str) -> Line:
    return (Piece(f" {name:<{_NAME}}", "dim"), Piece(text))


def _block(name: str, text: str, width: int) -> list[Line]:
    parts = wrapped(text, max(10, width - _NAME - 2), _MOST_LINES)
    return [_named("" if i else name, part) for i, part in enumerate(parts)]
