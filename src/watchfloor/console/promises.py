"""What waits until when: promised callbacks in words, and the columns of their list."""

from __future__ import annotations

from typing import NamedTuple

from watchfloor.console.about import who_asked
from watchfloor.console.columns import Column, outcome_words
from watchfloor.console.figures import (
    coming_time,
    counted,
    full_time,
    near_minute,
    wait,
)
from watchfloor.console.labels import run_role
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import shown_contact
from watchfloor.domain.regions import Gate, Phase
from watchfloor.domain.views import RecordView, RunView

_ROOMY = 100
_DAY_MS = 86_400_000


class PromiseRow(NamedTuple):
    """A promised callback, its run, and the moment at which both were read."""

    record: RecordView
    run: RunView
    as_of_ms: int

    @property
    def due_at_ms(self) -> int | None:
        """What was promised."""
        record = self.record
        return record.next_at_ms if record.due_at_ms is None else record.due_at_ms

    @property
    def opens_at_ms(self) -> int | None:
        """When the window opens that keeps it; None where it is open or not due."""
        opens = self.record.next_at_ms if self.record.is_held else None
        if opens is None and self.standing != NOT_DUE:
            opens = self.run.shut_until_ms
        return opens if opens is not None and opens > self.as_of_ms else None

    @property
    def standing(self) -> str:
        """Not due, due, or too late: how it stands to the clock."""
        now_ms, expires_ms = self.as_of_ms, self.record.expires_at_ms
        if expires_ms is not None and expires_ms <= now_ms:
            return TOO_LATE
        if self.due_at_ms is not None and self.due_at_ms > now_ms:
            return NOT_DUE
        return DUE


NOT_DUE, DUE, TOO_LATE = "not due", "due", "too late"


def standing(row: PromiseRow) -> str:
    """Return how a callback stands, as it fits into a column."""
    if row.standing == NOT_DUE and row.due_at_ms is not None:
        return f"{NOT_DUE}, in {wait(row.due_at_ms - row.as_of_ms)}"
    if row.standing == TOO_LATE:
        return f"{TOO_LATE}, will not be tried"
    if row.opens_at_ms is None:
        return DUE
    opens = coming_time(row.opens_at_ms, row.as_of_ms)
    is_near = 0 <= row.opens_at_ms - row.as_of_ms < _DAY_MS
    return f"{DUE}, {'window ' if is_near else ''}closed until {opens}"


def _sense(row: PromiseRow) -> str:
    # That minutes pass is no change: a refresh marks only what happened.
    return f"{row.standing} {row.opens_at_ms}"


def _role(row: PromiseRow) -> str:
    if row.standing == TOO_LATE:
        return "bad"
    # What merely waits has no look of its own: every change of colour is sent.
    if row.standing == NOT_DUE or row.opens_at_ms is not None:
        return ""
    return "warn"


PROMISE_COLUMNS: tuple[Column[PromiseRow], ...] = (
    Column(title="RECORD", width=8, right=True, text=lambda r: f"{r.record.seq:,}"),
    Column(
        title="CONTACT",
        width=9,
        grow=2,
        text=lambda r: shown_contact(r.record.contact),
    ),
    Column(title="STEP", width=8, grow=1, least=_ROOMY, text=lambda r: r.record.step),
    Column(
        title="PROMISED",
        width=11,
        text=lambda r: near_minute(r.due_at_ms, r.as_of_ms),
    ),
    Column(
        title="EXPIRES",
        width=11,
        text=lambda r: near_minute(r.record.expires_at_ms, r.as_of_ms),
    ),
    Column(
        title="STATE",
        width=30,
        text=standing,
        role=_role,
        sense=_sense,
    ),
)


def at_length(row: PromiseRow | None) -> tuple[Line, ...]:
    """Return everything about the callback under the cursor."""
    if row is None:
        return ()
    record = row.record
    name = f" record {record.seq:,}, {shown_contact(record.contact)}"
    step = f", step {record.step}" if record.step else ""
    tried = f"{counted(record.attempts, 'attempt')}, last: {outcome_words(record)}"
    promised = f" promised for {full_time(row.due_at_ms)}"
    if record.expires_at_ms is not None:
        promised += f", too late from {full_time(record.expires_at_ms)}"
    return (
        (Piece(f"{name}{step}, {tried}"),),
        (Piece(promised, "dim"),),
        _opening(row),
    )


def _opening(row: PromiseRow) -> Line:
    if row.opens_at_ms is None:
        return ()
    return (Piece(f" its window opens {full_time(row.opens_at_ms)}", "dim"),)


def heading(run: RunView) -> Line:
    """Return whose callbacks these are, and how the run stands."""
    return (
        Piece(" Callbacks  ", "key"),
        Piece(run.campaign_name, "strong"),
        Piece("  "),
        Piece(run.label, run_role(run)),
        Piece(f"  {run.books.callback:,} promised"),
    )


def fate(run: RunView) -> Line:
    """Return what becomes of the promises as the run stands now."""
    life = run.lifecycle
    if life.is_ended:
        return (Piece(" The run has ended; no promise is kept any more.", "dim"),)
    if life.phase is Phase.CANCELLING:
        return (
            Piece(" The run is being cancelled: its promises are dropped.", "warn"),
        )
    parts: list[Piece] = []
    if life.phase is Phase.STOPPED_CALLBACK:
        parts.append(Piece(" Stopped: a second stop drops these.", "warn"))
    elif life.phase is Phase.CALLBACK:
        parts.append(Piece(" Only these are left; a stop keeps them.", "dim"))
    if life.gate is not Gate.OPEN:
        who = who_asked(run.gate_asked)
        paused = f" {life.gate.value.capitalize()}{f' {who}' if who else ''}:"
        parts.append(Piece(f"{paused} none is tried before the resume.", "warn"))
    return tuple(parts) or (
        Piece(" Each is tried when due, inside its window.", "dim"),
    )
