"""Limits that operators set on the living workspace and its runs."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, update

from watchfloor.domain.workspace import Shared
from watchfloor.store.tables import run, shared_limit

_ADD = insert(shared_limit)
_CLEAR = delete(shared_limit).where(shared_limit.c.scope == bindparam("of_scope"))
_SET = update(run).where(run.c.run_no == bindparam("b_run_no"))


def set_shared_limit(
    connection: Connection, scope: str, shared: Shared, *, by: str, at_ms: int
) -> None:
    """Store what goes before the workspace's file for a scope.

    Args:
        connection: In a fenced transaction.
        scope: See ``store.reads.limits``.
        shared: Both limits; None stands for no limit, not for the file's.
        by: Who set it.
        at_ms: When.
    """
    clear_shared_limit(connection, scope)
    connection.execute(
        _ADD,
        {
            "scope": scope,
            "permits": shared.permits,
            "rate_per_s": shared.rate_per_s,
            "by": by,
            "at_ms": at_ms,
        },
    )


def clear_shared_limit(connection: Connection, scope: str) -> bool:
    """Let the workspace's file hold again; return whether it did not."""
    return connection.execute(_CLEAR, {"of_scope": scope}).rowcount > 0


def set_run_limits(
    connection: Connection, run_no: int, *, permits: int, rate_per_s: float | None
) -> None:
    """Store a run's own permits and rate; the campaign stays as launched."""
    connection.execute(
        _SET, {"b_run_no": run_no, "permits": permits, "rate_per_s": rate_per_s}
    )
