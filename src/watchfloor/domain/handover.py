"""A note for the next shift: what happened, what waits, and what comes.

Everything in it has passed the text door, and contacts are masked: it is made to be
pasted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from watchfloor.domain.draining import NOT_TOLD
from watchfloor.domain.moments import counted
from watchfloor.domain.progress import Gain
from watchfloor.domain.views import EngineView, EventView

STARTED: Final = "engine started"
ENDED: Final = "engine ended"
#: A change is told in no more of its lines than somebody reads.
MOST_CHANGES: Final = 60

#: What the journal tells besides, and a shift need not know.
_NO_NEWS: Final = frozenset(
    {
        STARTED,
        ENDED,
        "alert raised",
        "alert cleared",
        "intake_started",
        "extracted",
        "filter_done",
        "work_returned",
        "pause_settled",
        "history_created",
        "notice owed",
        "notice sent",
        "purged",
        "shown again",
        "hidden",
    }
)
#: What facts are called here; a journal's own words are those of the statechart.
_WORDS: Final = {
    "admitted": "started",
    "nothing_to_do": "ended",
    "only_callbacks_left": "only callbacks left",
    "all_done": "ended",
    "callbacks_done": "ended",
    "stop_settled": "stopped",
    "cancel_settled": "cancelled",
    "fatal_error": "failed",
    "results_closed": "results closed",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EngineTold(NamedTuple):
    """What became of the engine within the period.

    Attributes:
        starts: How often one started.
        crashes: How often one started after one that had not ended in good order.
    """

    owner: EngineView
    is_alive: bool
    starts: int
    crashes: int


class RunTold(NamedTuple):
    """One run that was live or ended within the period.

    Attributes:
        sentence: How it does, or how it ended.
        gained: What was done within the period.
    """

    run_id: str
    name: str
    sentence: str
    gained: Gain


class Coming(NamedTuple):
    """Something that will happen by itself.

    Attributes:
        about: When exactly that is not known.
    """

    at_ms: int
    what: str
    about: bool = False


class AlertTold(NamedTuple):
    """One alert that stood within the period."""

    since_ms: int
    cleared_at_ms: int | None
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Everything the next shift is told.

    Attributes:
        zone: The workspace's, as an IANA name.
        runs: The newest first.
        more_runs: So many there are beside them.
        changes: Entries of the journal that are news, oldest first.
        more_changes: So many earlier ones there are.
        waits: What somebody has to do, a sentence each.
        coming: What happens by itself, the first one first.
        questions: What nobody has explained or settled yet, a sentence each.
    """

    workspace_id: str
    workspace_name: str
    zone: str
    since_ms: int
    until_ms: int
    engine: EngineTold
    runs: tuple[RunTold, ...] = ()
    more_runs: int = 0
    changes: tuple[EventView, ...] = ()
    more_changes: int = 0
    alerts: tuple[AlertTold, ...] = ()
    waits: tuple[str, ...] = ()
    coming: tuple[Coming, ...] = ()
    questions: tuple[str, ...] = ()

    @property
    def gained(self) -> Gain:
        """What was done within the period by all runs together."""
        sums = zip(*(one.gained for one in self.runs), strict=True)
        return Gain(*(sum(each) for each in sums)) if self.runs else Gain()


def news(entries: Iterable[EventView]) -> tuple[EventView, ...]:
    """Return those entries of a journal that tell a shift something, in their order.

    What was asked for and then applied stands there twice: once is enough.
    """
    return tuple(
        one
        for one in entries
        if one.event not in _NO_NEWS and not one.event.endswith(" requested")
    )


def engine_told(
    owner: EngineView, entries: Iterable[EventView], *, is_alive: bool
) -> EngineTold:
    """Return what entries of the journal, oldest first, tell of the engine.

    Args:
        owner: As last told.
        entries: Of the period, and the engine's last one before it if there is one.
        is_alive: Whether the owner lives.
    """
    starts = crashes = 0
    last = ""
    for one in entries:
        if one.event == STARTED:
            starts += 1
            crashes += last == STARTED
        if one.event in (STARTED, ENDED):
            last = one.event
    return EngineTold(owner, is_alive, starts, crashes)


def note_lines(note: Handover, zone: tzinfo) -> tuple[str, ...]:
    """Return the note as lines of plain text.

    Args:
        note: The note.
        zone: The workspace's.
    """
    clock = _Clock(note, zone)
    return (
        f"Handover: {note.workspace_name} ({note.workspace_id})",
        f"Period: {clock.whole(note.since_ms)} to {clock.whole(note.until_ms)}",
        f"Engine: {_engine_line(note.engine, clock)}",
        f"Done: {_gained(note.gained)}",
        *_section("Runs", _run_lines(note), "none was live or ended"),
        *_section("What changed", _change_lines(note, clock), "nothing"),
        *_section("Alerts", _alert_lines(note.alerts, clock), "none stood"),
        *_section("Waits for somebody", note.waits, "nothing"),
        *_section("What comes", _coming_lines(note.coming, clock), "nothing is known"),
        *_section("Open questions", note.questions, "none"),
    )


