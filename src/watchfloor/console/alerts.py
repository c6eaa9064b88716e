"""What needs somebody among the live runs, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from watchfloor.console.figures import counted, length, near_time
from watchfloor.console.holds import figures
from watchfloor.console.keymap import Keymap
from watchfloor.console.labels import YOUR_WORD
from watchfloor.console.live_lines import slow_words
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.plots_scale import named
from watchfloor.console.privacy import without_contact
from watchfloor.domain.blocked_by import Reason
from watchfloor.domain.draining import ABOUT_A_HANG, ABOUT_UNSEEN, NOT_TOLD
from watchfloor.domain.health import Health
from watchfloor.domain.live import LiveOps, LiveRun
from watchfloor.domain.shell_words import Address

_NAME = 24


class Alert(NamedTuple):
    """Something that needs somebody.

    Attributes:
        rank: Lowest first.
        word: What it is called.
        name: Of the run that it is about; or empty.
        said: One or more sentences without a stop.
    """

    rank: int
    word: str
    name: str
    said: str

    @property
    def role(self) -> str:
        """How it is drawn; the word itself says all."""
        return "bad" if self.rank <= 1 else "warn"

    @property
    def short(self) -> str:
        """What fits where there is no room for it."""
        return f"{self.word} {self.name}".rstrip()


def alerts(ops: LiveOps, keymap: Keymap, address: Address) -> list[Alert]:
    """Return everything that needs somebody, one for each run, the worst first."""
    found = _alerts(ops, keymap)
    return [one._replace(said=address.here(one.said)) for one in found]


def _alerts(ops: LiveOps, keymap: Keymap) -> list[Alert]:
    found: list[Alert] = []
    if ops.engine.hangs:
        said = f"its process {ops.engine.pid} lives; {ABOUT_A_HANG}"
        found.append(Alert(0, "ENGINE HANGS", "", said))
    elif ops.engine.is_unseen:
        said = f"{NOT_TOLD}; {ABOUT_UNSEEN}"
        found.append(Alert(0, "ENGINE DOES NOT ANSWER", "", said))
    elif not ops.engine.is_alive(ops.as_of_ms):
        waiting = counted(len(ops.runs), "run")
        said = f"{waiting} can only wait; start one: watchfloor engine"
        found.append(Alert(0, "NO ENGINE", "", said))
    if ops.engine.fault:
        found.append(Alert(0, "STORE FAULT", "", ops.engine.fault))
    if ops.engine.trouble:
        found.append(Alert(1, "ENGINE TROUBLE", "", ops.engine.trouble))
    for live in ops.runs:
        alarms = list(_alarms(live, ops, keymap))
        if alarms:
            found.append(
                Alert(
                    rank=alarms[0].rank,
                    word=", ".join(one.word for one in alarms),
                    name=alarms[0].name,
                    said="; ".join(one.said for one in alarms),
                )
            )
    return sorted(found, key=lambda one: one.rank)


def fitted(found: Sequence[Alert], most: int) -> tuple[Line, ...]:
    """Return the alerts in the lines there are; those without a line by name only."""
    if not found:
        return ((Piece("   No run needs anybody.", "dim"),),)
    shown = found if len(found) <= most else found[: most - 1]
    lines: list[Line] = [
        (
            Piece(f" ! {one.word}  ", one.role),
            Piece(f"{one.name}  " if one.name else "", "strong"),
            Piece(one.said),
        )
        for one in shown
    ]
    others = found[len(shown) :]
    if others:
        names = ", ".join(one.short for one in others)
        lines.append((Piece(f" ! and {len(others)} more  ", "warn"), Piece(names)))
    return tuple(lines)


def _alarms(live: LiveRun, ops: LiveOps, keymap: Keymap) -> Iterator[Alert]:
    """Yield everything that is wrong with a run, the worst first."""
    run, now_ms = live.run, ops.as_of_ms
    name = named(run.campaign_name, _NAME, ascii_only=False)
    if live.health is Health.STALLED:
        since = near_time(run.progress_at_ms or run.started_at_ms, now_ms)
        triage = keymap.key("nav.triage")
        said = f"no outcome since {since}; {triage} tells why"
        yield Alert(1, "STALLED", name, said)
    yield from _shortcomings(live, now_ms, name, keymap)
    if run.awaits_approval:
        said = f"{YOUR_WORD}; {keymap.key('run.approve')} on the jobs screen gives it"
        yield Alert(3, "ASKS", name, said)
    if live.health is Health.BLOCKED:
        for one in live.blocked[:1]:
            if one.reason is not Reason.NO_ENGINE:
                about = figures(one, live, ops.engine, now_ms)
                said = f"{one.reason.value}{f', {about}' if about else ''}"
                yield Alert(4, "BLOCKED", name, f"{one.count:,} held by {said}")


def _shortcomings(
    live: LiveRun, now_ms: int, name: str, keymap: Keymap
) -> Iterator[Alert]:
    """Yield in what a run that moves falls short."""
    if live.health is Health.SLOW:
        yield Alert(2, "SLOW", name, _slowness(live, now_ms, keymap))
    if live.failing is not None:
        said = without_contact(live.failing.said)
        tells = f"{keymap.key('nav.triage')} tells why"
        yield Alert(2, "FAILING", name, f"{said}; {tells}")
    if live.is_late:
        started = near_time(live.run.started_at_ms, now_ms)
        said = f"should have taken {length(live.expected_ms)}, started {started}"
        yield Alert(2, "LATE", name, said)


def _slowness(live: LiveRun, now_ms: int, keymap: Keymap) -> str:
    triage = f"{keymap.key('nav.triage')} tells why"
    if live.slowdown is None:
        since = near_time(live.run.progress_at_ms or live.run.started_at_ms, now_ms)
        return f"permits full and no outcome since {since}; {triage}"
    return f"{slow_words(live.slowdown, now_ms)}; {triage}"
