"""Notices, owed in the transaction of what they tell and closed once they are sent."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, insert, update

from watchfloor.store.tables import notice


def owe_notice(  # noqa: PLR0913 - each is a column
    connection: Connection,
    *,
    run_id: str,
    kind: str,
    recipients: Sequence[str],
    subject: str,
    body: str,
    now_ms: int,
) -> int:
    """Store a notice that is to be sent at once; return its number."""
    number: int = connection.execute(
        insert(notice)
        .values(
            run_id=run_id,
            kind=kind,
            recipients_json=json.dumps(list(recipients)),
            subject=subject,
            body=body,
            state="owed",
            created_at_ms=now_ms,
            next_at_ms=now_ms,
        )
        .returning(notice.c.notice_id)
    ).scalar_one()
    return number


def note_sent(
    connection: Connection, notice_id: int, *, at_ms: int, reply: str
) -> bool:
    """Close a notice that the server took; return whether it was owed until now."""
    return _close(connection, notice_id, "sent", sent_at_ms=at_ms, detail=reply)


def note_failed(connection: Connection, notice_id: int, *, why: str) -> bool:
    """Give a notice up; return whether it was owed until now."""
    tries = notice.c.tries + 1
    return _close(connection, notice_id, "failed", tries=tries, detail=why)


def note_tried(
    connection: Connection, notice_id: int, *, next_at_ms: int, why: str
) -> None:
    """Store that sending failed and when it is tried again."""
    tries = notice.c.tries + 1
    _change(connection, notice_id, tries=tries, next_at_ms=next_at_ms, detail=why)


def note_waiting(connection: Connection, notice_id: int, *, why: str) -> None:
    """Store why a notice that is due is not even tried."""
    _change(connection, notice_id, detail=why)


def _close(
    connection: Connection, notice_id: int, state: str, **values: object
) -> bool:
    return _change(connection, notice_id, state=state, next_at_ms=None, **values)


def _change(connection: Connection, notice_id: int, **values: object) -> bool:
    changed = connection.execute(
        update(notice)
        .where(notice.c.notice_id == notice_id, notice.c.state == "owed")
        .values(**values)
    )
    return changed.rowcount == 1
