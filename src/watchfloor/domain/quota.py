"""What a plan allows in a month, and what was used of it."""

from __future__ import annotations

from dataclasses import dataclass

from watchfloor.domain.errors import Refusal
from watchfloor.domain.workspace import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What was reserved in one month, what is not released again included."""

    runs: int = 0
    records: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanUse:
    """A plan and what was used of it, as a screen shows it.

    Attributes:
        month: In the workspace's zone, as ``2026-11``.
        ends_at_ms: When the meters begin at 0 again.
    """

    month: str
    ends_at_ms: int
    plan: Plan
    used: Used


def declined(
    plan: Plan, used: Used, *, wanted_runs: int = 1, wanted_records: int = 0
) -> str:
    """Return which limits do not allow what is wanted; empty where all do.

    ``runs 12 of 12`` is used up; ``records 9,800 + 400 of 10,000`` is not quite.
    """
    asked = (
        ("runs", used.runs, wanted_runs, plan.monthly_runs),
        ("records", used.records, wanted_records, plan.monthly_records),
    )
    return "; ".join(
        f"{what} {have:,}{f' + {wanted:,}' if have < limit else ''} of {limit:,}"
        for what, have, wanted, limit in asked
        if limit is not None and wanted > 0 and have + wanted > limit
    )


def is_plan_limit(cause: str) -> bool:
    """Whether what ends a run is its plan: a sentence that ``PLAN_LIMIT`` begins."""
    return cause.startswith(Refusal.PLAN_LIMIT)
