"""The schema of the state store. Times are integer milliseconds since 1970, UTC.

The record table is narrow and clustered by (run, seq): it is rewritten for every
attempt, so what never changes stands in ``contact``. An attempt in flight is its
record's row in state ``attempting``; it becomes a row of ``attempt`` when it closes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

from watchfloor.domain.books import Books
from watchfloor.domain.records import RecordState

metadata = MetaData()

#: One row: who owns the workspace. Every write of the engine fences on its epoch.
lease = Table(
    "lease",
    metadata,
    Column("lease_id", Integer, primary_key=True),
    Column("instance", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("heartbeat_at_ms", BigInteger, nullable=False),
    Column("changes", BigInteger, nullable=False),
    Column("released", SmallInteger, nullable=False),
)

upload = Table(
    "upload",
    metadata,
    Column("upload_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("run_no", Integer, primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("family_id", Text, nullable=False),
    Column("campaign_id", Text, nullable=False),
    Column("campaign_name", Text, nullable=False),
    Column("campaign_text", Text, nullable=False),
    Column("upload_id", Text, ForeignKey("upload.upload_id"), nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("gate", Text, nullable=False),
    Column("intake", Text, nullable=False),
    Column("results", Text, nullable=False),
    Column("history", Text, nullable=False),
    Column("outcome", Text),
    Column("cause", Text, nullable=False, server_default=""),
    Column("launch_id", Text),
    Column("stops", SmallInteger, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("intent", Text),
    Column("intent_command", Text),
    Column("intent_by", Text, nullable=False, server_default=""),
    Column("intent_at_ms", BigInteger, nullable=False, server_default="0"),
    Column("intent_why", Text, nullable=False, server_default=""),
    Column("gate_by", Text, nullable=False, server_default=""),
    Column("gate_at_ms", BigInteger, nullable=False, server_default="0"),
    Column("gate_why", Text, nullable=False, server_default=""),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("started_at_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
    Column("results_close_at_ms", BigInteger),
    Column("permits", Integer, nullable=False),
    Column("rate_per_s", Float),
    Column("steps_json", Text, nullable=False, server_default="[]"),
    Column("columns_json", Text, nullable=False, server_default="[]"),
    Column("raw_header", Text, nullable=False, server_default=""),
    Column("delimiter", Text, nullable=False, server_default=","),
    Index("run_by_fingerprint", "fingerprint"),
    Index("run_live", "run_no", sqlite_where=text("phase <> 'ended'")),
    Index("run_history", "run_no", sqlite_where=text("history = 'creating'")),
    Index(
        "run_results",
        "results_close_at_ms",
        sqlite_where=text("results = 'collecting'"),
    ),
)

#: One narrow row per run, rewritten in the transaction that changes what it counts.
books = Table(
    "books",
    metadata,
    Column("run_no", Integer, ForeignKey("run.run_no"), primary_key=True),
    *(
        Column(key, BigInteger, nullable=False, server_default="0")
        for key in Books().as_dict()
    ),
    # No pending record has a seq at or below the frontier.
    Column("frontier", BigInteger, nullable=False, server_default="0"),
    Column("bytes_read", BigInteger, nullable=False, server_default="0"),
    Column("progress_at_ms", BigInteger),
)


# Pages lead with the state although it is always the same: with (run_no, seq) alone
# SQLite takes the primary key for the better index and reads the whole run.
def _in_state(name: str, state: RecordState, *columns: str) -> Index:
    only = text(f"state = {int(state)}")
    return Index(name, *columns, sqlite_where=only, postgresql_where=only)


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
    sqlite_with_rowid=False,
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
    sqlite_with_rowid=False,
)

#: What was asked, by whom, with what in view, and what became of it.
command = Table(
    "command",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("seen_json", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("refusal", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("acknowledged_at_ms", BigInteger),
    Column("applied_at_ms", BigInteger),
    Column("settled_at_ms", BigInteger),
    Index("command_by_run", "run_id"),
)

#: The append-only log of commands and facts.
journal = Table(
    "journal",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("before", Text, nullable=False, server_default=""),
    Column("after", Text, nullable=False, server_default=""),
    Column("by", Text, nullable=False, server_default=""),
    Column("origin", Text, nullable=False, server_default=""),
    Column("why", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("command_id", Text, nullable=False, server_default=""),
    Column("epoch", Integer, nullable=False),
    Index("journal_by_run", "run_id", "entry_id"),
)

#: An ended run's account, written once and never again.
history = Table(
    "history",
    metadata,
    Column("run_no", Integer, ForeignKey("run.run_no"), primary_key=True),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("report_json", Text, nullable=False),
)
