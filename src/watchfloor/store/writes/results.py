"""What providers reported: appended, and changed only by finding its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_or_skip

from watchfloor.domain.results import ResultEvent, ResultKind
from watchfloor.store.tables import result, result_count
from watchfloor.store.writes.overwriting import overwrite_deleted

#: What tells whom an event is about.
_WHOSE = ("key", "provider_id", "detail")
_ADD = insert_or_skip(result).on_conflict_do_nothing()
_PLACE = (
    update(result)
    .where(
        result.c.event_id == bindparam("b_event_id"),
        result.c.state == literal_column("'parked'"),
    )
    .values(
        state=bindparam("state"),
        run_no=bindparam("run_no"),
        seq=bindparam("seq"),
        step=bindparam("step"),
    )
)
_ONE_MORE = insert_or_skip(result_count)
_COUNT = _ONE_MORE.on_conflict_do_update(
    index_elements=["run_no", "kind"],
    set_={"records": result_count.c.records + _ONE_MORE.excluded.records},
)


class Placed(NamedTuple):
    """An event and where it belongs.

    Attributes:
        state: ``applied``, ``late``, or ``parked`` without a record.
    """

    event: ResultEvent
    state: str
    run_no: int | None = None
    seq: int | None = None
    step: int | None = None


def add(
    connection: Connection, rows: Sequence[Placed], source: str, now_ms: int
) -> None:
    """Append events; one whose id is stored already changes nothing."""
    if not rows:
        return
    connection.execute(
        _ADD,
        [
            {
                "event_id": event.event_id,
                "run_no": run_no,
                "seq": seq,
                "step": step,
                "kind": event.kind.value,
                "at_ms": event.at_ms,
                "received_at_ms": now_ms,
                "state": state,
                "key": event.key,
                "provider_id": event.provider_id,
                "detail": event.detail,
                "source": source,
            }
            for event, state, run_no, seq, step in rows
        ],
    )


def place(connection: Connection, rows: Sequence[Placed]) -> None:
    """Give parked events their records."""
    if not rows:
        return
    connection.execute(
        _PLACE,
        [
            {
                "b_event_id": event.event_id,
                "state": state,
                "run_no": run_no,
                "seq": seq,
                "step": step,
            }
            for event, state, run_no, seq, step in rows
        ],
    )


def forget(
    connection: Connection, after: tuple[int, str], until_ms: int, most: int
) -> tuple[int, str]:
    """Take out of a slice of parked events whom they are about.

    Their ids go too: a provider can tell by its own id whom it meant.

    Args:
        connection: In a fenced transaction.
        after: When the last one seen was received, and its event id.
        until_ms: Only what was received before this.
        most: How many.

    Returns:
        The place of the last one seen now.
    """
    at_ms, event_id = after
    place = (result.c.received_at_ms, result.c.event_id)
    parked = result.c.state == literal_column("'parked'")
    query = (
        select(*place)
        .where(parked, place[0] >= at_ms, place[0] < until_ms)
        .where((place[0] > at_ms) | (place[1] > event_id))
        .order_by(*place)
        .limit(most)
    )
    rows = connection.execute(query).all()
    if not rows:
        return after
    overwrite_deleted(connection)
    own = func.lower(func.hex(func.randomblob(literal(12))))
    told = or_(*(result.c[name] != "" for name in _WHOSE))
    connection.execute(
        update(result)
        .where(parked, told, result.c.event_id.in_([one.event_id for one in rows]))
        .values(event_id=literal("forgotten-") + own, **dict.fromkeys(_WHOSE, ""))
    )
    return rows[-1].received_at_ms, rows[-1].event_id


def count(
    connection: Connection, run_no: int, records: Mapping[ResultKind, int]
) -> None:
    """Raise by how many records each kind of result was reported."""
    if not records:
        return
    connection.execute(
        _COUNT,
        [
            {"run_no": run_no, "kind": kind.value, "records": number}
            for kind, number in records.items()
        ],
    )
