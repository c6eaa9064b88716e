"""Live ops in words: columns, the owner, shared limits, and one run at length."""

from __future__ import annotations

from typing import NamedTuple

from watchfloor.console.about import books, flowed, said_in
from watchfloor.console.columns import Column
from watchfloor.console.figures import (
    clock_time,
    counted,
    length,
    near_minute,
    near_time,
    rate,
)
from watchfloor.console.holds import hold_lines, hold_words
from watchfloor.console.keymap import Keymap
from watchfloor.console.labels import run_role
from watchfloor.console.pieces import Line, Piece, joined, measured
from watchfloor.console.plots_scale import named
from watchfloor.domain.draining import (
    drain_words,
    hang_words,
    holder_words,
    unseen_words,
)
from watchfloor.domain.health import Health
from watchfloor.domain.live import LiveOps, LiveRun
from watchfloor.domain.moments import pace_text
from watchfloor.domain.progress import ends_later, eta_ms, in_flight, is_rated
from watchfloor.domain.sharing import SharedUse
from watchfloor.domain.slowdown import Slowdown
from watchfloor.domain.views import EngineView, RunView

#: What a run says that a poll no longer told of.
GONE = "gone"
LATE = "late"
FAILING = "failing"
_NAME = 24
_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_ROLES = {
    Health.STALLED.value: "bad",
    Health.SLOW.value: "warn",
    Health.BLOCKED.value: "warn",
    LATE: "warn",
    FAILING: "warn",
    GONE: "dim",
}


class LiveRow(NamedTuple):
    """A run, the owner and the moment at which both were read.

    Attributes:
        is_gone: Whether the newest figures do not tell of it any more.
    """

    live: LiveRun
    engine: EngineView
    as_of_ms: int
    is_gone: bool = False


def health_word(live: LiveRun) -> str:
    """Return ok, stalled, slow, blocked, failing or late: the worst that is true."""
    if live.failing is not None:
        return FAILING
    if live.health is Health.OK and live.is_late:
        return LATE
    return live.health.value


def lately(per_s: float) -> str:
    """Return ``12.0/s``, or per minute or hour where that is less than one."""
    for unit, seconds in (("s", 1), ("m", 60)):
        if per_s * seconds >= 1:
            return f"{per_s * seconds:,.1f}/{unit}"
    return f"{per_s * 3600:,.1f}/h" if per_s > 0 else "0/s"


def pace_words(per_s: float, run: RunView, engine: EngineView, now_ms: int) -> str:
    """Return ``12.0/s now``, or that the pace is not known yet.

    Args:
        per_s: Attempts or records.
        run: Which one.
        engine: The owner, who may not have worked for long enough to tell.
        now_ms: When both were read.
    """
    if not is_rated(run.started_at_ms, engine.started_at_ms, now_ms):
        return "pace not known yet"
    return f"{lately(per_s)} now"


def slow_words(slow: Slowdown, now_ms: int) -> str:
    """Return since when a run is how slow, and what earlier runs had."""
    since = near_minute(slow.since_ms, now_ms)
    usual = pace_text(slow.usual_per_s)
    return f"since {since} {pace_text(slow.per_s)} where earlier runs had {usual}"


def ends_about(live: LiveRun, now_ms: int) -> int | None:
    """Return when all should be done at the pace of now; the rounder the further.

    A time of day stands still where what is left would count down. Where something of
    the run waits for a time of its own it is the earliest, see ``ends_later``.
    """
    run = live.run
    left = eta_ms(run, live.done_per_s)
    if left is None:
        return None
    if run.books.callback and run.next_callback_at_ms is not None:
        left = max(left, run.next_callback_at_ms - now_ms)
    step = next(
        (
            minutes * _MINUTE_MS
            for hours, minutes in ((1, 1), (6, 10), (48, 30))
            if left < hours * _HOUR_MS
        ),
        6 * _HOUR_MS,
    )
    at_ms = now_ms + left
    return at_ms // step * step if ends_later(run) else round(at_ms / step) * step


def _word(row: LiveRow) -> str:
    return GONE if row.is_gone else health_word(row.live)


