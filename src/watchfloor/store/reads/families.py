"""A run and its children: who is a record of one of them already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, exists, select

from watchfloor.store.digests import among_digests, bound_digests
from watchfloor.store.reads.rows import seq_of_row
from watchfloor.store.tables import dedupe, record, run

_PURGED = (
    select(run.c.run_id)
    .where(run.c.family_id == bindparam("family_id"), run.c.purge != "")
    .limit(1)
)


class Member(NamedTuple):
    """A record of the family."""

    run_id: str
    seq: int


def records_of_family(
    connection: Connection, family_id: str, but: int, digests: Sequence[bytes]
) -> dict[bytes, Member]:
    """Return which contacts are records of another run of the family.

    A contact that only became a reject there, as one that the filter left out, is not
    among them: corrected, it may come again.

    Args:
        connection: Any.
        family_id: The oldest run's id.
        but: The run that asks.
        digests: At most some thousands.
    """
    query = (
        select(dedupe.c.digest, dedupe.c.run_no, dedupe.c.row_no, run.c.run_id)
        .join(run, run.c.run_no == dedupe.c.run_no)
        .where(
            run.c.family_id == family_id,
            run.c.run_no != but,
            among_digests(dedupe.c.digest),
        )
    )
    found: dict[bytes, Member] = {}
    wanted = bound_digests(digests)
    for digest, run_no, row_no, run_id in connection.execute(query, wanted).all():
        seq = seq_of_row(connection, run_no, row_no)
        if seq is not None and _is_record(connection, run_no, seq):
            found[digest] = Member(run_id, seq)
    return found


def family_run_ids(connection: Connection, family_id: str) -> list[str]:
    """Return the runs of a family, the oldest first."""
    query = (
        select(run.c.run_id).where(run.c.family_id == family_id).order_by(run.c.run_no)
    )
    return list(connection.scalars(query))


def purged_of_family(connection: Connection, family_id: str) -> str | None:
    """Return a run of a family whose people were taken out, or are to be; or None."""
    found: str | None = connection.scalar(_PURGED, {"family_id": family_id})
    return found


def _is_record(connection: Connection, run_no: int, seq: int) -> bool:
    here = exists().where(record.c.run_no == run_no, record.c.seq == seq)
    return bool(connection.scalar(select(here)))
