"""Who owns the workspace."""

from __future__ import annotations

from sqlalchemy import Connection, select

from watchfloor.domain.views import EngineView
from watchfloor.store.tables import lease

_LEASE = select(lease)


def engine_view(connection: Connection) -> EngineView:
    """Return the owner as last told; one row."""
    row = connection.execute(_LEASE).mappings().first()
    if row is None:
        return EngineView()
    return EngineView(
        epoch=row["epoch"],
        owner=row["owner"],
        pid=row["pid"],
        host=row["host"],
        started_at_ms=row["started_at_ms"],
        heartbeat_at_ms=row["heartbeat_at_ms"],
        changes=row["changes"],
        released=bool(row["released"]),
        left=row["left_why"],
        left_at_ms=row["left_at_ms"],
    )
