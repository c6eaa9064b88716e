"""Who owns the workspace."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, exists, select

from watchfloor.domain.regions import Phase
from watchfloor.domain.text import clean
from watchfloor.domain.views import EngineView
from watchfloor.domain.whereabouts import Whereabouts, whereabouts_in
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import OwnerSign, owner_sign
from watchfloor.store.tables import lease, run

_LEASE = select(lease)
_RAN_AT = select(lease.c.ran_at)
_HAS_UNFINISHED = select(exists().where(run.c.phase != Phase.ENDED))
_HAS_BEGUN = select(exists().where(run.c.started_at_ms.is_not(None)))
_LONGEST = 1_000


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


def last_run_at(connection: Connection) -> Whereabouts | None:
    """Return where an engine last ran; None where none did, or it is not known."""
    return whereabouts_in(connection.scalar(_RAN_AT) or "")


def has_unfinished(connection: Connection) -> bool:
    """Return whether a run has not ended."""
    return bool(connection.scalar(_HAS_UNFINISHED))


def has_begun_runs(connection: Connection) -> bool:
    """Return whether an engine has begun any run, ended or not."""
    return bool(connection.scalar(_HAS_BEGUN))


def seen_engine(
    connection: Connection, now_ms: int, layout: Layout | None
) -> EngineView:
    """Return the owner with what its lock tells of the store; see ``with_sign``."""
    engine = engine_view(connection)
    if layout is None:
        return engine
    return with_sign(engine, owner_sign(layout, engine, now_ms))


def with_sign(engine: EngineView, sign: OwnerSign) -> EngineView:
    """Return an owner with what is known of it beside its heartbeat."""
    return replace(
        engine,
        fault=clean(sign.fault or sign.last_words, _LONGEST),
        is_held=bool(sign.fault),
        trouble=clean(sign.trouble, _LONGEST),
        drain=sign.drain,
        hangs=sign.hangs,
        is_unseen=sign.is_unseen,
        holder=clean(sign.holder, _LONGEST),
    )
