"""What providers reported: appended, and changed only by finding its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, literal_column, update
from sqlalchemy.dialects.sqlite import insert as insert_or_skip

from watchfloor.domain.results import ResultEvent, ResultKind
from watchfloor.store.tables import result, result_count

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