def _ends(row: LiveRow) -> str:
    at_ms = ends_about(row.live, row.as_of_ms)
    more = "+" if at_ms is not None and ends_later(row.live.run) else ""
    return f"{near_minute(at_ms, row.as_of_ms)}{more}"


def _in_flight(row: LiveRow) -> str:
    run = row.live.run
    return f"{in_flight(run):,}/{run.permits:,}"


def _is_rated(row: LiveRow) -> bool:
    run, engine = row.live.run, row.engine
    return is_rated(run.started_at_ms, engine.started_at_ms, row.as_of_ms)


def _rate(row: LiveRow) -> str:
    return lately(row.live.attempts_per_s) if _is_rated(row) else "-"


LIVE_COLUMNS: tuple[Column[LiveRow], ...] = (
    Column(title="NAME", width=14, grow=3, text=lambda r: r.live.run.campaign_name),
    Column(
        title="HEALTH",
        width=7,
        text=_word,
        role=lambda r: _ROLES.get(_word(r), ""),
    ),
    Column(
        title="BLOCKED BY",
        width=20,
        grow=2,
        text=lambda r: hold_words(r.live, in_short=True),
    ),
    Column(
        title="RATE",
        width=7,
        right=True,
        text=_rate,
    ),
    Column(title="IN FLIGHT", width=9, right=True, text=_in_flight, spare=1),
    Column(
        title="OLDEST",
        width=8,
        text=lambda r: near_time(r.live.oldest_at_ms, r.as_of_ms),
        spare=2,
    ),
    Column(title="ENDS", width=12, text=_ends, spare=3),
    Column(
        title="STARTED",
        width=11,
        text=lambda r: near_time(r.live.run.started_at_ms, r.as_of_ms),
        role=lambda _: "dim",
        spare=4,
    ),
    Column(
        title="SHOULD TAKE",
        width=11,
        right=True,
        text=lambda r: length(r.live.expected_ms),
        role=lambda _: "dim",
        spare=5,
    ),
)


def engine_line(engine: EngineView, now_ms: int, own_pid: int) -> Line:
    """Return who owns the workspace, whether it lives, and since when it is up."""
    where = f"pid {engine.pid} on {engine.host or 'this machine'}"
    if engine.is_alive(now_ms):
        if engine.fault:
            return (Piece(" engine  ", "dim"), Piece("STORE FAULT", "bad"))
        own = ", this process" if engine.pid == own_pid else ""
        if engine.drain is not None:
            drains = f"{drain_words(engine.drain, now_ms)}; {where}{own}"
            return (Piece(" engine  ", "dim"), Piece(drains, "warn"))
        up = near_time(engine.started_at_ms, now_ms)
        said = f"  {engine.owner}, {where}{own}, up since {up}"
        return (Piece(" engine  ", "dim"), Piece("alive", "good"), Piece(said))
    if silent := _silent(engine, now_ms):
        return (Piece(" engine  ", "dim"), Piece(silent, "bad"))
    if not engine.heartbeat_at_ms:
        return (Piece(" engine  none ever ran here", "bad"),)
    last = near_time(engine.heartbeat_at_ms, now_ms)
    why = "let go in good order" if engine.released else "fell silent"
    return (
        Piece(" engine  ", "dim"),
        Piece(f"none; {where} {why}, last heartbeat {last}", "bad"),
    )


def _silent(engine: EngineView, now_ms: int) -> str:
    """Return what is known of one that neither beats nor is known to have gone."""
    if engine.hangs:
        return hang_words(engine.pid, engine.heartbeat_at_ms, now_ms)
    if engine.holder:
        return f"none: {holder_words(engine.holder)}"
    if engine.is_unseen:
        return unseen_words(engine.heartbeat_at_ms, now_ms)
    return ""


# --- shared limits -------------------------------------------------------------------


def shared_lines(ops: LiveOps, width: int, most: int) -> tuple[Line, ...]:
    """Return a line for every limit that runs share, with who holds its permits."""
    if not ops.shared:
        return ((Piece(" No limit is shared by runs.", "dim"),),)
    names = {live.run.run_id: live.run.campaign_name for live in ops.runs}
    shown = ops.shared if len(ops.shared) <= most else ops.shared[: most - 1]
    lines = [_shared(use, names, width) for use in shown]
    left = len(ops.shared) - len(shown)
    if left:
        lines.append((Piece(f" and {counted(left, 'more shared limit')}", "dim"),))
    return tuple(lines)


