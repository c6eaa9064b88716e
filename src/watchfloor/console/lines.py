"""The lines above and below the lists: header, engine, cards, footer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from watchfloor.console.figures import clock_time, short_count
from watchfloor.console.flow import read_whole
from watchfloor.console.keymap import Act, shown_keys
from watchfloor.console.pieces import Line, Piece, joined, measured, spread
from watchfloor.console.session import Session
from watchfloor.domain.draining import (
    ABOUT_UNSEEN,
    drain_words,
    hang_words,
    holder_words,
    unseen_words,
)
from watchfloor.domain.leaving import Leaving, left_words
from watchfloor.domain.live import Cards
from watchfloor.domain.roles import Role
from watchfloor.domain.views import EngineView, Overview, RunView

_TO_THE_MINUTE = len("14:02")
#: Cells of a count that is written in short, and of the changes since.
_COUNT = 6
_TERSE = 4
_NEWS = _COUNT + len(" changes since")
#: From so many per second on tenths tell nothing.
_MANY = 1_000
#: Stands last in the footer.
_HELPS = ("app.help", "sheet.help")
#: The figures a terminal still tells that is too small for anything else.
_SMALL = ("active", "failed", "FAILED")


def header(
    session: Session, overview: Overview | None, engine: EngineView, width: int
) -> Line:
    """Return the first line: where, with which rights, and how old the page is."""
    mode = _mode(session)
    name = Piece(" Watchfloor", "key")
    place = Piece(f"  {session.workspace_name}", "strong")
    left: Line = (name, place, Piece("  "), *mode)
    short: Line = (Piece(f" {session.workspace_name}", "strong"), Piece("  "), *mode)
    ages = _ages(overview, engine, session.keymap.key("view.refresh"))
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
    if session.role is Role.ADMIN:
        return _rights(session)
    return (Piece(f"{session.role}  "), *_rights(session))


def _rights(session: Session) -> Line:
    if session.read_only:
        return (Piece("READ ONLY", "warn"),)
    if session.is_armed:
        until = clock_time(session.catch.armed_until_ms)[:_TO_THE_MINUTE]
        return (Piece("READ+WRITE  "), Piece(f" ARMED until {until} ", "alarm"))
    return (Piece("READ+WRITE  "), Piece("disarmed", "dim"))


def _ages(
    overview: Overview | None, engine: EngineView, key: str
) -> tuple[str, str, str]:
    if overview is None:
        return ("nothing read yet",) * 3
    since = max(0, engine.changes - overview.engine.changes)
    count = short_count(since)
    # Each in its own place, however many they become: a poll moves nothing else.
    news = f"{count if since else 'no'} {'change' if since <= 1 else 'changes'} since"
    at = clock_time(overview.as_of_ms)
    return (
        f"as of {at} UTC, {news:>{_NEWS}}, {key} refreshes",
        f"as of {at} UTC, {news:>{_NEWS}}",
        f"{at}, {count:>{_COUNT}} new",
    )


def engine_lines(
    session: Session,
    engine: EngineView | None,
    fault: str,
    width: int,
    most: int = 1,
) -> tuple[Line, ...]:
    """Return who owns the workspace, or that nobody does.

    One line; for a fault so many that it can be read to its end, and no more than
    *most*.
    """
    who: Line = (Piece(f"{session.operator} ", "dim"),)
    said = _engine(session, engine, fault)
    told: Line = (Piece(" "), said._replace(text=session.address.here(said.text)))
    return read_whole(told, who, width, most)


def _engine(session: Session, engine: EngineView | None, fault: str) -> Piece:
    if fault:
        return Piece(f"engine: not known, {fault}", "bad")
    if engine is None:
        return Piece("engine: not read yet", "dim")
    now_ms = session.clock()
    if engine.is_alive(now_ms):
        return _living(session, engine)
    if engine.hangs:
        hangs = hang_words(engine.pid, engine.heartbeat_at_ms, now_ms)
        return Piece(f"ENGINE {hangs}; {_about_a_hang(session)}", "bad")
    if engine.is_unseen:
        silent = unseen_words(engine.heartbeat_at_ms, now_ms)
        return Piece(f"ENGINE {silent}; {ABOUT_UNSEEN}", "bad")
    return Piece(f"NO ENGINE{_missing(session, engine)}", "bad")


def _living(session: Session, engine: EngineView) -> Piece:
    drains = _drains(session, engine)
    if engine.fault:
        too = f" — the engine {drains}" if drains else ""
        return Piece(f"STORE FAULT — {engine.fault}{too}", "bad")
    if drains:
        return Piece(f"ENGINE {drains}", "warn")
    if engine.trouble:
        return Piece(f"ENGINE TROUBLE — {engine.trouble}", "warn")
    return Piece(f"engine: {_owner(session, engine)}", "dim")


def _about_a_hang(session: Session) -> str:
    if session.keeper is None or session.read_only:
        return "see: watchfloor doctor"
    return f"{session.keymap.key('engine.key')} asks it to let go"


def _drains(session: Session, engine: EngineView) -> str:
    """Return how far an engine is that ends, and what goes on then; or nothing."""
    if engine.drain is None:
        return ""
    words = drain_words(engine.drain, session.clock())
    if engine.pid == session.own_pid:
        return words
    if session.keeper is None or session.read_only:
        return f"{words}; then: watchfloor engine"
    return f"{words}; {session.keymap.key('engine.key')} waits and goes on here"


def _missing(session: Session, engine: EngineView) -> str:
    """Return why there is no engine, as far as anybody knows, and how to start one."""
    if engine.holder:
        return f": {holder_words(engine.holder)}"
    is_here = session.keeper is not None and not session.read_only
    key = session.keymap.key("engine.key")
    left = left_words(engine, session.clock())
    if left:
        goes_on = f"{key} resumes" if is_here else "resume: watchfloor engine"
        if engine.left == Leaving.STORE_GONE:
            # Nobody stored what it saved, and where: it said so itself as it ended.
            goes_on = (
                f"do what it said at its end, see watchfloor doctor, then {goes_on}"
            )
        return f" — {left}; {goes_on}"
    start = f"{key} starts it here" if is_here else "start: watchfloor engine"
    if engine.released:
        return f" — runs wait; {start}"
    if engine.fault:
        return f"; {start} — {engine.fault}"
    last = clock_time(engine.heartbeat_at_ms)
    return f" since {last} (pid {engine.pid}) — runs wait; {start}"


def _owner(session: Session, engine: EngineView) -> str:
    if engine.pid == session.own_pid:
        return f"this process, pid {engine.pid}"
    since = clock_time(engine.started_at_ms)
    where = f"pid {engine.pid} on {engine.host or 'this machine'}"
    return f"{engine.owner}, {where}, since {since}"


class Card(NamedTuple):
    """One figure of all runs.

    Attributes:
        width: So many cells are its own, whatever it says.
        weight: The one with the least is left out first.
        short: The figure where there is little room, and the cells it has there.
        role: How the figure is drawn while there is one.
        alarms: Whether the name is drawn like the figure.
    """

    name: str
    figure: str
    width: int
    weight: int
    short: tuple[str, int]
    role: str = "strong"
    alarms: bool = False

    def line(self, width: int) -> Line:
        """Return the card, its figure in so many cells at least."""
        return self._line(self.figure, width)

    @property
    def in_short(self) -> Line:
        """The card where there is little room."""
        return self._line(*self.short)

    def _line(self, said: str, width: int) -> Line:
        is_some = said[0] in "123456789"
        named = self.role if self.alarms and is_some else "dim"
        figure = Piece(f"{said:<{width}}", self.role if is_some else "dim")
        return (Piece(f"{self.name} ", named), figure) if self.name else (figure,)


def all_cards(told: Cards | None) -> tuple[Card, ...]:
    """Return the figures of all runs, in the order in which they stand."""
    known = told or Cards()
    active, queued = short_count(known.active, 3), short_count(known.queued, 3)
    failed, unknown = known.failed, known.unknown
    in_flight, permits = short_count(known.attempting, 5), short_count(known.permits, 5)
    whole = short_count(int(known.per_s), 5)
    per_s = f"{known.per_s:.1f}/s" if known.per_s < _MANY else f"{whole}/s"
    flying = f"{in_flight} of {permits}"
    return (
        Card("active", active, 3, 6, (active, 3)),
        Card("queued", queued, 3, 1, (queued, 3)),
        Card(
            "FAILED" if failed else "failed",
            short_count(failed),
            _COUNT,
            5,
            (short_count(failed, 5), 5),
            "bad",
            alarms=True,
        ),
        Card("callbacks", *_counted(known.callback, 3), "warn"),
        Card("unknown", *_counted(unknown, 4), "warn"),
        Card("", per_s, len("999.9/s"), 0, (per_s, len("999.9/s"))),
        Card(
            "in flight",
            flying,
            len("9,999 of 9,999"),
            2,
            (_terse(known.attempting), _TERSE),
        ),
    )


def _counted(count: int, weight: int) -> tuple[str, int, int, tuple[str, int]]:
    return short_count(count, 5), 5, weight, (_terse(count), _TERSE)


def _terse(count: int) -> str:
    """Return a count in four cells: cut, so that it never says more than there are."""
    said = short_count(count, _TERSE)
    return said if len(said) <= _TERSE else said[: said.index(".")] + said[-1]


def cards(told: Cards | None, width: int) -> Line:
    """Return the figures of all runs in one line; those that do not fit are left out.

    Each has its own place, so that one that grows moves no other. How many runs wait
    for somebody's word stands at the end, and only where some do.
    """
    asking = told.asking if told is not None else 0
    word = f"your word {asking:,} " if asking else ""
    line: Line = (Piece(" "), *_as_many_as_fit(told, width - 1 - len(word)))
    return spread(line, (Piece(word, "warn"),), width + 1) if word else line


def _as_many_as_fit(told: Cards | None, room: int) -> Line:
    known = all_cards(told)
    roomy = joined([card.line(card.width) for card in known], "  ")
    if measured(roomy) <= room:
        return roomy
    for least in range(len(known)):
        kept = [card.in_short for card in known if card.weight >= least]
        for gap in ("  ", " "):
            line = joined(kept, gap)
            if measured(line) <= room:
                return line
    return ()


def too_small(told: Cards | None, least: str, leave: str, width: int) -> list[Line]:
    """Return what a terminal says that is too small to act in.

    Args:
        told: The figures of all runs.
        least: The size that is needed.
        leave: The key that ends the console.
        width: In cells.
    """
    said = (f" Watchfloor needs {least}.", f" needs {least}", f" {least}")
    needs = Piece(next((one for one in said if len(one) <= width), least), "warn")
    figures = [card.line(0) for card in all_cards(told) if card.name in _SMALL]
    lines: list[Line] = [
        (needs,),
        (Piece(" "), *joined(figures, "  ")),
        (Piece(f" {leave} quit"),),
    ]
    one = joined(lines, " ")
    if measured(one) <= width:
        return [one]
    if measured(lines[1]) > width:
        # A figure that is cut would be another one.
        lines[1] = (Piece(" "), *joined(figures, " "))
    return lines


def active_runs(runs: Sequence[RunView]) -> list[RunView]:
    """Return the runs that an ending engine would leave unfinished."""
    return [run for run in runs if not run.lifecycle.is_ended]


@dataclass(frozen=True, slots=True)
class Offer:
    """An act in the footer, whether it can be done now, and its name there."""

    act: Act
    possible: bool = True
    label: str = ""


_HELP = ("app.help", "sheet.help")


def footer(offers: Sequence[Offer], width: int) -> Line:
    """Return the keys, the most used first; what does not fit is left out."""
    last = [_offered(offer) for offer in offers if offer.act.ident in _HELP]
    room = width - 1 - sum(measured(part) + 2 for part in last)
    parts: list[Line] = []
    for offer in sorted(offers, key=lambda offer: offer.act.rank):
        if not offer.act.rank or offer.act.ident in _HELP:
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
