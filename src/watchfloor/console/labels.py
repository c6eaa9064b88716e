"""What a run is called on the screens: its label, and what keeps it from moving."""

from __future__ import annotations

from itertools import accumulate

from watchfloor.console.figures import coming_time, percent
from watchfloor.domain.canary import stage_sizes
from watchfloor.domain.labels import Dialect, labels
from watchfloor.domain.regions import Gate, History, Lifecycle, Phase, RunOutcome
from watchfloor.domain.views import RunView

#: What a run says that waits for an operator.
YOUR_WORD = "waits for your word"


#: So many letters of a label any list has room for.
_SURE = 20


def run_role(run: RunView) -> str:
    """Return how a run's label is drawn; the word itself says all."""
    life = run.lifecycle
    if life.outcome is RunOutcome.FAILED or run.cause:
        return "bad"
    if life.outcome is RunOutcome.COMPLETED:
        return "good"
    if life.is_ended or life.phase is Phase.QUEUED:
        return "dim"
    moving = life.gate is Gate.OPEN and life.phase in (Phase.RUNNING, Phase.CALLBACK)
    return "" if moving and life.intent is None and not run.awaits_approval else "warn"


def run_label(run: RunView, dialect: Dialect) -> str:
    """Return what a run is called in a dialect."""
    return labels(run.lifecycle, run.work).in_dialect(dialect)


def list_label(run: RunView, now_ms: int, dialect: Dialect = Dialect.WATCHFLOOR) -> str:
    """Return the label in a list, with what the operator must know beside it."""
    life = run.lifecycle
    if run.awaits_approval and life.gate is Gate.OPEN and life.intent is None:
        return YOUR_WORD
    label, canary = run_label(run, dialect), canary_share(run)
    held = f" + {life.gate.value}"
    if canary:
        label = _with_canary(label, canary, life)
    elif len(label) > _SURE and held in label:
        # What is cut off in a narrow list must not be that the run is held.
        label = f"{life.gate.value} + {label.replace(held, '')}"
    if run.shut_until_ms is not None and not life.is_ended:
        return f"{label}, opens {coming_time(run.shut_until_ms, now_ms)}"
    return label


def _with_canary(label: str, canary: str, life: Lifecycle) -> str:
    """Return a label with its canary, which a narrow list must have room for.

    Only a run that was launched has one: that it is running is known, and left out.
    """
    if life.phase is not Phase.RUNNING or life.intent is not None:
        return f"{label}, {canary}"
    return canary if life.gate is Gate.OPEN else f"{life.gate.value}, {canary}"


def outside_window(run: RunView, now_ms: int) -> str:
    """Return how many records rest outside their window, or that it is closed."""
    if run.lifecycle.is_ended:
        return ""
    opens = ""
    if run.shut_until_ms is not None:
        opens = coming_time(run.shut_until_ms, now_ms)
    if run.held:
        first = f", first opens at {opens}" if opens else ""
        return f"{run.held:,} outside window{first}"
    return f"window closed, opens at {opens}" if opens else ""


def canary_share(run: RunView) -> str:
    """Return ``canary 1 of 3: 12 of 15`` while a retry's canary holds records back.

    What is settled is settled in the stages that were released, in their order.
    """
    released = run.released_seq
    if released is None or run.lifecycle.is_ended:
        return ""
    sizes = stage_sizes(run.cohort, canary=True)
    ends = list(accumulate(sizes))
    if released not in ends:
        return f"canary: {released:,} of {run.cohort:,} released"
    place = ends.index(released)
    settled = run.books.done + run.books.callback - (released - sizes[place])
    settled = min(max(0, settled), sizes[place])
    return f"canary {place + 1} of {len(sizes)}: {settled:,} of {sizes[place]:,}"


def history_share(run: RunView) -> str:
    """Return ``creating history 43 %`` while the archive is made; else nothing."""
    if run.lifecycle.history is not History.CREATING:
        return ""
    share = run.archived / run.books.records if run.books.records else 0.0
    return f"creating history {percent(share).removesuffix('%')} %"
