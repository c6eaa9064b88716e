"""Alerts: what stands, what people are owed of them, and what they may be about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, Select, func, literal_column, or_, select

from watchfloor.domain.alerts import Alert, AlertKind
from watchfloor.domain.regions import RunOutcome
from watchfloor.store.reads.moments import first_entry_at
from watchfloor.store.tables import alert, alert_message, journal, run

#: The words stand in the statements: only then the partial indexes are used.
_IS_OPEN = alert.c.is_open == literal_column("1")
_IS_OWED = alert_message.c.state == literal_column("'owed'")
#: Entries of the journal that are looked at for recoveries.
_MOST_SEARCHED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMessage:
    """What one hook is to be told, or was.

    Attributes:
        alert_id: None for what is about several alerts.
        hook: Its label, as ``webhook chat``.
        what: raised, cleared or summary.
        state: owed, sent or failed (given up).
        tries: How often telling it failed.
        detail: What the hook answered, or why it could not be told.
    """

    message_id: int
    alert_id: int | None
    hook: str
    what: str
    payload: Mapping[str, Any]
    state: str
    tries: int
    created_at_ms: int
    next_at_ms: int | None
    sent_at_ms: int | None
    detail: str


class FailedRun(NamedTuple):
    """A run that ended by a fault of its own."""

    run_id: str
    campaign_name: str
    ended_at_ms: int
    cause: str


class Recovered(NamedTuple):
    """What an engine's start found in flight of one run."""

    run_id: str
    at_ms: int
    detail: str


def open_alerts(connection: Connection) -> tuple[Alert, ...]:
    """Return every alert that stands or is held, oldest first."""
    query = select(alert).where(_IS_OPEN).order_by(alert.c.alert_id)
    return tuple(_alert(row) for row in connection.execute(query).mappings())


def alerts_since(
    connection: Connection, since_ms: int, *, most: int = 100
) -> tuple[Alert, ...]:
    """Return the newest alerts that were raised or cleared since then, oldest first.

    Those that are open are always among them.
    """
    lately = or_(
        alert.c.raised_at_ms >= since_ms, alert.c.cleared_at_ms >= since_ms, _IS_OPEN
    )
    query = select(alert).where(lately).order_by(alert.c.alert_id.desc()).limit(most)
    rows = connection.execute(query).mappings().all()
    return tuple(_alert(row) for row in reversed(rows))


def newest_told(connection: Connection) -> int:
    """Return the number of the newest alert that nothing holds back; 0 for none."""
    query = (
        select(alert.c.alert_id)
        .where(alert.c.is_held == 0)
        .order_by(alert.c.alert_id.desc())
        .limit(1)
    )
    return connection.scalar(query) or 0


def due_messages(
    connection: Connection, now_ms: int, longest_ms: int, *, most: int = 50
) -> tuple[AlertMessage, ...]:
    """Return owed messages whose time has come, oldest first.

    None is put off for longer than *longest_ms*: one that seems to be was put off
    before the clock was put back, and is due.
    """
    at_ms = alert_message.c.next_at_ms
    is_due = or_(at_ms <= now_ms, at_ms > now_ms + longest_ms)
    return _each(connection, _messages().where(_IS_OWED, is_due).limit(most))


def next_owed_at(connection: Connection) -> int | None:
    """Return when the next owed message is to be told; None where none is owed."""
    query = select(func.min(alert_message.c.next_at_ms)).where(_IS_OWED)
    at_ms: int | None = connection.scalar(query)
    return at_ms


def given_up_since(connection: Connection, since_ms: int) -> int:
    """Return how many messages of a moment or later were given up."""
    query = select(func.count()).where(
        alert_message.c.state == "failed", alert_message.c.created_at_ms >= since_ms
    )
    return connection.scalar(query) or 0


def messages_of(
    connection: Connection, alert_ids: tuple[int, ...], *, since_ms: int = 0
) -> tuple[AlertMessage, ...]:
    """Return what hooks are told of alerts, and every summary since a moment."""
    about = alert_message.c.alert_id.in_(alert_ids)
    several = alert_message.c.alert_id.is_(None)
    lately = alert_message.c.created_at_ms >= since_ms
    return _each(connection, _messages().where(or_(about, several & lately)))


def failed_runs(connection: Connection, since_ms: int) -> tuple[FailedRun, ...]:
    """Return the runs that ended failed since a moment, oldest first."""
    query = (
        select(run.c.run_id, run.c.campaign_name, run.c.ended_at_ms, run.c.cause)
        .where(run.c.ended_at_ms >= since_ms, run.c.outcome == RunOutcome.FAILED)
        .order_by(run.c.ended_at_ms)
    )
    return tuple(FailedRun(*row) for row in connection.execute(query))


def recovered_runs(connection: Connection, since_ms: int) -> tuple[Recovered, ...]:
    """Return what starts of engines found in flight since a moment, oldest first."""
    newest = connection.scalar(select(func.max(journal.c.entry_id))) or 0
    first = max(first_entry_at(connection, since_ms), newest - _MOST_SEARCHED)
    query = (
        select(journal.c.run_id, journal.c.at_ms, journal.c.detail)
        .where(journal.c.entry_id >= first, journal.c.event == "recovered")
        .order_by(journal.c.entry_id)
    )
    return tuple(Recovered(*row) for row in connection.execute(query))


def is_live(connection: Connection, run_id: str) -> bool:
    """Whether a run is there and has not ended."""
    query = select(func.count()).where(
        run.c.run_id == run_id, run.c.phase != literal_column("'ended'")
    )
    return bool(connection.scalar(query))


def _messages() -> Select[tuple[Any, ...]]:
    return select(*alert_message.c).order_by(alert_message.c.message_id)


def _each(
    connection: Connection, query: Select[tuple[Any, ...]]
) -> tuple[AlertMessage, ...]:
    found = []
    for row in connection.execute(query).mappings():
        values = dict(row)
        payload = json.loads(values.pop("payload_json"))
        found.append(AlertMessage(payload=payload, **values))
    return tuple(found)


def _alert(row: RowMapping) -> Alert:
    values = {name: value for name, value in row.items() if name != "is_open"}
    kind, is_held = AlertKind(values.pop("kind")), bool(values.pop("is_held"))
    return Alert(kind=kind, is_held=is_held, **values)
