"""Finding a record by what others know of it: its row, its key, a provider's id.

The statements are written out for SQLite, many seeks in one, as in ``writes.bulk``: a
record of ten million is found in some thirty microseconds, without an index of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, func, select

from watchfloor.domain.identity import contact_prefix, dedupe_key
from watchfloor.store.tables import run

#: A key is looked for in so many of the newest launched runs, and in no older one.
MOST_RUNS = 2_000
#: In so many while a provider waits for its answer; the others have their turn later.
FRESH_RUNS = 128
#: Seeks in one call: some tenths of a second of the one writer.
MOST_SEEKS = 200_000
#: Every record's: what a person sends again goes out under the same key (0026).
_GENERATION = 0

_PREFIX_BYTES = 8
_KEYS_AT_ONCE = 500
_RUNS_AT_ONCE = 64
_NEWEST = (
    select(run.c.run_no, run.c.family_id, run.c.steps_json)
    .where(run.c.launch_id.is_not(None))
    .order_by(run.c.run_no.desc())
    .limit(_RUNS_AT_ONCE)
)
_OLDER = _NEWEST.where(run.c.run_no < bindparam("last"))
_LEAST, _MOST = b"\0" * _PREFIX_BYTES, b"\xff" * _PREFIX_BYTES

# Bit by bit, the greatest number at or past which the next record there is stands no
# later than the row: that record's seq, whatever gaps there are before it.
# Binds: the highest bit, a JSON array of row_nos, run_no twice.
_SEQS = """
WITH RECURSIVE search(row_no, seq, bit) AS (
  SELECT value, 0, ? FROM json_each(?)
  UNION ALL
  SELECT s.row_no, s.seq + s.bit * coalesce((
           SELECT c.row_no FROM contact AS c
           WHERE c.run_no = ? AND c.seq >= s.seq + s.bit
           ORDER BY c.seq LIMIT 1) <= s.row_no, 0), s.bit / 2
  FROM search AS s WHERE s.bit > 0
)
SELECT s.row_no, c.seq FROM search AS s CROSS JOIN contact AS c
WHERE s.bit = 0 AND c.run_no = ? AND c.seq = s.seq AND c.row_no = s.row_no
"""

# Binds: (number, low, high) of each key, a JSON array of run_nos.
_BY_PREFIX = """
WITH wanted(number, low, high) AS (VALUES {rows})
SELECT w.number, d.run_no, d.digest, d.row_no
FROM json_each(?) AS r CROSS JOIN wanted AS w CROSS JOIN dedupe AS d
WHERE d.run_no = r.value AND d.digest BETWEEN w.low AND w.high
"""

# Binds: run_no, a JSON array of seqs.
_ATTEMPTED = """
SELECT seq FROM record
WHERE run_no = ? AND seq IN (SELECT value FROM json_each(?)) AND attempts > 0
"""

# A provider that gives every delivery one and the same id must not make this slow:
# the newest run with it is taken, of that the last record.
# Binds: a JSON array of provider ids.
_BY_PROVIDER = """
SELECT p.value, a.run_no, a.seq, a.step, c.digest
FROM (SELECT w.value, (
        SELECT json_array(run_no, seq, number) FROM attempt
        WHERE provider_id = w.value AND provider_id <> ''
        ORDER BY run_no DESC, seq DESC, number DESC LIMIT 1) AS place
      FROM json_each(?) AS w) AS p
CROSS JOIN attempt AS a CROSS JOIN contact AS c
WHERE a.run_no = json_extract(p.place, '$[0]') AND a.seq = json_extract(p.place, '$[1]')
  AND a.number = json_extract(p.place, '$[2]')
  AND c.run_no = a.run_no AND c.seq = a.seq
