"""Alerts and what hooks are told of them, stored before anything leaves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, case, insert, update

from watchfloor.domain.alerts import Alert, Cause
from watchfloor.store.tables import alert, alert_message


def add_alert(
    connection: Connection, cause: Cause, *, now_ms: int, is_held: bool
) -> int:
    """Store an alert that begins; return its number."""
    number: int = connection.execute(
        insert(alert)
        .values(
            kind=cause.kind,
            run_id=cause.run_id,
            mark=cause.mark,
            since_ms=cause.since_ms,
            said=cause.said,
            raised_at_ms=now_ms,
            is_held=int(is_held),
        )
        .returning(alert.c.alert_id)
    ).scalar_one()
    return number


def note_gone(connection: Connection, one: Alert, gone_at_ms: int | None) -> None:
    """Store since when an alert's cause is not found any more; None: it is again."""
    connection.execute(
        update(alert)
        .where(alert.c.alert_id == one.alert_id)
        .values(gone_at_ms=gone_at_ms)
    )


def clear_alert(
    connection: Connection, one: Alert, *, at_ms: int, is_held: bool
) -> None:
    """Store since when an alert's cause is over, and whether that is held."""
    connection.execute(
        update(alert)
        .where(alert.c.alert_id == one.alert_id)
        .values(cleared_at_ms=at_ms, is_held=int(is_held), is_open=int(is_held))
    )


def let_go(connection: Connection, alert_ids: Iterable[int]) -> None:
    """Store that nothing holds these alerts any more."""
    connection.execute(
        update(alert)
        .where(alert.c.alert_id.in_(list(alert_ids)))
        .values(is_held=0, is_open=case((alert.c.cleared_at_ms.is_(None), 1), else_=0))
    )


def owe_message(
    connection: Connection,
    *,
    alert_id: int | None,
    hook: str,
    what: str,
    payload: Mapping[str, object],
    now_ms: int,
) -> None:
    """Store what a hook is to be told at once."""
    connection.execute(
        insert(alert_message).values(
            alert_id=alert_id,
            hook=hook,
            what=what,
            payload_json=json.dumps(payload),
            state="owed",
            created_at_ms=now_ms,
            next_at_ms=now_ms,
        )
    )


def note_told(
    connection: Connection, message_id: int, *, at_ms: int, reply: str
) -> bool:
    """Close a message that its hook took; return whether it was owed until now."""
    return _close(connection, message_id, "sent", sent_at_ms=at_ms, detail=reply)


def note_untold(connection: Connection, message_id: int, *, why: str) -> bool:
    """Give a message up; return whether it was owed until now."""
    tries = alert_message.c.tries + 1
    return _close(connection, message_id, "failed", tries=tries, detail=why)


def note_try(
    connection: Connection, message_id: int, *, next_at_ms: int, why: str
) -> None:
    """Store that telling failed and when it is tried again."""
    tries = alert_message.c.tries + 1
    _change(connection, message_id, tries=tries, next_at_ms=next_at_ms, detail=why)


def _close(
    connection: Connection, message_id: int, state: str, **values: object
) -> bool:
    return _change(connection, message_id, state=state, next_at_ms=None, **values)


def _change(connection: Connection, message_id: int, **values: object) -> bool:
    changed = connection.execute(
        update(alert_message)
        .where(
            alert_message.c.message_id == message_id, alert_message.c.state == "owed"
        )
        .values(**values)
    )
    return changed.rowcount == 1
