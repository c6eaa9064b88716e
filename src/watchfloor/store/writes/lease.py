"""Taking, keeping and letting go of a workspace."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select, update

from watchfloor.domain.actors import Owner
from watchfloor.domain.errors import OwnedError
from watchfloor.store.tables import lease

#: Made once: every transaction ends with it.
_FENCE = (
    update(lease)
    .where(lease.c.epoch == bindparam("mine"))
    .values(changes=lease.c.changes + bindparam("more"))
)

_EPOCH = select(lease.c.epoch)
_UPDATE = update(lease)


def take(
    connection: Connection,
    owner: Owner,
    *,
    instance: str,
    now_ms: int,
    dispatches: bool = True,
    ran_at: str = "",
) -> int:
    """Raise the epoch, so that every older owner's writes change nothing.

    Args:
        connection: In a transaction; the caller holds the file lock and commits.
        owner: Who takes it.
        instance: The workspace's own id, stored when it is first taken.
        now_ms: The first heartbeat.
        dispatches: Whether runs go on now: what interrupted them is forgotten.
        ran_at: Where the workspace is at home from now on; empty for where it was.

    Returns:
        The new epoch.
    """
    epoch = connection.scalar(_EPOCH)
    values = {
        "owner": owner.name,
        "pid": owner.pid,
        "host": owner.host,
        "started_at_ms": now_ms,
        "heartbeat_at_ms": now_ms,
        "released": 0,
    }
    if dispatches:
        values |= {"left_why": "", "left_at_ms": 0}
    if ran_at:
        values |= {"ran_at": ran_at}
    if epoch is None:
        first = {"lease_id": 1, "instance": instance, "epoch": 1, "changes": 0}
        connection.execute(insert(lease).values(**first, **values))
        return 1
    connection.execute(_UPDATE, {"epoch": epoch + 1, **values})
    return int(epoch) + 1


def fence(connection: Connection, epoch: int, *, changes: int) -> None:
    """Prove that *epoch* still owns the workspace and count *changes*.

    Raises:
        OwnedError: It does not; the caller rolls back and stops for good.
    """
    told = {"mine": epoch, "more": changes}
    if connection.execute(_FENCE, told).rowcount != 1:
        raise passed_over()


def passed_over() -> OwnedError:
    """Return what an owner says that a newer one has passed over."""
    return OwnedError(
        "another engine has taken this workspace over; this one stopped and "
        "changed nothing more. Look at it with: watchfloor status"
    )


def beat(connection: Connection, now_ms: int) -> None:
    """Say that the owner lives."""
    connection.execute(_UPDATE, {"heartbeat_at_ms": now_ms})


def leave(connection: Connection, why: str, now_ms: int) -> None:
    """Keep why an engine lets go, for whoever looks while there is none."""
    connection.execute(update(lease).values(left_why=why, left_at_ms=now_ms))


def release(connection: Connection, now_ms: int) -> None:
    """Say that the owner let go in good order."""
    connection.execute(update(lease).values(released=1, heartbeat_at_ms=now_ms))


def rename(connection: Connection, instance: str) -> None:
    """Give the workspace an id of its own: it came from a copy of another."""
    connection.execute(update(lease).values(instance=instance, ran_at=""))