"""


class Found(NamedTuple):
    """A record that was attempted at least once.

    Attributes:
        step: The step's number.
        digest: The contact's.
    """

    run_no: int
    seq: int
    step: int
    digest: bytes


class _Candidate(NamedTuple):
    """A row of an upload whose contact begins as a key says."""

    key: str
    run_no: int
    row_no: int
    step: int
    digest: bytes


class _Among(NamedTuple):
    """A launched run as far as keys go."""

    run_no: int
    family_id: str
    steps: tuple[str, ...]


def seq_of_row(connection: Connection, run_no: int, row_no: int) -> int | None:
    """Return the record that a row of the upload became; None where it became none."""
    return seqs_of_rows(connection, run_no, [row_no]).get(row_no)


def seqs_of_rows(
    connection: Connection, run_no: int, row_nos: Iterable[int]
) -> dict[int, int]:
    """Return the records that rows became, by row; without rows that became none."""
    wanted = sorted(row_nos)
    if not wanted:
        return {}
    # A seq is never greater than its row.
    bit = 1 << max(0, wanted[-1].bit_length() - 1)
    rows = connection.exec_driver_sql(_SEQS, (bit, _json(wanted), run_no, run_no))
    return {row_no: seq for row_no, seq in rows}  # noqa: C416 - rows are no tuples


def records_by_key(
    connection: Connection, keys: Iterable[str], *, thorough: bool
) -> dict[str, Found]:
    """Return the newest attempted record of each key that has one.

    Args:
        connection: Any.
        keys: Idempotency keys as ``dedupe_key`` makes them; others have no record.
        thorough: Look into ``MOST_RUNS`` runs instead of ``FRESH_RUNS``. Either way the
            search ends after ``MOST_SEEKS``: what is not found may be found another
            time.
    """
    left = {key: prefix for key in keys if (prefix := _prefix(key)) is not None}
    found: dict[str, Found] = {}
    runs, seeks = MOST_RUNS if thorough else FRESH_RUNS, MOST_SEEKS
    for among in _newest_runs(connection, runs):
        if not left or seeks <= 0:
            break
        seeks -= len(left) * len(among)
        candidates = _candidates(connection, left, among)
        found |= _newest_attempted(connection, candidates)
        left = {key: prefix for key, prefix in left.items() if key not in found}
    return found


def records_by_provider(
    connection: Connection, provider_ids: Iterable[str]
) -> dict[str, Found]:
    """Return the record of the newest attempt under each of a provider's ids."""
    wanted = sorted({one for one in provider_ids if one})
    if not wanted:
        return {}
    rows = connection.exec_driver_sql(_BY_PROVIDER, (_json(wanted),))
    return {name: Found(*place) for name, *place in rows}


def keys_at_once(connection: Connection) -> int:
    """Return how many keys one thorough search surely has the seeks for."""
    runs = connection.scalar(select(func.max(run.c.run_no))) or 1
    return max(1, MOST_SEEKS // (min(int(runs), MOST_RUNS) + _RUNS_AT_ONCE))


def _prefix(key: str) -> bytes | None:
    # Spaces are skipped when digits are read: a short prefix would fit half the world.
    prefix = contact_prefix(key)
    return prefix if prefix is not None and len(prefix) == _PREFIX_BYTES else None


def _newest_runs(connection: Connection, most: int) -> Iterator[list[_Among]]:
    last: int | None = None
    for _ in range(0, most, _RUNS_AT_ONCE):
        if last is None:
            rows = connection.execute(_NEWEST).all()
        else:
            rows = connection.execute(_OLDER, {"last": last}).all()
        if rows:
            yield [
                _Among(run_no, family_id, tuple(one[0] for one in json.loads(steps)))
                for run_no, family_id, steps in rows
            ]
        if len(rows) < _RUNS_AT_ONCE:
            return
        last = rows[-1][0]


def _candidates(
    connection: Connection, prefixes: dict[str, bytes], among: Sequence[_Among]
) -> list[_Candidate]:
    """Return the rows whose contact and run give one of the keys."""
    runs = {one.run_no: one for one in among}
    keys = list(prefixes)
    candidates = []
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[first : first + _KEYS_AT_ONCE]
        binds: list[object] = []
        for number, key in enumerate(some):
            prefix = prefixes[key]
            binds += (number, prefix + _LEAST, prefix + _MOST)
        statement = _BY_PREFIX.format(rows=", ".join(["(?, ?, ?)"] * len(some)))
        rows = connection.exec_driver_sql(statement, (*binds, _json(list(runs))))
        for number, run_no, digest, row_no in rows:
            step = _step_of(some[number], runs[run_no], digest)
            if step is not None:
                key = some[number]
                candidates.append(_Candidate(key, run_no, row_no, step, digest))
    return candidates


def _step_of(key: str, among: _Among, digest: bytes) -> int | None:
    for number, step in enumerate(among.steps):
        if dedupe_key(among.family_id, step, digest, _GENERATION) == key:
            return number
    return None


def _newest_attempted(
    connection: Connection, candidates: Sequence[_Candidate]
) -> dict[str, Found]:
    rows_of: dict[int, set[int]] = {}
    for one in candidates:
        rows_of.setdefault(one.run_no, set()).add(one.row_no)
    seqs = {
        run_no: _attempted_seqs(connection, run_no, row_nos)
        for run_no, row_nos in rows_of.items()
    }
    found: dict[str, Found] = {}
    # A child run has the keys of its parent: the newest one speaks.
    for one in sorted(candidates, key=lambda one: one.run_no):
        seq = seqs[one.run_no].get(one.row_no)
        if seq is not None:
            found[one.key] = Found(one.run_no, seq, one.step, one.digest)
    return found


def _attempted_seqs(
    connection: Connection, run_no: int, row_nos: Iterable[int]
) -> dict[int, int]:
    seqs = seqs_of_rows(connection, run_no, row_nos)
    values = (run_no, _json(sorted(seqs.values())))
    attempted = set(connection.exec_driver_sql(_ATTEMPTED, values).scalars())
    return {row_no: seq for row_no, seq in seqs.items() if seq in attempted}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
