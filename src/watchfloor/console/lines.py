"""The lines above and below the lists: header, engine, cards, footer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchfloor.console.figures import clock_time, counted
from watchfloor.console.keymap import Act, shown_keys
from watchfloor.console.pieces import Line, Piece, joined, measured, spread
from watchfloor.console.session import Session
from watchfloor.domain.books import Books, added
from watchfloor.domain.regions import Phase
from watchfloor.domain.views import EngineView, Overview, RunView

_TO_THE_MINUTE = len("14:02")


def header(
    session: Session, overview: Overview | None, engine: EngineView, width: int
) -> Line:
    """Return the first line: where, with which rights, and how old the page is."""
    mode = _mode(session)
    name = Piece(" Watchfloor", "key")
    place = Piece(f"  {session.workspace_name}", "strong")
    left: Line = (name, place, Piece("  "), *mode)
    short: Line = (Piece(f" {session.workspace_name}", "strong"), Piece("  "), *mode)
    ages = _ages(overview, engine)
    for start, age in (
        (left, ages[0]),
        (left, ages[1]),
        (short, ages[0]),
        (short, ages[1]),
        (short, ages[2]),
    ):
        end: Line = (Piece(age + " ", "dim"),)
        if measured(start) + measured(end) < width:
            return spread(start, end, width)
    return short


def _mode(session: Session) -> Line:
    if session.read_only:
        return (Piece("READ ONLY", "warn"),)
    if session.is_armed:
        until = clock_time(session.catch.armed_until_ms)[:_TO_THE_MINUTE]
        return (Piece("READ+WRITE  "), Piece(f" ARMED until {until} ", "alarm"))
    return (Piece("READ+WRITE  "), Piece("disarmed", "dim"))


def _ages(overview: Overview | None, engine: EngineView) -> tuple[str, str, str]:
    if overview is None:
        return ("nothing read yet",) * 3
    since = max(0, engine.changes - overview.engine.changes)
    news = f"{counted(since, 'change') if since else 'no change'} since"
    at = clock_time(overview.as_of_ms)
    return (
        f"as of {at} UTC, {news}, r refreshes",
        f"as of {at} UTC, {news}",
        f"{at}, {since:,} new",
    )


def engine_line(
    session: Session, engine: EngineView | None, fault: str, width: int
) -> Line:
    """Return the second line: who owns the workspace, or that nobody does."""
    who: Line = (Piece(f"{session.operator} ", "dim"),)
    return spread((Piece(" "), _engine(session, engine, fault)), who, width)


def _engine(session: Session, engine: EngineView | None, fault: str) -> Piece:
    if fault:
        return Piece(f"engine: not known, {fault}", "bad")
    if engine is None:
        return Piece("engine: not read yet", "dim")
    if engine.is_alive(session.clock()):
        return Piece(f"engine: {_owner(session, engine)}", "dim")
    start = "runs wait; start: watchfloor engine"
    if engine.released:
        return Piece(f"NO ENGINE — {start}", "bad")
    last = clock_time(engine.heartbeat_at_ms)
    return Piece(f"NO ENGINE since {last} (pid {engine.pid}) — {start}", "bad")


def _owner(session: Session, engine: EngineView) -> str:
    if engine.pid == session.own_pid:
        return f"this process, pid {engine.pid}"
    return f"pid {engine.pid} on {engine.host or 'this machine'}"


def cards(overview: Overview | None, width: int) -> Line:
    """Return the figures of all runs in one line; those that do not fit are left out.

    How many runs wait for somebody's word stands first, and only where some do.
    """
    runs = overview.runs if overview is not None else ()
    live = [run for run in runs if not run.lifecycle.is_ended]
    queued = sum(run.lifecycle.phase is Phase.QUEUED for run in live)
    books = added(*(run.books for run in runs)) if runs else Books()
    failed = books.failed
    asking = sum(run.awaits_approval for run in live)
    figures = (
        *((("your word", asking, "warn"),) if asking else ()),
        ("active", len(live) - queued, "strong"),
        ("queued", queued, "strong"),
        ("FAILED" if failed else "failed", failed, "bad" if failed else "strong"),
        ("callbacks", books.callback, "warn" if books.callback else "strong"),
        ("unknown", books.unknown, "warn" if books.unknown else "strong"),
        ("in flight", books.attempting, "strong"),
    )
    parts = [_card(name, number, role) for name, number, role in figures]
    while measured(joined(parts)) + 1 > width and len(parts) > 1:
        parts.pop()
    return (Piece(" "), *joined(parts))


def _card(name: str, number: int, role: str) -> Line:
    shown = {"FAILED": "bad", "your word": "warn"}.get(name, "dim")
    return (
        Piece(f"{name} ", shown),
        Piece(f"{number:,}", role if number else "dim"),
    )


def active_runs(runs: Sequence[RunView]) -> list[RunView]:
    """Return the runs that an ending engine would leave unfinished."""
    return [run for run in runs if not run.lifecycle.is_ended]


@dataclass(frozen=True, slots=True)
class Offer:
    """An act in the footer, whether it can be done now, and its name there."""

    act: Act
    possible: bool = True
    label: str = ""


def footer(offers: Sequence[Offer], width: int) -> Line:
    """Return the keys, the most used first; what does not fit is left out."""
    last = [_offered(offer) for offer in offers if offer.act.ident == "app.help"]
    room = width - 1 - sum(measured(part) + 2 for part in last)
    parts: list[Line] = []
    for offer in sorted(offers, key=lambda offer: offer.act.rank):
        if not offer.act.rank or offer.act.ident == "app.help":
            continue
        part = _offered(offer)
        room -= measured(part) + 2
        if room < 0:
            break
        parts.append(part)
    return (Piece(" "), *joined([*parts, *last], "  "))


def _offered(offer: Offer) -> Line:
    keys = shown_keys(offer.act)
    label = f" {offer.label or offer.act.label}"
    if not offer.possible:
        return (Piece(keys[0] + label, "dim"),)
    return (Piece(keys[0], "key"), Piece(label))
