"""Which earlier runs of a campaign were healthy, and how their attempts ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, bindparam, func, select

from watchfloor.domain.canary import HEALTHY_SHARE
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.regions import RunOutcome
from watchfloor.store.tables import attempt, report, run

#: So many of a run's last attempts are looked at where its report is not written.
MOST_ATTEMPTS: Final = 10_000
#: So many healthy runs are compared with, of so many of the newest.
_HEALTHY, _NEWEST = 3, 10
#: Fewer attempts say nothing about a run.
_FEWEST: Final = 20
_TROUBLED: Final = (OutcomeClass.TRANSIENT, OutcomeClass.AMBIGUOUS)

#: Attempts by class and code.
Counts: TypeAlias = Counter[tuple[int, str]]

_NEWEST_OF_CAMPAIGN = (
    select(run.c.run_no)
    .where(
        run.c.campaign_id == bindparam("campaign_id"),
        run.c.outcome == RunOutcome.COMPLETED,
        run.c.cohort == 0,
    )
    .order_by(run.c.run_no.desc())
    .limit(_NEWEST)
)
_NEWEST_BEFORE = _NEWEST_OF_CAMPAIGN.where(run.c.run_no < bindparam("before_no"))
_WHOLE = (
    select(report.c.outcome_class, report.c.code, func.sum(report.c.attempts))
    .where(report.c.run_no == bindparam("run_no"))
    .group_by(report.c.outcome_class, report.c.code)
)
_LAST = (
    select(attempt.c.outcome_class, attempt.c.code)
    .where(attempt.c.run_no == bindparam("run_no"))
    .order_by(attempt.c.seq.desc(), attempt.c.number.desc())
    .limit(MOST_ATTEMPTS)
    .subquery()
    .c
)
_SOME = select(_LAST.outcome_class, _LAST.code, func.count()).group_by(
    _LAST.outcome_class, _LAST.code
)


def healthy_runs(
    connection: Connection, campaign_id: str, before_no: int | None = None
) -> dict[int, Counts]:
    """Return the attempts of the newest healthy runs of a campaign, by the run.

    Healthy is a completed launch, no retry, of whose attempts few failed for now: what
    a sick run had is nothing to be compared with.

    Args:
        connection: Any.
        campaign_id: Which campaign.
        before_no: Only runs before this one; None for all.
    """
    asked: dict[str, object] = {"campaign_id": campaign_id}
    query = _NEWEST_OF_CAMPAIGN
    if before_no is not None:
        query = _NEWEST_BEFORE
        asked["before_no"] = before_no
    found: dict[int, Counts] = {}
    for run_no in connection.scalars(query, asked).all():
        counts = counts_of(connection, run_no)
        attempts = counts.total()
        if attempts >= _FEWEST and troubled(counts) <= HEALTHY_SHARE * attempts:
            found[run_no] = counts
        if len(found) == _HEALTHY:
            break
    return found


def healthy_share(connection: Connection, run_no: int) -> float | None:
    """Return the share of attempts that failed for now in healthy runs before a run.

    None where the campaign had no healthy one.
    """
    query = select(run.c.campaign_id).where(run.c.run_no == run_no)
    campaign_id = str(connection.scalar(query))
    total: Counts = Counter()
    for counts in healthy_runs(connection, campaign_id, before_no=run_no).values():
        total += counts
    return troubled(total) / total.total() if total else None


def counts_of(connection: Connection, run_no: int) -> Counts:
    """Return a run's attempts by class and code: all of them, or the last ones."""
    asked = {"run_no": run_no}
    rows: Sequence[Any] = connection.execute(_WHOLE, asked).all()
    if not rows:
        rows = connection.execute(_SOME, asked).all()
    return Counter({(outcome, code): count for outcome, code, count in rows})


def troubled(counts: Counts) -> int:
    """Return how many attempts failed for now, or are of unknown effect."""
    return sum(n for (outcome, _), n in counts.items() if outcome in _TROUBLED)
