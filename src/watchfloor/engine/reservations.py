"""What a run holds of its workspace's plan: more as it grows, less in the end."""

from __future__ import annotations

from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.quota import declined
from watchfloor.domain.workspace import Workspace
from watchfloor.engine.ledger import Ledger
from watchfloor.store.handle import Handle
from watchfloor.store.reads.quota import used
from watchfloor.store.writes.quota import release, reserve
from watchfloor.store.writes.runs import save_run_values


def extend(
    connection: Handle, workspace: Workspace, ledger: Ledger, records: int
) -> None:
    """Reserve more records for a run that has more than its launch reserved.

    The month that its launch reserved of pays, whatever zone the workspace has now, or
    what is given back would be another month's.

    Raises:
        RefusedError: ``PLAN_LIMIT``; nothing was reserved.
    """
    month = ledger.quota_month
    known = used(connection, month)
    limits = declined(workspace.plan, known, wanted_runs=0, wanted_records=records)
    if limits:
        raise RefusedError(Refusal.PLAN_LIMIT, f"{limits}; the month is {month}")
    reserve(connection, month, runs=0, records=records)
    ledger.quota_records += records
    _remember(connection, ledger)


def release_unused(connection: Handle, ledger: Ledger, used: int) -> None:
    """Give back what a run reserved beyond the records it uses."""
    unused = ledger.quota_records - used
    if unused <= 0 or not ledger.quota_month:
        return
    release(connection, ledger.quota_month, unused)
    ledger.quota_records = used
    _remember(connection, ledger)


def _remember(connection: Handle, ledger: Ledger) -> None:
    save_run_values(
        connection,
        ledger.run_no,
        quota_records=ledger.quota_records,
    )
