"""Notices: what people are owed, were told, and could not be told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    RowMapping,
    Select,
    bindparam,
    literal_column,
    or_,
    select,
)

from watchfloor.store.tables import notice

#: The word stands in the statement: only then the partial index is used.
_IS_OWED = notice.c.state == literal_column("'owed'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One e-mail to the people of a campaign.

    Attributes:
        state: owed, sent or failed (given up).
        tries: How often sending it failed.
        next_at_ms: When it is to be sent or tried again; None when it is not owed.
        detail: The server's reply, or why it could not be sent; empty before a try.
    """

    notice_id: int
    run_id: str
    kind: str
    recipients: tuple[str, ...]
    subject: str
    body: str
    state: str
    tries: int
    created_at_ms: int
    next_at_ms: int | None
    sent_at_ms: int | None
    detail: str


def due_notices(
    connection: Connection, now_ms: int, longest_ms: int, *, most: int = 20
) -> tuple[Notice, ...]:
    """Return owed notices whose time has come, oldest first.

    None is put off for longer than *longest_ms*: one that seems to be was put off
    before the clock was put back, and is due.
    """
    times = {"now_ms": now_ms, "put_back_ms": now_ms + longest_ms}
    return _notices(connection, _DUE, times | {"most": most})


def unexplained_notices(
    connection: Connection, *, most: int = 20
) -> tuple[Notice, ...]:
    """Return owed notices of which nobody was told yet why they wait, oldest first."""
    return _notices(connection, _UNEXPLAINED, {"most": most})


def notices_of(connection: Connection, run_id: str) -> tuple[Notice, ...]:
    """Return every notice about a run, oldest first."""
    return _notices(connection, _OF_RUN, {"of_run": run_id})


_ALL = select(*notice.c).order_by(notice.c.notice_id)
_MOST = bindparam("most", type_=Integer)
_IS_DUE = or_(
    notice.c.next_at_ms <= bindparam("now_ms"),
    notice.c.next_at_ms > bindparam("put_back_ms"),
)
#: Made once: every engine and every verb that is one for a moment asks.
_DUE = _ALL.where(_IS_OWED, _IS_DUE).limit(_MOST)
_UNEXPLAINED = _ALL.where(_IS_OWED, notice.c.detail == "").limit(_MOST)
_OF_RUN = _ALL.where(notice.c.run_id == bindparam("of_run"))


def _notices(
    connection: Connection, query: Select[Any], asked: Mapping[str, object]
) -> tuple[Notice, ...]:
    return tuple(_notice(row) for row in connection.execute(query, asked).mappings())


def _notice(row: RowMapping) -> Notice:
    values = dict(row)
    recipients = tuple(json.loads(values.pop("recipients_json")))
    return Notice(recipients=recipients, **values)
