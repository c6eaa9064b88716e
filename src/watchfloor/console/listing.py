"""How a list is narrowed and ordered, and which of its columns are shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from watchfloor.console.columns import Column, Row, RunRow
from watchfloor.console.labels import run_label
from watchfloor.console.pages import Filter
from watchfloor.domain.blocked_by import Situation
from watchfloor.domain.health import Health, health
from watchfloor.domain.labels import Dialect
from watchfloor.domain.progress import eta_ms, late_runs
from watchfloor.domain.records import STATE_WORDS
from watchfloor.domain.regions import RunOutcome
from watchfloor.domain.views import Overview, RunView

_ID_END: Final = 4
_NEVER: Final = float("inf")


class Order(NamedTuple):
    """One way to order the runs.

    Attributes:
        name: How it is chosen.
        words: How it is named above the list.
        key: What is compared; runs that are equal stay newest first.
    """

    name: str
    words: str
    key: Callable[[RunRow], Any]


def _state_rank(row: RunRow) -> tuple[bool, str]:
    return row.run.lifecycle.is_ended, row.label


ORDERS: Final[tuple[Order, ...]] = (
    Order("newest", "newest first", lambda _: 0),
    Order("name", "by name", lambda row: row.run.campaign_name.casefold()),
    Order("done", "most done first", lambda row: -row.run.books.done_share),
    Order("failed", "most failed first", lambda row: -row.run.books.failed),
    Order("state", "by state", _state_rank),
    Order(
        "elapsed",
        "longest first",
        lambda row: -(row.run.duration_ms(row.as_of_ms) or 0),
    ),
    Order(
        "eta",
        "next to end first",
        lambda row: _NEVER if row.eta_ms is None else row.eta_ms,
    ),
)
ORDER_NAMES: Final = {order.name: order for order in ORDERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs are listed; nothing set means all of them.

    Attributes:
        text: Every word of it occurs in what a run is known by.
        faults: Only runs that somebody should look at.
    """

    text: str = ""
    faults: bool = False

    @property
    def is_set(self) -> bool:
        """Whether anything is left out."""
        return bool(self.text or self.faults)

    @property
    def words(self) -> str:
        """How the filter is named on the screen."""
        said = ["faults"] if self.faults else []
        if self.text:
            said.append(f'"{self.text}"')
        return " and ".join(said) or "none"

    def passes(self, row: RunRow) -> bool:
        """Whether a run is listed."""
        if self.faults and not is_fault(row):
            return False
        known = _known_by(row)
        return all(word in known for word in self.text.casefold().split())


def _known_by(row: RunRow) -> str:
    run = row.run
    words = (
        run.campaign_name,
        run.campaign_id,
        run.run_id,
        row.state,
        run_label(run, Dialect.WATCHFLOOR),
        run.upload_name,
        "child" if run.parent_id else "",
        "stalled" if is_stalled(row) else "",
    )
    return "\n".join(words).casefold()


def is_fault(row: RunRow) -> bool:
    """Whether somebody should look at a run: it failed, stands, is late, or asks."""
    books = row.run.books
    return bool(
        row.run.cause
        or row.run.lifecycle.outcome is RunOutcome.FAILED
        or books.failed
        or books.unknown
        or books.imbalance
        or row.expected_ms is not None
        or row.run.awaits_approval
        or is_stalled(row)
    )


def is_stalled(row: RunRow) -> bool:
    """Whether work of a run could start and nothing moves, by what the list knows."""
    if row.said:  # all of it was asked when the list was read
        return row.is_unwell
    run, now_ms = row.run, row.as_of_ms
    books = run.books
    situation = Situation(
        lifecycle=run.lifecycle,
        books=books,
        # That there is no engine is said once and not of every run.
        engine_alive=True,
        permits=run.permits,
        retries_due=_due(run.next_retry_at_ms, books.retry, now_ms),
        callbacks_due=_due(run.next_callback_at_ms, books.callback, now_ms),
        held_pending=min(run.held, books.pending),
        shut_s=_ahead_s(run.shut_until_ms, now_ms),
        awaits_approval=run.awaits_approval,
    )
    return health(run, situation, now_ms) is Health.STALLED


