"""What a retry would do, from one snapshot, and the command that it stands for."""

from __future__ import annotations

from watchfloor.domain.actors import Asker
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import Refusal
from watchfloor.domain.identity import new_id
from watchfloor.domain.quota import PlanUse, declined
from watchfloor.domain.recovery import (
    Counted,
    RetryPreview,
    asked_payload,
    counted,
    refusal_of,
)
from watchfloor.domain.workspace import Workspace
from watchfloor.engine.quotas import plan_use
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.handle import Handle
from watchfloor.store.inbox import Command
from watchfloor.store.reads.retries import retry_groups, retry_parent


def retry_preview(
    connection: Handle,
    workspace: Workspace,
    now_ms: int,
    run_id: str,
    selection: Selection,
    *,
    with_unknown: bool = False,
) -> RetryPreview:
    """Return exactly what a retry would do; its ``refusal`` says why it would not.

    Args:
        connection: Any; all that is told is of its one snapshot.
        workspace: Whose plan and retry budget hold.
        now_ms: The month of the plan is the one of this moment.
        run_id: The run whose records failed.
        selection: Which of them.
        with_unknown: Also those that may have been delivered.

    Raises:
        NotFoundError: No run has this id.
    """
    parent = retry_parent(connection, run_id)
    counts = Counted()
    if parent.is_ended and not parent.purged:
        groups = retry_groups(connection, run_id, selection)
        counts = counted(groups, with_unknown=with_unknown)
    use = plan_use(connection, workspace, now_ms)
    refused = refusal_of(parent, counts, workspace.retry)
    limits = declined(use.plan, use.used, wanted_runs=1, wanted_records=counts.retried)
    if refused is None and limits:
        refused = Refusal.PLAN_LIMIT, limits
    return RetryPreview(
        run_id=run_id,
        campaign_name=parent.campaign_name,
        selection=selection,
        counts=counts,
        with_unknown=with_unknown,
        plan=_plan_told(use, counts.retried),
        budget=workspace.retry,
        retries=parent.retries,
        generation=parent.generation,
        refusal=refused[0] if refused else None,
        detail=refused[1] if refused else "",
    )


def retry_command(
    preview: RetryPreview,
    asker: Asker,
    around: Surroundings,
    *,
    canary: bool,
    reason: str,
) -> Command:
    """Return the command of a retry; its run id is that of the child to be."""
    now_ms = around.now_ms()
    return Command(
        command_id=new_id(now_ms, around.entropy(10)),
        at_ms=now_ms,
        verb="retry",
        run_id=new_id(now_ms, around.entropy(3)),
        by=asker.by,
        origin=asker.origin,
        role=asker.role,
        why=reason,
        payload=asked_payload(preview, canary=canary),
    )


def _plan_told(use: PlanUse, records: int) -> str:
    limits = use.plan.monthly_records
    many = "1 record" if records == 1 else f"{records:,} records"
    least = f"It counts as 1 run and {many} of {use.month}"
    if limits is None:
        return f"{least}, which has no limit of records"
    return f"{least}: {use.used.records:,} of {limits:,} records are used"
