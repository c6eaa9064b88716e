"""What ended runs tell about the ones to come."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from watchfloor.store.tables import report, run

#: Of so many of the newest runs of a campaign.
_NEWEST = 5


def seconds_per_attempt(connection: Connection, campaign_id: str) -> float | None:
    """Return how long an attempt took in a campaign's newest runs; None: no run yet."""
    newest = (
        select(run.c.run_no)
        .where(run.c.campaign_id == campaign_id, run.c.launch_id.is_not(None))
        .order_by(run.c.run_no.desc())
        .limit(_NEWEST)
    )
    query = select(func.sum(report.c.took_ms), func.sum(report.c.attempts)).where(
        report.c.run_no.in_(newest)
    )
    took_ms, attempts = connection.execute(query).one()
    return took_ms / attempts / 1000 if attempts else None
