"""Records, their contacts and attempts, and rows that became no record.

The record table is narrow and clustered by (run, seq): it is rewritten for every
attempt, so what never changes stands in ``contact``. An attempt in flight is its
record's row in state ``attempting``; it becomes a row of ``attempt`` when it closes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from watchfloor.domain.records import RecordState
from watchfloor.store.tables.base import metadata


# Pages lead with the state although it is always the same: with (run_no, seq) alone
# SQLite takes the primary key for the better index and reads the whole run.
def _in_state(name: str, state: RecordState, *columns: str) -> Index:
    only = text(f"state = {int(state)}")
    return Index(name, *columns, sqlite_where=only)


_TIMED_PENDING = text(f"state = {int(RecordState.PENDING)} AND next_at_ms IS NOT NULL")

record = Table(
    "record",
    metadata,
    Column("run_no", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("state", SmallInteger, nullable=False),
    Column("step", SmallInteger, nullable=False, server_default="0"),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    # Attempts that a crash cut off; they do not count against the cap.
    Column("interrupted", SmallInteger, nullable=False, server_default="0"),
    Column("generation", SmallInteger, nullable=False, server_default="0"),
    Column("outcome_class", SmallInteger),
    Column("code", Text, nullable=False, server_default=""),
    Column("first_at_ms", BigInteger),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("next_at_ms", BigInteger),
    # Attempts that may have been delivered: ambiguous ones and interrupted ones.
    Column("doubts", SmallInteger, nullable=False, server_default="0"),
    # Attempts at earlier steps: tries of this step are counted from here.
    Column("base", SmallInteger, nullable=False, server_default="0"),
    # The state in which earlier steps left the record; 0 on its first step. What is
    # dropped before its last step falls back to it: it was contacted.
    Column("earlier", SmallInteger, nullable=False, server_default="0"),
    # 1 while its window is closed: next_at_ms is when that opens.
    Column("held", SmallInteger, nullable=False, server_default="0"),
    # Of a callback: what was promised, and when the promise expires.
    Column("due_at_ms", BigInteger),
    Column("expires_at_ms", BigInteger),
    # A pending record with a time: held by its window, or before its next step.
    Index(
        "record_pending_due",
        "run_no",
        "next_at_ms",
        sqlite_where=_TIMED_PENDING,
    ),
    _in_state("record_attempting", RecordState.ATTEMPTING, "run_no", "state", "seq"),
    _in_state("record_retry_due", RecordState.RETRY, "run_no", "next_at_ms"),
    _in_state("record_callback_due", RecordState.CALLBACK, "run_no", "next_at_ms"),
    _in_state("record_retry", RecordState.RETRY, "run_no", "state", "seq"),
    _in_state("record_callback", RecordState.CALLBACK, "run_no", "state", "seq"),
    _in_state("record_waiting", RecordState.WAITING, "run_no", "state", "seq"),
    _in_state("record_failed", RecordState.FAILED, "run_no", "state", "seq"),
    _in_state("record_unknown", RecordState.UNKNOWN, "run_no", "state", "seq"),
    _in_state("record_abandoned", RecordState.ABANDONED, "run_no", "state", "seq"),
    sqlite_with_rowid=False,
)

#: What a record is made of; written once, by the intake.
contact = Table(
    "contact",
    metadata,
    Column("run_no", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("row_no", BigInteger, nullable=False),
    Column("contact", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("values_json", Text, nullable=False),
    # 0 where the campaign's window asks for no zone.
    Column("zone_no", Integer, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

#: Sets of zones: a phone number may be in any of several.
zone_set = Table(
    "zone_set",
    metadata,
    Column("zone_no", Integer, primary_key=True),
    Column("names", Text, nullable=False, unique=True),
)

#: Which row of the upload came first with a contact; unique (run, contact key).
dedupe = Table(
    "dedupe",
    metadata,
    Column("run_no", Integer, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("row_no", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

reject = Table(
    "reject",
    metadata,
    Column("run_no", Integer, primary_key=True),
    Column("row_no", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),
    sqlite_with_rowid=False,
)

#: Closed attempts. ``ending``: outcome, interrupted (a crash cut it off).
attempt = Table(
    "attempt",
    metadata,
    Column("run_no", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("number", SmallInteger, primary_key=True),
    Column("step", SmallInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("ending", Text, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("ended_at_ms", BigInteger, nullable=False),
    Column("outcome_class", SmallInteger),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("next_at_ms", BigInteger),
    Index(
        "attempt_by_provider",
        "provider_id",
        sqlite_where=text("provider_id <> ''"),
    ),
    sqlite_with_rowid=False,
)
