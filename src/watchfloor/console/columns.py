"""Which columns the lists have, and which words stand in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from watchfloor.console.figures import (
    bar,
    clock_time,
    length,
    near_time,
    short_count,
    wait_in_short,
)
from watchfloor.console.labels import list_label, run_label, run_role
from watchfloor.console.privacy import shown_contact, without_contact
from watchfloor.domain.labels import Dialect
from watchfloor.domain.progress import done_share, ends_later
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import EventView, RecordView, RunView

Row = TypeVar("Row")

_BAR = 8
#: From this width on a list of records has room for two times.
_ROOMY = 100


def _no_role(_: object) -> str:
    return ""


def _always(_: Sequence[object]) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """One column of a list.

    Attributes:
        width: In cells; more where *grow* shares out what is left.
        text: What stands in the cell; it passes the text door in the list.
        role: How the cell is drawn.
        least: The narrowest list that shows the column.
        most: The widest one.
        marks: Whether a change of it is marked and counted after a refresh.
        sense: What must differ for that; the text itself where it is None.
        worth: Whether the rows shown have something to say in this column.
        spare: Where the list is too narrow the column with the most goes first; one
            with 0 stays.
    """

    title: str
    width: int
    text: Callable[[Row], str]
    role: Callable[[Row], str] = _no_role
    grow: int = 0
    right: bool = False
    least: int = 0
    most: int = 10_000
    marks: bool = True
    sense: Callable[[Row], str] | None = None
    worth: Callable[[Sequence[Row]], bool] = _always
    spare: int = 0


class RunRow(NamedTuple):
    """A run and the moment at which it was read.

    Attributes:
        dialect: Whose words it is called by.
        eta_ms: Until all that can be done now is, as fast as now; None where that is
            not known.
        expected_ms: What it should have taken and did not; None unless it is late.
        twin: What tells it from another run of the same name; empty where none is.
        said: How it does, in one sentence; empty for one that has ended.
        is_unwell: Whether it is stalled or slow, or mostly fails.
    """

    run: RunView
    as_of_ms: int
    dialect: Dialect = Dialect.WATCHFLOOR
    eta_ms: int | None = None
    expected_ms: int | None = None
    twin: str = ""
    said: str = ""
    is_unwell: bool = False

    @property
    def name(self) -> str:
        """The campaign's name, and what tells it from others of the same."""
        return f"{self.run.campaign_name} {self.twin}".rstrip()

    @property
    def label(self) -> str:
        """What it is called, without what stands beside it in a list."""
        return run_label(self.run, self.dialect)

    @property
    def state(self) -> str:
        """The label in a list; that it should have ended stands first."""
        label = list_label(self.run, self.as_of_ms, self.dialect)
        return label if self.expected_ms is None else f"late, {label}"

    @property
    def role(self) -> str:
        """How the label is drawn."""
        return run_role(self.run) or ("" if self.expected_ms is None else "warn")


class RecordRow(NamedTuple):
    """A record and the moment at which it was read."""

    record: RecordView
    as_of_ms: int


_STATE_ROLES = {
    RecordState.DELIVERED: "good",
    RecordState.FAILED: "bad",
    RecordState.UNKNOWN: "warn",
    RecordState.RETRY: "warn",
    RecordState.CALLBACK: "warn",
    RecordState.WAITING: "warn",
    RecordState.ATTEMPTING: "strong",
    RecordState.PENDING: "dim",
    RecordState.NOT_ATTEMPTED: "dim",
    RecordState.EXPIRED: "dim",
    RecordState.ABANDONED: "dim",
}


def state_role(state: RecordState) -> str:
    """Return how a record's state is drawn; the word itself says all."""
    return _STATE_ROLES.get(state, "")


def outcome_words(record: RecordView) -> str:
    """Return class and code of the last outcome, people masked; ``-`` before the first.

    The class is left out where the state says the same word already.
    """
    if record.state is RecordState.ATTEMPTING:
        # Some are taken up ahead of the permits: nobody knows of one whether it flies.
        return "none yet"
    code = without_contact(record.code, record.contact)
    if record.outcome_class is None or record.outcome_class.word == record.state.word:
        return code or "-"
    return f"{record.outcome_class.word} {code}".strip()


def _when(row: RecordRow) -> str:
    record = row.record
    if record.next_at_ms is not None and not record.state.is_final:
        word = "opens" if record.is_held else "due"
        return f"{word} {near_time(record.next_at_ms, row.as_of_ms)}"
    return near_time(record.updated_at_ms, row.as_of_ms)


def _eta(row: RunRow) -> str:
    said = wait_in_short(row.eta_ms)
    if row.eta_ms is None or not ends_later(row.run):
        return said
    # In 7 cells there is no room for two units and that there is more.
    return f"{said.partition(' ')[0]}+"


def _has_twins(rows: Sequence[RunRow]) -> bool:
    return any(row.twin for row in rows)


