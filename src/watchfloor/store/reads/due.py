"""When promised callbacks are due, without reading the callbacks themselves."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from watchfloor.domain.live import DueSpan
from watchfloor.domain.progress import width_ms
from watchfloor.domain.records import RecordState
from watchfloor.store.conditions import is_state
from watchfloor.store.tables import record

#: So many promises are looked at, the next ones first: some tens of milliseconds.
MOST_PROMISES: Final = 50_000
_MINUTE_MS: Final = 60_000


def due_spans(
    connection: Connection, run_no: int, now_ms: int, spans: int = 48
) -> tuple[DueSpan, ...]:
    """Return a run's callbacks by when they are looked at next, soonest first.

    The spans, of a minute or more, follow one another without a gap: from that of now,
    which has the overdue ones too, to the last one with a callback. Of a run with more
    than ``MOST_PROMISES`` they reach only as far as so many do; the last span then has
    at least what it says.
    """
    minutes = _by_minute(connection, run_no)
    if not minutes:
        return ()
    last_ms = max(*minutes, now_ms)
    span_ms = max(_MINUTE_MS, width_ms(now_ms, last_ms, spans))
    first_ms = now_ms - now_ms % span_ms
    promises: Counter[int] = Counter()
    for at_ms, count in minutes.items():
        promises[max(first_ms, at_ms - at_ms % span_ms)] += count
    return tuple(
        DueSpan(at_ms, span_ms, promises[at_ms])
        for at_ms in range(first_ms, max(promises) + 1, span_ms)
    )


def _by_minute(connection: Connection, run_no: int) -> dict[int, int]:
    next_ones = (
        select(record.c.next_at_ms)
        .where(
            record.c.run_no == run_no,
            is_state(RecordState.CALLBACK),
            record.c.next_at_ms.is_not(None),
        )
        .order_by(record.c.next_at_ms)
        .limit(MOST_PROMISES)
        .subquery()
    )
    width: ColumnElement[int] = literal_column(str(_MINUTE_MS))
    minute = next_ones.c.next_at_ms - next_ones.c.next_at_ms % width
    query = select(minute, func.count()).group_by(minute)
    return dict(iter(connection.execute(query)))
