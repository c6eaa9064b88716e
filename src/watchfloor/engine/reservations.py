"""What a run holds of its workspace's plan: more as it grows, less in the end."""

from __future__ import annotations

from watchfloor.domain.workspace import Workspace
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.quotas import reserve_or_refuse
from watchfloor.store.handle import Handle
from watchfloor.store.writes.quota import release
from watchfloor.store.writes.runs import save_run_values


def extend(
    connection: Handle, workspace: Workspace, ledger: Ledger, records: int
) -> None:
    """Reserve more records for a run that has more than its launch reserved.

    The month of its launch pays, or what is given back would be another month's.

    Raises:
        RefusedError: ``PLAN_LIMIT``; nothing was reserved.
    """
    reserve_or_refuse(connection, workspace, ledger.created_at_ms, records, runs=0)
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