def _due(first_ms: int | None, count: int, now_ms: int) -> int:
    return min(1, count) if first_ms is not None and first_ms <= now_ms else 0


def _ahead_s(at_ms: int | None, now_ms: int) -> float | None:
    return None if at_ms is None else max(0, at_ms - now_ms) / 1000


def listed(
    overview: Overview, dialect: Dialect, read_at_ms: Mapping[str, int] | None = None
) -> list[RunRow]:
    """Return every run as a row, newest first.

    Args:
        overview: The runs as they were read.
        dialect: Whose words they are called by.
        read_at_ms: When a run was read after the others, by its id.
    """
    late, later = late_runs(overview.runs), read_at_ms or {}
    names = Counter(run.campaign_name for run in overview.runs)
    children = Counter(run.campaign_name for run in overview.runs if run.parent_id)
    return [
        RunRow(
            run,
            later.get(run.run_id, overview.as_of_ms),
            dialect,
            eta_ms(run, overview.done_per_s.get(run.run_id, 0.0)),
            late.get(run.run_id),
            _twin(run, names[run.campaign_name], children[run.campaign_name]),
            # What was said of all runs is not said of one that was read since.
            "" if run.run_id in later else overview.said.get(run.run_id, ""),
            run.run_id in overview.unwell and run.run_id not in later,
        )
        for run in overview.runs
    ]


def _twin(run: RunView, namesakes: int, children: int) -> str:
    if namesakes == 1:
        return ""
    only_child = bool(run.parent_id) and children == 1
    return "child" if only_child else run.run_id[-_ID_END:]


def arranged(
    rows: Iterable[RunRow], chosen: RunFilter, order: str, kept: str = ""
) -> list[RunRow]:
    """Return the rows that are listed, in their order.

    Args:
        rows: Newest first.
        chosen: Which are listed.
        order: The name of their order.
        kept: The id of a run that is listed in any case: the selected one must not
            turn into another under the operator's hands.
    """
    found = [row for row in rows if row.run.run_id == kept or chosen.passes(row)]
    return sorted(found, key=ORDER_NAMES[order].key)


def visible(
    columns: Sequence[Column[Row]], hidden: Collection[str]
) -> tuple[Column[Row], ...]:
    """Return the columns that are not left out; the first one always stays."""
    first, *others = columns
    return (first, *(column for column in others if column.title not in hidden))


_COMPARES: Final = re.compile(
    r"""[=<>~]
    | \b in \s* \(
    | \b is \s+ (not \s+)? empty \b
    | \b (contains | starts \s+ with) \s* ["'`]""",
    re.VERBOSE | re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"""(["'])(.*)\1""", re.DOTALL)


def typed(words: str) -> Filter:
    """Return the filter of records that somebody typed.

    Words for states are states; what compares something is the product's filter
    language, whose mistakes the desk names; anything else, and what stands in quotes,
    is text that must occur.
    """
    text = words.strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        return Filter(text=quoted[2].strip())
    if _COMPARES.search(text):
        return Filter(where=text)
    named = [
        word.casefold().replace("-", "_") for word in re.split(r"[\s,]+", text) if word
    ]
    if named and all(word in STATE_WORDS for word in named):
        return Filter(tuple(dict.fromkeys(STATE_WORDS[word] for word in named)))
    return Filter(text=text)


def as_typed(chosen: Filter) -> str:
    """Return what somebody would type for a filter."""
    if chosen.text:
        return chosen.text if typed(chosen.text) == chosen else f'"{chosen.text}"'
    return chosen.where or " ".join(state.word for state in chosen.states)