RUN_COLUMNS: tuple[Column[RunRow], ...] = (
    Column(title="NAME", width=12, grow=2, text=lambda r: r.run.campaign_name),
    Column(
        title="ID",
        width=5,
        text=lambda r: r.twin,
        role=lambda _: "dim",
        marks=False,
        worth=_has_twins,
    ),
    Column(
        title="PROGRESS",
        width=_BAR,
        least=74,
        marks=False,
        text=lambda r: bar(r.run.books.done_share, _BAR),
        role=lambda _: "key",
        spare=2,
    ),
    Column(
        title="DONE",
        width=4,
        right=True,
        text=lambda r: done_share(r.run.books) if r.run.books.records else "-",
    ),
    Column(
        title="FAILED",
        width=6,
        right=True,
        text=lambda r: short_count(r.run.books.failed),
        sense=lambda r: str(r.run.books.failed),
        role=lambda r: "bad" if r.run.books.failed else "dim",
    ),
    Column(
        title="STATE",
        width=16,
        grow=3,
        text=lambda r: r.state,
        role=lambda r: r.role,
    ),
    Column(
        title="ELAPSED",
        width=9,
        right=True,
        least=64,
        marks=False,
        text=lambda r: length(r.run.duration_ms(r.as_of_ms)),
        role=lambda _: "dim",
        spare=1,
    ),
    Column(
        title="ETA",
        width=7,
        right=True,
        least=88,
        marks=False,
        text=_eta,
        role=lambda _: "dim",
        spare=1,
    ),
)


def _has_steps(rows: Sequence[RecordRow]) -> bool:
    return len({row.record.step for row in rows if row.record.step}) > 1


def _has_results(rows: Sequence[RecordRow]) -> bool:
    return any(row.record.result for row in rows)


_RESULT_ROLES = {
    "bounced": "bad",
    "complained": "bad",
    "opted_out": "warn",
    "suppressed": "warn",
}


def result_role(kind: str) -> str:
    """Return how a result is drawn; the word itself says all."""
    return _RESULT_ROLES.get(kind, "")


RECORD_COLUMNS: tuple[Column[RecordRow], ...] = (
    Column(title="RECORD", width=8, right=True, text=lambda r: f"{r.record.seq:,}"),
    Column(
        title="CONTACT",
        width=9,
        grow=2,
        text=lambda r: shown_contact(r.record.contact),
        role=lambda r: "" if r.record.contact else "dim",
    ),
    Column(
        title="STATE",
        width=13,
        text=lambda r: r.record.state.word,
        role=lambda r: state_role(r.record.state),
    ),
    Column(
        title="STEP",
        width=6,
        grow=1,
        text=lambda r: r.record.step or "-",
        worth=_has_steps,
        spare=1,
    ),
    Column(
        title="TRY",
        width=3,
        right=True,
        text=lambda r: str(r.record.attempts),
        spare=2,
    ),
    Column(title="OUTCOME", width=12, grow=3, text=lambda r: outcome_words(r.record)),
    Column(
        title="RESULT",
        width=10,
        text=lambda r: r.record.result or "-",
        role=lambda r: result_role(r.record.result),
        worth=_has_results,
    ),
    Column(
        title="WHEN",
        width=12,
        least=74,
        most=_ROOMY - 1,
        text=_when,
        role=lambda _: "dim",
        spare=3,
    ),
    Column(
        title="UPDATED",
        width=11,
        least=_ROOMY,
        text=lambda r: near_time(r.record.updated_at_ms, r.as_of_ms),
        role=lambda _: "dim",
        spare=4,
    ),
    Column(
        title="NEXT",
        width=11,
        least=_ROOMY,
        text=lambda r: near_time(r.record.next_at_ms, r.as_of_ms),
        role=lambda r: "" if r.record.next_at_ms is not None else "dim",
        spare=3,
    ),
)


def _entry_time(at_ms: int) -> str:
    return f"{clock_time(at_ms)}.{at_ms % 1000:03}"


def _change(event: EventView) -> str:
    if event.before or event.after:
        return f"{event.before or '-'} → {event.after or '-'}"
    return without_contact(event.detail)


def _whole(event: EventView) -> str:
    return without_contact(
        "  ".join(part for part in (event.why, event.detail) if part)
    )


EVENT_COLUMNS: tuple[Column[EventView], ...] = (
    Column(
        title="TIME UTC",
        width=12,
        text=lambda e: _entry_time(e.at_ms),
        role=lambda _: "dim",
    ),
    Column(title="EVENT", width=18, text=lambda e: e.event),
    Column(title="CHANGE", width=22, grow=3, text=_change),
    Column(title="BY", width=10, grow=1, text=lambda e: e.by or "-"),
    Column(
        title="WHY",
        width=20,
        grow=3,
        least=100,
        text=_whole,
        role=lambda _: "dim",
    ),
)
