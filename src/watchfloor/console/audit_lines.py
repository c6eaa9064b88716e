"""The journal of all runs in words: its columns, and one entry at length."""

from __future__ import annotations

from typing import NamedTuple

from watchfloor.console.columns import Column
from watchfloor.console.figures import exact_time, full_time, near_time, took
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import without_contact
from watchfloor.console.text import wrapped
from watchfloor.domain.live import AuditEntry
from watchfloor.domain.seen_words import seen_words
from watchfloor.domain.views import Receipt

_ROOMY = 100
_MOST_LINES = 2
_NAME = 9
_STAGES = ("asked", "acknowledged", "applied", "settled")
_REFUSED, _SETTLED = "refused", "settled"


class AuditRow(NamedTuple):
    """An entry of the journal and the moment at which it was read."""

    entry: AuditEntry
    as_of_ms: int

    @property
    def change(self) -> str:
        """From what to what; empty where nothing changed."""
        event = self.entry.event
        if not event.before and not event.after:
            return ""
        return f"{event.before or '-'} → {event.after or '-'}"

    @property
    def said(self) -> str:
        """Why, and the detail, people masked; may be empty."""
        event = self.entry.event
        said = "; ".join(part for part in (event.why, event.detail) if part)
        return without_contact(said)

    @property
    def run(self) -> str:
        """The run by its campaign's name, or by its id; ``-`` for none."""
        return self.entry.run_name or self.entry.event.run_id or "-"


def result(receipt: Receipt | None) -> str:
    """Return what became of a command; empty where none is behind an entry."""
    if receipt is None:
        return ""
    return f"{receipt.state} {receipt.refusal}".rstrip()


def settle_ms(receipt: Receipt | None) -> int | None:
    """Return how long a command took from asked to settled; None where it did not."""
    if receipt is None or receipt.asked_at_ms is None or receipt.settled_at_ms is None:
        return None
    return receipt.settled_at_ms - receipt.asked_at_ms


def _role(receipt: Receipt | None) -> str:
    if receipt is None or receipt.state == _SETTLED:
        return ""
    return "bad" if receipt.state == _REFUSED else "warn"


def _change_or_why(row: AuditRow) -> str:
    # What a person gave as the reason says more than the states it led through.
    event = row.entry.event
    return without_contact(event.why) or row.change or row.said


AUDIT_COLUMNS: tuple[Column[AuditRow], ...] = (
    Column(
        title="TIME UTC",
        width=11,
        text=lambda r: near_time(r.entry.event.at_ms, r.as_of_ms),
        sense=lambda r: str(r.entry.event.at_ms),
        role=lambda _: "dim",
    ),
    Column(title="WHO", width=8, grow=1, text=lambda r: r.entry.event.by or "-"),
    Column(title="WHAT", width=13, grow=1, text=lambda r: r.entry.event.event),
    Column(title="RUN", width=10, grow=2, text=lambda r: r.run),
    Column(
        title="CHANGE",
        width=20,
        grow=2,
        least=_ROOMY + 20,
        text=lambda r: r.change,
        role=lambda _: "dim",
    ),
    Column(
        title="WHY",
        width=12,
        grow=3,
        least=_ROOMY + 20,
        text=lambda r: r.said,
    ),
    Column(
        title="WHY OR CHANGE",
        width=13,
        grow=3,
        most=_ROOMY + 19,
        text=_change_or_why,
    ),
    Column(
        title="RESULT",
        width=11,
        grow=2,
        text=lambda r: result(r.entry.receipt),
        role=lambda r: _role(r.entry.receipt),
    ),
    Column(
        title="SETTLED IN",
        width=11,
        right=True,
        least=_ROOMY,
        text=lambda r: took(settle_ms(r.entry.receipt)),
        role=lambda _: "dim",
    ),
)


def audit_at_length(row: AuditRow | None, width: int) -> tuple[Line, ...]:
    """Return everything the journal holds of one entry."""
    if row is None:
        return ()
    event, receipt = row.entry.event, row.entry.receipt
    head = f" {full_time(event.at_ms)}  {event.event}"
    by = f"  by {event.by}" if event.by else ""
    from_where = f"  from {event.origin}" if event.origin else ""
    lines: list[Line] = [
        (Piece(f"{head}{by}{from_where}", "strong"),),
        _named("run", " ".join(x for x in (row.entry.run_name, event.run_id) if x)),
    ]
    if row.change:
        lines.append(_named("change", row.change))
    if event.why:
        lines += _block("why", without_contact(event.why), width)
    if event.detail:
        lines += _block("detail", without_contact(event.detail), width)
    lines += _command(receipt, width)
    return tuple(lines)


def _command(receipt: Receipt | None, width: int) -> list[Line]:
    if receipt is None:
        return [_named("command", "none: the engine tells what it did by itself")]
    said = f"{receipt.verb} {result(receipt)}, {receipt.command_id}"
    told = without_contact(receipt.detail)
    seen = without_contact(seen_words(receipt.seen))
    lines = [_named("command", said, _role(receipt))]
    if seen:
        lines += _block("seen", seen, width)
    if told:
        lines += _block("", told, width)
    return [*lines, *_block("stages", stages(receipt), width)]


def stages(receipt: Receipt) -> str:
    """Return when a command was asked, and how long each stage after that took."""
    times = (
        receipt.asked_at_ms,
        receipt.acknowledged_at_ms,
        receipt.applied_at_ms,
        receipt.settled_at_ms,
    )
    said: list[str] = []
    before: int | None = None
    for name, at_ms in zip(_STAGES, times, strict=True):
        if at_ms is None:
            continue
        after = exact_time(at_ms) if before is None else f"+{took(at_ms - before)}"
        said.append(f"{name} {after}")
        before = at_ms
    whole = settle_ms(receipt)
    if whole is not None:
        said.append(f"{took(whole)} in all")
    return ", ".join(said) or "not told"


def _named(name: str, text: str, role: str = "") -> Line:
    return (Piece(f" {name:<{_NAME}}", "dim"), Piece(text or "-", role))


def _block(name: str, text: str, width: int) -> list[Line]:
    parts = wrapped(text, max(10, width - _NAME - 2), _MOST_LINES)
    return [_named("" if i else name, part) for i, part in enumerate(parts)]
