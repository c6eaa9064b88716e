"""How a retry's canary does: its stages, their figures against their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from watchfloor.console.columns import Column
from watchfloor.console.figures import bar, near_time
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import without_contact
from watchfloor.console.text import wrapped
from watchfloor.domain.canary import CanaryView, StageState, StageView, bounded

_BAR: Final = 8
_MOST_LINES: Final = 4
_ROLES: Final = {
    StageState.RUNNING: "key",
    StageState.PASSED: "good",
    StageState.RELEASED: "good",
    StageState.STOPPED: "bad",
    StageState.FAILED: "bad",
    StageState.OVERRULED: "warn",
    StageState.WAITING: "dim",
}


class StageRow(NamedTuple):
    """A stage, how many there are, and when it was read."""

    stage: StageView
    of: int
    as_of_ms: int

    @property
    def share(self) -> float:
        """Which part of it is settled; 0 where that is not counted."""
        told = self.stage.figures
        return told.settled / told.records if told is not None and told.records else 0.0


def _progress(row: StageRow) -> str:
    told = row.stage.figures
    return "-" if told is None else told.progress


def _latency(row: StageRow) -> str:
    told = row.stage.figures
    return "-" if told is None or told.p95_ms is None else f"{told.p95_ms:,} ms"


def _failed(row: StageRow) -> str:
    told = row.stage.figures
    return "-" if told is None else f"{told.failed:,}"


STAGE_COLUMNS: tuple[Column[StageRow], ...] = (
    Column(title="STAGE", width=7, text=lambda r: f"{r.stage.number} of {r.of}"),
    Column(title="RECORDS", width=9, right=True, text=lambda r: f"{r.stage.records:,}"),
    Column(
        title="STATE",
        width=9,
        text=lambda r: r.stage.state.value,
        role=lambda r: _ROLES[r.stage.state],
    ),
    Column(
        title="",
        width=_BAR,
        text=lambda r: bar(r.share, _BAR),
        role=lambda _: "key",
        marks=False,
        spare=1,
    ),
    Column(title="SETTLED", width=14, grow=1, text=_progress),
    Column(
        title="FAILED",
        width=6,
        right=True,
        text=_failed,
        role=lambda r: "bad" if r.stage.figures and r.stage.figures.failed else "dim",
    ),
    Column(title="P95", width=8, right=True, text=_latency, least=90),
    Column(
        title="OPENED",
        width=11,
        text=lambda r: near_time(r.stage.opened_at_ms, r.as_of_ms),
        role=lambda _: "dim",
        spare=2,
    ),
    Column(
        title="JUDGED",
        width=11,
        text=lambda r: near_time(r.stage.judged_at_ms, r.as_of_ms),
        role=lambda _: "dim",
        least=90,
    ),
    Column(
        title="LET GO BY",
        width=10,
        grow=1,
        text=lambda r: r.stage.decided_by or "-",
        least=90,
    ),
)


def canary_line(canary: CanaryView | None, resume: str) -> Line:
    """Return where a canary stands as a whole, and who goes on with it.

    Args:
        canary: As it was read; None for a run without one.
        resume: The key that resumes a run.
    """
    if canary is None:
        return ()
    held = f"{canary.held_back:,} records are held back"
    if not canary.held_back:
        return (Piece(" all records are released", "dim"),)
    if canary.is_stopped:
        said = f" stopped, {held}; on the jobs screen {resume} overrules it"
        return (Piece(said, "bad"),)
    return (Piece(f" {held} until the stages before them pass", "dim"),)


def stage_at_length(row: StageRow | None, width: int) -> tuple[Line, ...]:
    """Return what a stage was judged on, each figure against its bound."""
    if row is None:
        return ()
    stage = row.stage
    lines: list[Line] = [
        (
            Piece(f" stage {stage.number} of {row.of}  ", "strong"),
            Piece(stage.state.value, _ROLES[stage.state]),
            Piece(f"  {_decided(stage)}", "dim"),
        )
    ]
    if stage.state is StageState.WAITING and not stage.evidence:
        told = "not released: the stages before it are judged first"
        return (*lines, (Piece(f" {told}", "dim"),))
    if stage.state is StageState.RELEASED and not stage.evidence:
        return (
            *lines,
            (
                Piece(
                    " the rest: it is judged at its end, and no other waits for it",
                    "dim",
                ),
            ),
        )
    for sentence in (*stage.evidence, *_so_far(stage)):
        first, *rest = _wrapped(sentence, width)
        lines.append((Piece(" • ", "dim"), Piece(first)))
        lines += [(Piece(f"   {text}"),) for text in rest]
    return tuple(lines)


def _so_far(stage: StageView) -> tuple[str, ...]:
    """Return what a stage that is not judged yet came to, and what that bounds."""
    told = stage.figures
    if stage.state is not StageState.RUNNING or told is None or not told.attempts:
        return ()
    troubled = (
        f"so far {told.transient:,} of {told.attempts:,} attempts failed for now or "
        "are unknown"
    )
    return (troubled, bounded(told.failed, told.settled))


def _decided(stage: StageView) -> str:
    if not stage.decided_by:
        return ""
    return f"the next one was let go by {stage.decided_by}"


def _wrapped(sentence: str, width: int) -> Sequence[str]:
    return wrapped(without_contact(sentence), max(10, width - 4), _MOST_LINES)