class _Clock:
    """Says moments in UTC and, where that is another, in the workspace's zone."""

    def __init__(self, note: Handover, zone: tzinfo) -> None:
        self._zone, self._name = zone, note.zone
        self._today = _at(note.until_ms).date()

    def whole(self, at_ms: int) -> str:
        """Return the day and both times of day, the zone by its name."""
        return f"{_at(at_ms):%Y-%m-%d} {self._both(at_ms, f' {self._name}')}"

    def near(self, at_ms: int) -> str:
        """Return both times of day, with the day where it is not today's."""
        then = _at(at_ms)
        day = "" if then.date() == self._today else f"{then:%m-%d} "
        return f"{day}{self._both(at_ms)}"

    def _both(self, at_ms: int, named: str = "") -> str:
        then = _at(at_ms)
        if self._name == "UTC":
            return f"{then:%H:%M} UTC"
        local = then.astimezone(self._zone)
        day = "" if local.date() == then.date() else f"{local:%m-%d} "
        return f"{then:%H:%M} UTC ({day}{local:%H:%M}{named})"


def _at(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


def _section(title: str, lines: Iterable[str], empty: str) -> Iterator[str]:
    told = list(lines)
    yield ""
    yield f"{title}:" if told else f"{title}: {empty}"
    # What goes with the line before it is indented.
    yield from (one if one.startswith(" ") else f"- {one}" for one in told)


def _engine_line(engine: EngineTold, clock: _Clock) -> str:
    owner = engine.owner
    if not owner.epoch:
        return "none ever ran here"
    started = f"{engine.starts} start{'' if engine.starts == 1 else 's'} in the period"
    if engine.crashes:
        started = f"{started}, {engine.crashes} after it died"
    who = f"{owner.owner}, pid {owner.pid} on {owner.host}"
    if engine.is_alive:
        ends = "" if owner.drain is None else ", and drains: it ends"
        return f"{who}, up since {clock.near(owner.started_at_ms)}{ends}; {started}"
    last = clock.near(owner.heartbeat_at_ms)
    if owner.hangs:
        return f"HANGS since {last}: {who}, and its process lives; {started}"
    if owner.is_unseen:
        return f"DOES NOT ANSWER since {last}: {who}; {NOT_TOLD}; {started}"
    return f"NONE RUNS; the last owner was {who}, until {last}; {started}"


def _gained(gained: Gain) -> str:
    return (
        f"{gained.delivered:,} delivered, {gained.failed:,} failed, "
        f"{gained.unknown:,} unknown, by {counted(gained.attempts, 'attempt')}"
    )


def _run_lines(note: Handover) -> Iterator[str]:
    for one in note.runs:
        yield f"{one.name} ({one.run_id}): {one.sentence}"
        if any(one.gained):
            yield f"  in the period: {_gained(one.gained)}"
    if note.more_runs:
        yield f"and {note.more_runs:,} more: watchfloor runs"


def _change_lines(note: Handover, clock: _Clock) -> Iterator[str]:
    names = {one.run_id: one.name for one in note.runs}
    if note.more_changes:
        yield f"{note.more_changes:,} earlier ones: watchfloor events RUN"
    for one in note.changes:
        whose = names.get(one.run_id, one.run_id)
        where = f"{whose}: " if whose else ""
        by = f" by {one.by}" if one.by else ""
        label = f" -> {one.after}" if one.after and one.after != one.before else ""
        said = "; ".join(part for part in (one.why, one.detail) if part)
        because = f": {said}" if said else ""
        word = _WORDS.get(one.event, one.event)
        yield f"{clock.near(one.at_ms)} {where}{word}{by}{label}{because}"


def _alert_lines(alerts: Sequence[AlertTold], clock: _Clock) -> Iterator[str]:
    for one in alerts:
        until = "stands"
        if one.cleared_at_ms is not None:
            until = f"over since {clock.near(one.cleared_at_ms)}"
        yield f"{one.said}, since {clock.near(one.since_ms)}, {until}"


def _coming_lines(coming: Sequence[Coming], clock: _Clock) -> Iterator[str]:
    for one in coming:
        yield f"{'about ' if one.about else ''}{clock.near(one.at_ms)} {one.what}"
