"""Limits that operators set on the living workspace and its runs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from watchfloor.domain.workspace import Shared
from watchfloor.store.tables import run, shared_limit

_SHARED = select(shared_limit).order_by(shared_limit.c.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLimit:
    """What an operator set for a scope; it goes before the workspace's file."""

    scope: str
    shared: Shared
    by: str
    at_ms: int


def shared_limits(connection: Connection) -> tuple[SharedLimit, ...]:
    """Return what operators set, by scope."""
    return tuple(
        SharedLimit(
            scope=row["scope"],
            shared=Shared(permits=row["permits"], rate_per_s=row["rate_per_s"]),
            by=row["by"],
            at_ms=row["at_ms"],
        )
        for row in connection.execute(_SHARED).mappings()
    )


def overrides(connection: Connection) -> dict[str, Shared]:
    """Return the limits that go before those of the workspace's file, by scope."""
    return {one.scope: one.shared for one in shared_limits(connection)}


def run_limits(connection: Connection, run_no: int) -> Shared:
    """Return a run's own permits and rate as they are now, not as launched."""
    query = select(run.c.permits, run.c.rate_per_s).where(run.c.run_no == run_no)
    permits, rate_per_s = connection.execute(query).one()
    return Shared(permits=permits, rate_per_s=rate_per_s)
