"""What is said about one run in a few lines: who it is, how it moves, its books."""

from __future__ import annotations

from watchfloor.console.figures import bar, clock_time, percent, size
from watchfloor.console.labels import (
    YOUR_WORD,
    history_share,
    outside_window,
    run_role,
)
from watchfloor.console.pieces import Line, Piece, joined, measured
from watchfloor.domain.books import REJECT_KEYS, STATE_KEYS, Books
from watchfloor.domain.regions import Gate, Intake, Phase
from watchfloor.domain.views import Asked, RunView

#: Lines that ``about`` returns at most.
HEIGHT = 4
_BAR = 12


def about(run: RunView | None, width: int, now_ms: int) -> tuple[Line, ...]:
    """Return who the run is, how it moves, and its books."""
    if run is None:
        return ()
    parts: list[Line] = [
        (Piece(run.campaign_name, "strong"),),
        (Piece(run.label, run_role(run)),),
        *progress(run, now_ms),
    ]
    account = [line for one in books(run.books) for line in flowed(one, width - 2)]
    lines = [(Piece(" "), *joined(parts)), *((Piece(" "), *one) for one in account)]
    return tuple(lines[:HEIGHT])


def progress(run: RunView, now_ms: int) -> list[Line]:
    """Return how far the run is, and what it is held by."""
    parts: list[Line] = []
    life, archived = run.lifecycle, history_share(run)
    if run.awaits_approval:
        parts.append((Piece(YOUR_WORD, "warn"),))
    if life.intake in (Intake.EXTRACTING, Intake.FILTERING):
        share = run.bytes_read / run.bytes_total if run.bytes_total else 0.0
        read = f"{percent(share)}, {size(run.bytes_read)} of {size(run.bytes_total)}"
        parts.append(
            (Piece(bar(share, _BAR), "key"), Piece(f" {life.intake.value} {read}"))
        )
    elif archived:
        parts.append((Piece(archived, "key"),))
    elif run.books.records:
        parts.append(
            (Piece(f"{run.books.done:,} of {run.books.records:,} done", "dim"),)
        )
    in_flight = f"{run.books.attempting:,} in flight"
    settling = _settling(run)
    if settling:
        parts.append((Piece(f"{settling}, {in_flight}", "warn"),))
    elif run.books.attempting:
        parts.append((Piece(in_flight),))
    return [*parts, *_holds(run, now_ms)]


def _holds(run: RunView, now_ms: int) -> list[Line]:
    parts: list[Line] = []
    held = outside_window(run, now_ms)
    if held:
        parts.append((Piece(held, "warn"),))
    said = who_asked(run.gate_asked)
    if run.cause:
        parts.append((Piece(run.cause, "bad"),))
    elif run.lifecycle.gate is not Gate.OPEN and said:
        parts.append((Piece(said, "dim"),))
    return parts


def _settling(run: RunView) -> str:
    life = run.lifecycle
    if life.phase in (Phase.STOPPING, Phase.CANCELLING):
        return life.phase.value
    return "pausing" if life.gate is Gate.PAUSING else ""


def who_asked(asked: Asked) -> str:
    """Return who asked for something, when and why; empty for nobody."""
    if not asked.by:
        return ""
    why = f": {asked.why}" if asked.why else ""
    return f"by {asked.by} {clock_time(asked.at_ms)}{why}"


def books(account: Books) -> tuple[list[Line], list[Line]]:
    """Return the terms of both lines of the books, or what is wrong with them."""
    wrong = account.imbalance
    if wrong:
        return (
            [(Piece(f"BOOKS DO NOT ADD UP: {wrong}.", "alarm"),)],
            [(Piece("Do not trust these figures: watchfloor books --audit", "bad"),)],
        )
    kept = ("unjudged", "records")
    return (
        _sum("extracted", account.extracted, (*REJECT_KEYS, *kept), account),
        _sum("records", account.records, STATE_KEYS, account),
    )


def _sum(name: str, total: int, keys: tuple[str, ...], account: Books) -> list[Line]:
    figures = account.as_dict()
    terms = [(key, figures[key]) for key in keys if figures[key]]
    out: list[Line] = [(Piece(f"{name} {total:,}"),)]
    for i, (key, number) in enumerate(terms):
        sign = "+" if i else "="
        # One role for nearly all of it: every change of colour is sent with it.
        out.append((Piece(f" {sign} "), Piece(f"{number:,} {key}", term_role(key))))
    return out


def flowed(terms: list[Line], width: int) -> list[Line]:
    """Return the terms in as many lines as they need; none is split."""
    lines: list[Line] = []
    line: Line = ()
    for term in terms:
        if line and measured(line) + measured(term) > width:
            lines.append(line)
            line = (Piece("  "),)
        line = (*line, *term)
    return [*lines, line]


def term_role(key: str) -> str:
    """Return how a figure of the books is drawn; its name says all."""
    return {"failed": "bad", "unknown": "warn"}.get(key, "")
