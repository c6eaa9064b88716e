"""Records that stand for one contact of a family: what is taken up, and as what.

A retry's record stands for its parent's, and both for that of any other retry of it.
The statements are written out for SQLite: many seeks by key in one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, exists, or_, select

from watchfloor.domain.records import RecordState
from watchfloor.domain.results import REACHED
from watchfloor.store.tables import cohort, resolution, run

_REACHED = ", ".join(f"'{kind}'" for kind in sorted(REACHED))
_UNSENT = f"{int(RecordState.PENDING)}, {int(RecordState.RETRY)}"
_ATTEMPTING = int(RecordState.ATTEMPTING)
_RETRY = int(RecordState.RETRY)

# An attempt at its step may have arrived, or somebody said what became of one.
_IS_DOUBTED = """
(r.doubts > 0 OR EXISTS (
  SELECT 1 FROM resolved AS d WHERE d.run_no = r.run_no AND d.seq = r.seq
    AND d.step = r.step AND d.at_ms IS NOT NULL))
"""

# Up to the record of the oldest run, then down to all that were made of it, and itself.
# Binds: run_no, a JSON array of seqs.
_KIN = """
WITH RECURSIVE up(seen, run_no, seq) AS (
  SELECT value, ?, value FROM json_each(?)
  UNION ALL
  SELECT u.seen, c.parent_no, c.parent_seq
  FROM up AS u CROSS JOIN cohort AS c
  WHERE c.run_no = u.run_no AND c.seq = u.seq
), kin(seen, run_no, seq) AS (
  SELECT u.seen, u.run_no, u.seq FROM up AS u
  WHERE NOT EXISTS (
    SELECT 1 FROM cohort AS c WHERE c.run_no = u.run_no AND c.seq = u.seq)
  UNION ALL
  SELECT k.seen, c.run_no, c.seq
  FROM kin AS k CROSS JOIN cohort AS c
  WHERE c.parent_no = k.run_no AND c.parent_seq = k.seq
)
"""

# What was attempted at a step, earlier ones not counted, is attempts less base; an
# intent that is stored counts as one. Binds: those of _KIN, step.
_UNSENT_KIN = f"""
{_KIN}
SELECT k.seen, u.run_id, r.run_no, r.seq, r.state, r.earlier, r.held
FROM kin AS k CROSS JOIN record AS r CROSS JOIN run AS u
WHERE r.run_no = k.run_no AND r.seq = k.seq AND u.run_no = k.run_no
  AND (r.state IN ({_UNSENT}) AND r.attempts = r.base
       OR r.state = {_ATTEMPTING} AND r.attempts = r.base + 1)
  AND r.step = ?
ORDER BY r.run_no, r.seq
"""  # noqa: S608 - constants above

# Binds: those of _KIN, step.
_DOUBTED_KIN = f"""
{_KIN}
SELECT k.seen, u.run_id, r.run_no, r.seq, r.state, r.earlier, r.held
FROM kin AS k CROSS JOIN record AS r CROSS JOIN run AS u
WHERE r.run_no = k.run_no AND r.seq = k.seq AND u.run_no = k.run_no
  AND r.state = {_RETRY} AND r.attempts > r.base AND r.step = ? AND {_IS_DOUBTED}
ORDER BY r.run_no, r.seq
"""  # noqa: S608 - constants above

# Binds: a JSON array of seqs, run_no.
_DOUBTED = f"""
SELECT r.seq FROM json_each(?) AS w CROSS JOIN record AS r
WHERE r.run_no = ? AND r.seq = w.value AND {_IS_DOUBTED}
"""  # noqa: S608 - constants above

# Binds: those of _KIN, step.
_REACHED_KIN = f"""
{_KIN}
SELECT DISTINCT k.seen FROM kin AS k CROSS JOIN result AS t
WHERE t.run_no = k.run_no AND t.seq = k.seq AND t.kind IN ({_REACHED})
  AND (t.step = ? OR t.step IS NULL)
"""  # noqa: S608 - constants above

# Binds: those of _KIN.
_OTHER_KIN = f"""
{_KIN}
SELECT DISTINCT u.run_id, k.run_no, k.seq FROM kin AS k CROSS JOIN run AS u
WHERE u.run_no = k.run_no ORDER BY k.run_no
"""  # noqa: S608 - constants above

_IS_OF_RETRIES = select(
    or_(
        exists().where(run.c.run_no == bindparam("of_run"), run.c.cohort > 0),
        exists().where(cohort.c.parent_no == bindparam("of_run")),
    )
)
_IS_RESOLVED = select(exists().where(resolution.c.run_no == bindparam("of_run")))


class Unsent(NamedTuple):
    """A record whose next attempt was not sent, as far as the store can tell.

    Attributes:
        seen: The record that was asked about.
        state: Where it stands; pending, retry, or attempting: with a first intent,
            which may have been sent or not.
        earlier: The state in which earlier steps left it; 0 on its first step.
        held: 1 while its window is closed.
    """

    seen: int
    run_id: str
    run_no: int
    seq: int
    state: int
    earlier: int
    held: int


class Kin(NamedTuple):
    """A record that stands for the same contact as another."""

    run_id: str
    run_no: int
    seq: int


def is_of_retries(connection: Connection, run_no: int) -> bool:
    """Return whether a run is a retry, or was retried."""
    return bool(connection.scalar(_IS_OF_RETRIES, {"of_run": run_no}))


def is_resolved(connection: Connection, run_no: int) -> bool:
    """Return whether anything was said of a run's unknown records."""
    return bool(connection.scalar(_IS_RESOLVED, {"of_run": run_no}))


def unsent_kin(
    connection: Connection, run_no: int, step: int, seqs: Iterable[int]
) -> list[Unsent]:
    """Return what stands for these records and may be unsent at a step."""
    rows = connection.exec_driver_sql(_UNSENT_KIN, (run_no, _json(seqs), step))
    return [Unsent._make(row) for row in rows]


def doubted_kin(
    connection: Connection, run_no: int, step: int, seqs: Iterable[int]
) -> list[Unsent]:
    """Return what stands for these records and waits to be tried again, after a doubt.

    Of an attempt at the step nobody knew whether it arrived; what was said of it since
    does not matter.
    """
    rows = connection.exec_driver_sql(_DOUBTED_KIN, (run_no, _json(seqs), step))
    return [Unsent._make(row) for row in rows]


def doubted(connection: Connection, run_no: int, seqs: Iterable[int]) -> set[int]:
    """Return those of some records of which an attempt at their step was in doubt."""
    return set(connection.exec_driver_sql(_DOUBTED, (_json(seqs), run_no)).scalars())


def with_reached_kin(
    connection: Connection, run_no: int, step: int, seqs: Iterable[int]
) -> set[int]:
    """Return those of some records whose contact was reached at a step, by any run.

    A record of a retry need not be made yet: its place in the cohort will do.
    """
    rows = connection.exec_driver_sql(_REACHED_KIN, (run_no, _json(seqs), step))
    return set(rows.scalars())


def other_kin(connection: Connection, run_no: int, seq: int) -> list[Kin]:
    """Return the other records that stand for a record's contact, the oldest first."""
    rows = connection.exec_driver_sql(_OTHER_KIN, (run_no, _json([seq])))
    found = [Kin._make(row) for row in rows]
    return [one for one in found if (one.run_no, one.seq) != (run_no, seq)]


def _json(seqs: Iterable[int]) -> str:
    return json.dumps(list(seqs))
