"""What is said about one run in a few lines: who it is, how it moves, its books."""

from __future__ import annotations

from watchfloor.console.columns import RunRow
from watchfloor.console.figures import (
    bar,
    clock_time,
    coming_time,
    length,
    percent,
    size,
    wait_in_short,
)
from watchfloor.console.flow import flowed_parts, name_piece, parted
from watchfloor.console.labels import (
    YOUR_WORD,
    history_share,
    outside_window,
)
from watchfloor.console.pieces import Line, Piece, joined, measured
from watchfloor.console.privacy import without_contact
from watchfloor.console.text import shortened
from watchfloor.domain.books import REJECT_KEYS, STATE_KEYS, Books
from watchfloor.domain.progress import ends_later, in_flight
from watchfloor.domain.regions import Gate, Intake, Phase
from watchfloor.domain.views import Asked, RunView

#: Lines that ``about`` returns at most.
HEIGHT = 4
_BAR = 12
#: For so many lines of what has no room in the first one the books are shortened.
_MOST_LEFT = 2

#: Names and figures that make up a sum.
Terms = list[tuple[str, int]]


def about(row: RunRow | None, width: int, most: int = HEIGHT) -> tuple[Line, ...]:
    """Return who the run is, how it moves, and its books.

    Args:
        row: Which run; None for none.
        width: In cells.
        most: So many lines at most; the last one always holds the sum of its records.
    """
    if row is None:
        return ()
    parts: list[Line] = [
        (name_piece(row.name, width),),
        # What waits for a word is called by that alone, as in the list.
        *([] if row.state == YOUR_WORD else [(Piece(row.label, row.role),)]),
        *late(row),
        *progress(row.run, row.as_of_ms),
    ]
    if measured(joined([*parts, *eta(row)])) < width:
        parts += eta(row)
    if most == 1:
        lines = account_lines(row.run.books, width, 1)
    else:
        lines = _with_books(parts, row.run.books, width, most)
    if row.said and len(lines) < most:
        role = "warn" if row.is_unwell else ""
        lines.append((Piece(said_in(row.said, width - 2), role),))
    return tuple((Piece(" "), *one) for one in lines)


def said_in(said: str, width: int) -> str:
    """Return a sentence about a run in so many cells, people masked."""
    return shortened(without_contact(said), width)


def _with_books(parts: list[Line], account: Books, width: int, most: int) -> list[Line]:
    """Return the parts in the first line, the books, and what had no room over them.

    It stands last, so that nothing else moves because of it.
    """
    head, left = parted(parts, width - 1)
    room = most - 1
    for wanted in reversed(range(1 + min(_MOST_LEFT, len(left) and room - 1))):
        books_lines = account_lines(account, width, room - wanted)
        rest = flowed_parts(left, width - 1, room - len(books_lines))
        fits = all(measured(line) < width for line in books_lines)
        if fits and len(rest) >= wanted and (rest or not left):
            return [head, *books_lines, *rest]
    return [joined(parts), *account_lines(account, width, room)]


def heading(row: RunRow) -> tuple[Line, Line, Line]:
    """Return who the run is, what it is called, and when it ends or should have."""
    called = YOUR_WORD if row.state == YOUR_WORD else row.label
    label = (Piece(called, row.role),)
    return (
        (Piece(" "), Piece(row.name, "strong")),
        (Piece(" "), *joined([label, *late(row), *eta(row)])),
        (),
    )


def late(row: RunRow) -> list[Line]:
    """Return for how long the run should have ended; nothing for one in time."""
    if row.expected_ms is None:
        return []
    over_ms = row.run.spent_ms.get("active", 0) - row.expected_ms
    return [(Piece(f"should have ended {length(over_ms)} ago", "warn"),)]


