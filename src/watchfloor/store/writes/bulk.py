"""What only SQLite understands on the hot path: many rows in one statement, as JSON.

The driver lets go of the interpreter for every step of a statement, and takes it back
after. With one step per row, the committing thread asks for the interpreter once per
row and waits each time for the dispatching thread to pause; with one step per batch,
SQLite works beside it on the other core (measured: 22,000 against 45,000 records a
second). PostgreSQL will have a module of its own with ``unnest``.
"""

from __future__ import annotations

from watchfloor.domain.records import RecordState

_ATTEMPTING = int(RecordState.ATTEMPTING)
_PENDING = int(RecordState.PENDING)
_RETRY = int(RecordState.RETRY)
_CALLBACK = int(RecordState.CALLBACK)

#: The columns of one claimed record, in the order of ``attempts.Claimed``.
_OF_RECORD = (
    "seq, state, attempts, interrupted, doubts, generation, step, base, earlier, held, "
    "first_at_ms, next_at_ms, due_at_ms, expires_at_ms"
)
_CLAIMED = f"json_array({_OF_RECORD}, zone_no, contact, hex(digest), json(values_json))"
_JOINED = f"""
SELECT r.{_OF_RECORD.replace(", ", ", r.")},
       c.zone_no, c.contact, c.digest, c.values_json
FROM record AS r JOIN contact AS c ON c.run_no = r.run_no AND c.seq = r.seq
"""  # noqa: S608 - constants above

#: Binds: run_no, frontier, most. One row of one cell: a JSON array of records.
PENDING = f"""
SELECT json_group_array({_CLAIMED}) FROM ({_JOINED}
WHERE r.run_no = ? AND r.state = {_PENDING} AND r.seq > ? AND r.next_at_ms IS NULL
ORDER BY r.seq LIMIT ?)
"""  # noqa: S608 - constants above

#: Binds: run_no, now_ms, most. By state.
DUE = {
    state: f"""
SELECT json_group_array({_CLAIMED}) FROM ({_JOINED}
WHERE r.run_no = ? AND r.state = {int(state)} AND r.next_at_ms <= ?
ORDER BY r.next_at_ms LIMIT ?)
"""  # noqa: S608 - constants above
    for state in (RecordState.PENDING, RecordState.RETRY, RecordState.CALLBACK)
}

#: Binds: now_ms twice, run_no, a JSON array of seqs.
INTEND = f"""
UPDATE record SET state = {_ATTEMPTING}, attempts = attempts + 1,
       first_at_ms = coalesce(first_at_ms, ?), updated_at_ms = ?, next_at_ms = NULL,
       held = 0
WHERE run_no = ? AND seq IN (SELECT value FROM json_each(?))
  AND state IN ({_PENDING}, {_RETRY}, {_CALLBACK})
"""  # noqa: S608 - constants above

#: Binds: state, outcome_class, code, updated_at_ms, doubt, run_no, seqs.
CLOSE = f"""
UPDATE record SET state = ?, outcome_class = ?, code = ?, updated_at_ms = ?,
       next_at_ms = NULL, due_at_ms = NULL, expires_at_ms = NULL, doubts = doubts + ?
WHERE run_no = ? AND seq IN (SELECT value FROM json_each(?))
  AND state = {_ATTEMPTING}
"""  # noqa: S608 - constants above

#: Binds: opens_at_ms, run_no, seqs. The record stays what it is, until then.
HOLD = """
UPDATE record SET next_at_ms = ?, held = 1
WHERE run_no = ? AND seq IN (SELECT value FROM json_each(?))
"""

#: Binds: state, code, updated_at_ms, doubts at least, run_no, seqs, the state before.
DROP = """
UPDATE record SET state = ?, code = ?, updated_at_ms = ?, next_at_ms = NULL, held = 0,
       due_at_ms = NULL, expires_at_ms = NULL, doubts = max(doubts, ?)
WHERE run_no = ? AND seq IN (SELECT value FROM json_each(?)) AND state = ?
"""

#: Binds: step, the state that earlier steps left, now_ms twice, run_no, seqs.
ADVANCE = f"""
UPDATE record SET state = {_PENDING}, step = ?, earlier = ?, base = attempts,
       interrupted = 0, doubts = 0, first_at_ms = NULL, next_at_ms = ?,
       updated_at_ms = ?
WHERE run_no = ? AND seq IN (SELECT value FROM json_each(?))
"""  # noqa: S608 - constants above

#: Binds: run_no, step, epoch, ending, outcome_class, code, and a JSON array of
#: [seq, number, started_at_ms, ended_at_ms, detail, provider_id, why, next_at_ms].
LOG = """
INSERT INTO attempt (run_no, step, epoch, ending, outcome_class, code,
                     seq, number, started_at_ms, ended_at_ms, detail, provider_id,
                     why, next_at_ms)
SELECT ?, ?, ?, ?, ?, ?,
       json_extract(value, '$[0]'), json_extract(value, '$[1]'),
       json_extract(value, '$[2]'), json_extract(value, '$[3]'),
       json_extract(value, '$[4]'), json_extract(value, '$[5]'),
       json_extract(value, '$[6]'), json_extract(value, '$[7]')
FROM json_each(?)
"""
