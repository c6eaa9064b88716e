"""The figures of the runs that the jobs screen lists."""

from __future__ import annotations

from sqlalchemy import Connection, select

from watchfloor.domain.approval import awaits_approval
from watchfloor.domain.live import Cards
from watchfloor.domain.regions import Phase
from watchfloor.store.reads.progress import recent_rates
from watchfloor.store.tables import books, run


def cards(connection: Connection, now_ms: int, size: int = 200) -> Cards:
    """Return the figures of the newest *size* runs that are not hidden.

    They are those that ``run_page`` returns. It reads three narrow statements, however
    many records the runs have.
    """
    listed = (
        select(
            run.c.run_id,
            run.c.phase,
            run.c.permits,
            run.c.approve_after,
            run.c.approved_at_ms,
            books.c.attempts,
            books.c.failed,
            books.c.callback,
            books.c.unknown,
            books.c.attempting,
        )
        .join_from(run, books)
        .where(run.c.hidden == 0)
        .order_by(run.c.run_no.desc())
        .limit(size)
    )
    rows = connection.execute(listed).all()
    live = [row for row in rows if row.phase != Phase.ENDED]
    active = [row for row in live if row.phase != Phase.QUEUED]
    rates = recent_rates(connection, now_ms) if active else {}
    return Cards(
        asking=sum(
            awaits_approval(row.approve_after, row.approved_at_ms, row.attempts)
            for row in live
        ),
        active=len(active),
        queued=len(live) - len(active),
        failed=sum(row.failed for row in rows),
        callback=sum(row.callback for row in rows),
        unknown=sum(row.unknown for row in rows),
        # Intents are stored ahead of permits: more than those are never under way.
        attempting=sum(min(row.attempting, row.permits) for row in rows),
        permits=sum(row.permits for row in active),
        per_s=sum(rates[row.run_id][0] for row in active if row.run_id in rates),
    )