def eta(row: RunRow) -> list[Line]:
    """Return when all is done at the rate of now; nothing where that is not known."""
    if row.eta_ms is None:
        return []
    at = coming_time(row.as_of_ms + row.eta_ms, row.as_of_ms)
    wait = wait_in_short(row.eta_ms)
    if ends_later(row.run):
        return [(Piece(f"ETA after {at}, in {wait} or more"),)]
    return [(Piece(f"ETA {at}, in {wait}"),)]


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
    flying = f"{in_flight(run):,} in flight"
    settling = _settling(run)
    if settling:
        parts.append((Piece(f"{settling}, {flying}", "warn"),))
    elif run.books.attempting:
        parts.append((Piece(flying),))
    return [*parts, *_holds(run, now_ms)]


def _holds(run: RunView, now_ms: int) -> list[Line]:
    parts: list[Line] = []
    held = outside_window(run, now_ms)
    if held:
        parts.append((Piece(held, "warn"),))
    said = who_asked(run.gate_asked)
    if run.cause:
        parts.append((Piece(without_contact(run.cause), "bad"),))
    elif run.lifecycle.gate is not Gate.OPEN and said:
        parts.append((Piece(said, "dim"),))
    return parts


def _settling(run: RunView) -> str:
    life = run.lifecycle
    if life.phase in (Phase.STOPPING, Phase.CANCELLING):
        return life.phase.value
    return "pausing" if life.gate is Gate.PAUSING else ""


def who_asked(asked: Asked) -> str:
    """Return who asked for something, when and why, people masked; or empty."""
    if not asked.by:
        return ""
    why = f": {without_contact(asked.why)}" if asked.why else ""
    return f"by {asked.by} {clock_time(asked.at_ms)}{why}"


def account_lines(account: Books, width: int, most: int) -> list[Line]:
    """Return the books in so many lines at most; they balance in every length.

    What makes them shorter, until they fit: rejects in one figure, then states that
    mean the same to an operator, then the sum of the records alone.
    """
    room = width - 2
    judged, states = (flowed(terms, room) for terms in books(account))
    if account.imbalance:
        return [*judged, *states][:most]
    judged_in_short, in_short = (
        flowed(_sum(name, account, terms), room)
        for name, terms in (
            ("extracted", _judged_in_short(account)),
            ("records", _states_in_short(account)),
        )
    )
    for lines in (
        [*judged, *states],
        [*judged_in_short, *states],
        [*judged_in_short, *in_short],
        states,
        in_short,
    ):
        if len(lines) <= most:
            return lines
    # Better one line that is cut than a sum that stops at a plus.
    return [tuple(piece for line in in_short for piece in line)]


def books(account: Books) -> tuple[list[Line], list[Line]]:
    """Return the terms of both sums of the books, or what is wrong with them."""
    wrong = account.imbalance
    if wrong:
        return (
            [(Piece(f"BOOKS DO NOT ADD UP: {wrong}.", "alarm"),)],
            [(Piece("Do not trust these figures: watchfloor books --audit", "bad"),)],
        )
    return (
        _sum("extracted", account, _judged(account)),
        _sum("records", account, _states(account)),
    )


def _judged(account: Books) -> Terms:
    figures = account.as_dict()
    return [(key, figures[key]) for key in (*REJECT_KEYS, "unjudged", "records")]


def _judged_in_short(account: Books) -> Terms:
    return [
        ("rejected", account.rejected),
        ("unjudged", account.unjudged),
        ("records", account.records),
    ]


def _states(account: Books) -> Terms:
    figures = account.as_dict()
    return [(key, figures[key]) for key in STATE_KEYS]


def _states_in_short(account: Books) -> Terms:
    return [
        ("remaining", account.remaining),
        ("delivered", account.delivered),
        ("failed", account.failed),
        ("unknown", account.unknown),
        ("others", account.not_attempted + account.expired + account.abandoned),
    ]


def _sum(name: str, account: Books, terms: Terms) -> list[Line]:
    out: list[Line] = [(Piece(f"{name} {account.as_dict()[name]:,}"),)]
    for key, number in terms:
        if number:
            sign = "=" if len(out) == 1 else "+"
            # One role for nearly all of it: every change of colour is sent with it.
            term = Piece(f"{number:,} {key}", term_role(key))
            out.append((Piece(f" {sign} "), term))
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
