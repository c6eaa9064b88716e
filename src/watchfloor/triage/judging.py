"""What a check says, and the words that all of them share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from watchfloor.domain.books import Books
from watchfloor.domain.evidence import Counters, Evidence
from watchfloor.domain.lifecycle import refusal
from watchfloor.domain.regions import Verb
from watchfloor.domain.runbook import Figure, Sign

#: So long without an outcome nothing moves, where nobody watched the counters.
IDLE_MS: Final = 60_000
#: From so many on a share says something.
TELLING: Final = 20
SECOND_MS: Final = 1_000
#: What is due for so long and does not start is not on its way.
OVERDUE_MS: Final = 120_000


class Said(NamedTuple):
    """What one check says; the rest of its finding is always the same."""

    sign: Sign
    finding: str
    figures: tuple[Figure, ...] = ()
    level: int = 0
    next_action: str = ""
    act: str = ""
    holds: bool = False
    seq: int = 0


def ok(finding: str, *figures: Figure, holds: bool = False) -> Said:
    """Say that it is well; or that it is what the run waits for, as intended."""
    return Said(Sign.OK, finding, figures, holds=holds)


def skip(finding: str) -> Said:
    """Say why there is nothing to judge."""
    return Said(Sign.SKIP, finding)


def warn(
    finding: str, next_action: str, *figures: Figure, act: str = "", holds: bool = False
) -> Said:
    """Say what is worth a look and asks nobody to act."""
    return Said(Sign.WARN, finding, figures, 0, next_action, act, holds)


def fail(
    level: int, finding: str, next_action: str, *figures: Figure, act: str = ""
) -> Said:
    """Say what somebody has to act on."""
    return Said(Sign.FAIL, finding, figures, level, next_action, act)


def figure(name: str, value: object) -> Figure:
    """Return a figure; counts get their commas."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Figure(name, f"{value:,}")
    return Figure(name, str(value))


def share(part: float, of: float) -> float:
    """Return a share from 0 to 1; 0 of nothing."""
    return part / of if of > 0 else 0.0


def percent(part: float, of: float) -> str:
    """Return a share as people say it; none is said to be more or less than it is."""
    if not of:
        return "0 %"
    whole = 100 * part / of
    if 0 < whole < 1:
        return "under 1 %"
    return f"{int(whole)} %"


def gained(evidence: Evidence) -> dict[str, int]:
    """Return what changed of the books between the two readings; empty for nothing."""
    if evidence.again is None:
        return {}
    then, now = evidence.run.books.as_dict(), evidence.again.books.as_dict()
    return {key: now[key] - then[key] for key in then if now[key] != then[key]}


def watched_ms(evidence: Evidence) -> int:
    """Return how long the counters were watched; 0 where they were read once."""
    again = evidence.again
    return 0 if again is None else max(0, again.at_ms - evidence.as_of_ms)


def latest(evidence: Evidence) -> Counters:
    """Return the counters as they were read last."""
    return evidence.counters if evidence.again is None else evidence.again


def moved(evidence: Evidence) -> bool:
    """Whether an attempt or a record moved while the counters were watched."""
    then = _moving(evidence.run.books)
    return evidence.again is not None and _moving(evidence.again.books) != then


def idle_ms(evidence: Evidence) -> int:
    """Return since how long no outcome came although the run could work."""
    run, last = evidence.run, latest(evidence)
    moments: Iterable[int | None] = (
        last.progress_at_ms,
        run.started_at_ms,
        evidence.situation.able_at_ms,
    )
    known = [one for one in moments if one is not None]
    return max(0, evidence.now_ms - max(known)) if known else 0


def is_idle(evidence: Evidence) -> bool:
    """Whether nothing moves: nothing while it was watched, and nothing for long."""
    return not moved(evidence) and idle_ms(evidence) > IDLE_MS


def late_callback_ms(told: Evidence) -> int:
    """Return since when the first promised callback is due; 0 where it is not."""
    due_ms = told.run.next_callback_at_ms
    return 0 if due_ms is None else max(0, told.now_ms - due_ms)


def is_live(evidence: Evidence) -> bool:
    """Whether the run has begun and not ended."""
    run = evidence.run
    return run.started_at_ms is not None and not run.lifecycle.is_ended


def may_pause(evidence: Evidence) -> bool:
    """Whether a pause would be taken: not after its end, nor where it is paused."""
    return refusal(evidence.run.lifecycle, Verb.PAUSE) is None


def paused_first(evidence: Evidence, rest: str) -> tuple[str, str]:
    """Return advice that begins with a pause, and its key, as far as it can be paused.

    Args:
        evidence: Of the run.
        rest: What to do besides: a sentence without its beginning.
    """
    if may_pause(evidence):
        return f"Pause the run and {rest}", "run.pause"
    return f"{rest[:1].upper()}{rest[1:]}", ""


def _moving(books: Books) -> tuple[int, ...]:
    """Return the figures that dispatch moves; intake moves others."""
    return (
        books.attempts,
        books.attempting,
        books.delivered,
        books.failed,
        books.retry,
        books.unknown,
        books.callback,
        books.expired,
    )
