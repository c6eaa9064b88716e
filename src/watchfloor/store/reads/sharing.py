"""Who uses the limits that runs share, by the books of the live runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, literal_column, select

from watchfloor.domain.sharing import WORKSPACE, SharedUse, channel_scope
from watchfloor.domain.workspace import Shared
from watchfloor.store.reads.limits import overrides
from watchfloor.store.tables import books, run


class Holding(NamedTuple):
    """A live run's attempts in flight, and the channels they may go through.

    A run of several channels counts in each: which of its attempts go through which is
    not in its books.
    """

    run_id: str
    channels: frozenset[str]
    in_flight: int

    @property
    def scopes(self) -> set[str]:
        """The limits that bind it."""
        return scopes_of(self.channels)


def channels_in(steps_json: str) -> frozenset[str]:
    """Return the channels through which the steps of a run go."""
    return frozenset(channel for _, channel, _ in json.loads(steps_json))


def scopes_of(channels: Iterable[str]) -> set[str]:
    """Return the limits that bind a run of these channels."""
    return {WORKSPACE, *(channel_scope(name) for name in channels)}


def holdings(connection: Connection) -> tuple[Holding, ...]:
    """Return every live run that has attempts in flight."""
    query = (
        select(run.c.run_id, run.c.steps_json, books.c.attempting, run.c.permits)
        .join_from(run, books)
        .where(run.c.phase != literal_column("'ended'"), books.c.attempting > 0)
        .order_by(run.c.run_no.desc())
    )
    return tuple(
        # Intents are stored ahead of permits: more than those are never under way.
        Holding(run_id, channels_in(steps), min(attempting, permits or attempting))
        for run_id, steps, attempting, permits in connection.execute(query)
    )


def shared_uses(
    connection: Connection, filed: Mapping[str, Shared]
) -> tuple[SharedUse, ...]:
    """Return the use of every limit that is one, the workspace's first.

    Args:
        connection: Any.
        filed: What the workspace's file says, by scope. What operators set on the
            living workspace goes before it, as for the engine.
    """
    limits = {**filed, **overrides(connection)}
    scopes = [
        scope
        for scope in sorted(limits, key=lambda scope: (scope != WORKSPACE, scope))
        if limits[scope] != Shared()
    ]
    if not scopes:
        return ()
    held = holdings(connection)
    return tuple(_use(scope, limits[scope], held) for scope in scopes)


def _use(scope: str, limit: Shared, held: Iterable[Holding]) -> SharedUse:
    holders = [(one.run_id, one.in_flight) for one in held if scope in one.scopes]
    flying = sum(count for _, count in holders)
    return SharedUse(
        scope=scope,
        permits=limit.permits,
        rate_per_s=limit.rate_per_s,
        in_flight=min(flying, limit.permits or flying),
        holders=tuple(sorted(holders, key=lambda holder: -holder[1])),
    )
