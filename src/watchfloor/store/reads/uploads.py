"""What is known of the contact file that a run was launched over."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from watchfloor.store.digests import among_digests, bound_digests
from watchfloor.store.reads.runs import run_number
from watchfloor.store.tables import dedupe, run, upload

_KNOWN = select(dedupe.c.digest).where(
    dedupe.c.run_no == bindparam("of_run"), among_digests(dedupe.c.digest)
)


class Upload(NamedTuple):
    """One contact file as received."""

    upload_id: str
    name: str
    sha256: str
    bytes: int
    received_at_ms: int


def upload_of(connection: Connection, run_id: str) -> Upload:
    """Return the upload of a run.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    query = (
        select(*(upload.c[name] for name in Upload._fields))
        .join_from(run, upload)
        .where(run.c.run_no == number)
    )
    return Upload._make(connection.execute(query).one())


def every_upload(connection: Connection) -> list[Upload]:
    """Return the upload of every run, in the order of their ids."""
    query = select(*(upload.c[name] for name in Upload._fields)).order_by(
        upload.c.upload_id
    )
    return [Upload._make(row) for row in connection.execute(query)]


def known_digests(
    connection: Connection, run_id: str, digests: Collection[bytes]
) -> frozenset[bytes]:
    """Return which of these contacts stand in a run's upload.

    Raises:
        NotFoundError: No run has this id.
    """
    wanted = {"of_run": run_number(connection, run_id), **bound_digests(set(digests))}
    return frozenset(connection.scalars(_KNOWN, wanted))
