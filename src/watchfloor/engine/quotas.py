"""The plan's monthly limits at a launch: reserved, or refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from watchfloor.domain.calendar_months import month_of, next_month_ms
from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.quota import PlanUse, declined
from watchfloor.domain.workspace import Workspace
from watchfloor.store.handle import Handle
from watchfloor.store.reads.quota import used
from watchfloor.store.writes.quota import reserve


def reserve_or_refuse(
    connection: Handle, workspace: Workspace, now_ms: int, records: int
) -> str:
    """Reserve one run and its records of this month's plan.

    Args:
        connection: In the transaction that launches; the caller stores the month and
            the records with the run.
        workspace: Whose plan and zone.
        now_ms: The month is the one of this moment in the workspace's zone.
        records: How many; more than will be used are released at the end.

    Returns:
        The month, for the run's row.

    Raises:
        RefusedError: ``PLAN_LIMIT``, with what is used; nothing was reserved.
    """
    use = plan_use(connection, workspace, now_ms)
    limits = declined(workspace.plan, use.used, wanted_runs=1, wanted_records=records)
    if limits:
        ends = datetime.fromtimestamp(use.ends_at_ms / 1000, UTC)
        local = ends.astimezone(ZoneInfo(workspace.zone))
        until = f"the month ends {local:%Y-%m-%d %H:%M} {workspace.zone}"
        raise RefusedError(Refusal.PLAN_LIMIT, f"{limits}; {until}")
    reserve(connection, use.month, runs=1, records=records)
    return use.month


def plan_use(connection: Handle, workspace: Workspace, now_ms: int) -> PlanUse:
    """Return this month's plan and what was used of it. Any connection."""
    zone = ZoneInfo(workspace.zone)
    month = month_of(now_ms, zone)
    return PlanUse(
        month=month,
        ends_at_ms=next_month_ms(now_ms, zone),
        plan=workspace.plan,
        used=used(connection, month),
    )