def _shared(use: SharedUse, names: dict[str, str], width: int) -> Line:
    of = "" if use.permits is None else f" of {use.permits:,} permits"
    pace = "" if use.rate_per_s is None else f", {rate(use.rate_per_s)} at most"
    scope = named(use.scope, _NAME, ascii_only=False)
    is_full = use.permits is not None and use.in_flight >= use.permits
    line: Line = (
        Piece(" "),
        Piece(scope, "strong"),
        Piece("  "),
        Piece(f"{use.in_flight:,}{of} in flight", "warn" if is_full else ""),
        Piece(f"{pace}  ", "dim"),
    )
    for place, (run_id, count) in enumerate(use.holders):
        name = named(names.get(run_id, run_id), _NAME, ascii_only=False)
        part = f"{', ' if place else ''}{name} {count:,}"
        longer = (*line, Piece(part))
        left = len(use.holders) - place
        reserve = len(f", {left - 1} more") if left > 1 else 0
        if measured(longer) + reserve > width:
            return (*line, Piece(f"{', ' if place else ''}{left} more", "dim"))
        line = longer
    return line


# --- one run -------------------------------------------------------------------------


def live_at_length(
    row: LiveRow | None, ordered_at_ms: int, keymap: Keymap, width: int
) -> list[Line]:
    """Return everything about the run under the cursor.

    Args:
        row: The run; None for none.
        ordered_at_ms: When it was asked for last: what is older by now is told as of
            then, or it would tick.
        keymap: The keys in force.
        width: Cells a line may take.
    """
    if row is None:
        return []
    live, run = row.live, row.live.run
    name = named(run.campaign_name, width // 2, ascii_only=False)
    lines: list[Line] = [
        (Piece(f" {name}  {run.run_id}  "), Piece(run.label, run_role(run)))
    ]
    if row.is_gone:
        again = keymap.key("sheet.refresh")
        said = "it ended, or is not among the newest live runs any more"
        lines.append((Piece(f"  {said}; {again} tells", "warn"),))
    lines += hold_lines(live, row.engine, row.as_of_ms)
    lines += _times(row, ordered_at_ms)
    terms = [_plain(term) for term in books(run.books)[1]]
    account = joined(terms, "")
    if measured(account) <= width - 2:
        lines.append((Piece("  "), *account))
    else:
        lines += ((Piece("  "), *line) for line in flowed(terms, width - 4))
    if live.sentence:
        # Last: where there is little room the books go before it.
        lines.append((Piece(f"  {said_in(live.sentence, width - 2)}"),))
    return lines


def _plain(line: Line) -> Line:
    """Return a line in one look: it is sent anew whenever the cursor moves."""
    return tuple(Piece(piece.text) for piece in line)


def _times(row: LiveRow, ordered_at_ms: int) -> list[Line]:
    live, run = row.live, row.live.run
    if run.started_at_ms is None:
        accepted = near_time(run.created_at_ms, row.as_of_ms)
        return [(Piece(f"  accepted {accepted}, not started yet"),)]
    started = near_time(run.started_at_ms, row.as_of_ms)
    elapsed = f"{length(run.duration_ms(ordered_at_ms))} at {clock_time(ordered_at_ms)}"
    oldest = near_time(live.oldest_at_ms, row.as_of_ms)
    pace = f"finishes {lately(live.done_per_s)}"
    parts = [pace if _is_rated(row) else "pace not known yet"]
    ends = ends_about(live, row.as_of_ms)
    if ends is not None:
        word = "after" if ends_later(run) else "about"
        parts.append(f"ends {word} {near_minute(ends, row.as_of_ms)}")
    if live.expected_ms is not None:
        parts.append(f"should take {length(live.expected_ms)}")
    return [
        (Piece(f"  started {started}, elapsed {elapsed}, oldest {oldest}"),),
        (Piece(f"  {', '.join(parts)}"),),
    ]
