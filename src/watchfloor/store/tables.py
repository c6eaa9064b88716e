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
    Column("parent_id", Text, nullable=False, server_default=""),
    Column("hidden", SmallInteger, nullable=False, server_default="0"),
    Column("purge", Text, nullable=False, server_default=""),
    Column("quota_month", Text, nullable=False, server_default=""),
    Column("quota_records", BigInteger, nullable=False, server_default="0"),
    Column("approve_after", BigInteger),
    Column("approved_by", Text, nullable=False, server_default=""),
    Column("approved_at_ms", BigInteger),
    Index("run_by_family", "family_id"),
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
    # Pending, retried or promised records whose window is closed; no part of a sum.
    Column("held", BigInteger, nullable=False, server_default="0"),
    # Records that the history has taken so far.
    Column("archived", BigInteger, nullable=False, server_default="0"),
    # How the run's time was spent, as the engine saw it.
    Column("active_ms", BigInteger, nullable=False, server_default="0"),
    Column("paused_ms", BigInteger, nullable=False, server_default="0"),
    Column("window_ms", BigInteger, nullable=False, server_default="0"),
    Column("waiting_ms", BigInteger, nullable=False, server_default="0"),
)


# Pages lead with the state although it is always the same: with (run_no, seq) alone
# SQLite takes the primary key for the better index and reads the whole run.
def _in_state(name: str, state: RecordState, *columns: str) -> Index:
    only = text(f"state = {int(state)}")
    return Index(name, *columns, sqlite_where=only, postgresql_where=only)


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
        postgresql_where=_TIMED_PENDING,
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
        postgresql_where=text("provider_id <> ''"),
    ),
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

#: How often what was counted per hour: an ended run's report, written with its history.
report = Table(
    "report",
    metadata,
    Column("run_no", Integer, ForeignKey("run.run_no"), primary_key=True),
    Column("step", SmallInteger, primary_key=True),
    Column("outcome_class", SmallInteger, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True),
    Column("attempts", BigInteger, nullable=False),
    Column("took_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: Contacts that must not be contacted again by any run; the contact itself is not kept.
suppression = Table(
    "suppression",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: What providers reported after the attempt. Appended, never rewritten but for being
#: matched: ``state`` is applied, parked (no such record yet) or late.
result = Table(
    "result",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("run_no", Integer),
    Column("seq", BigInteger),
    Column("step", SmallInteger),
    Column("kind", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("source", Text, nullable=False),
    Index("result_by_record", "run_no", "seq"),
    Index(
        "result_parked",
        "received_at_ms",
        sqlite_where=text("state = 'parked'"),
        postgresql_where=text("state = 'parked'"),
    ),
    sqlite_with_rowid=False,
)

#: Of how many records a kind of result was reported.
result_count = Table(
    "result_count",
    metadata,
    Column("run_no", Integer, ForeignKey("run.run_no"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("records", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: What was reserved of the plan, by calendar month of the workspace's zone.
quota = Table(
    "quota",
    metadata,
    Column("month", Text, primary_key=True),
    Column("runs", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
)

#: Limits that an operator set on the living workspace; they go before its file.
#: ``scope`` is ``workspace`` or ``channel:NAME``.
shared_limit = Table(
    "shared_limit",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("permits", Integer),
    Column("rate_per_s", Float),
    Column("by", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

#: E-mails owed to people: stored with what they tell, sent after the commit.
notice = Table(
    "notice",
    metadata,
    Column("notice_id", Integer, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("recipients_json", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("next_at_ms", BigInteger),
    Column("sent_at_ms", BigInteger),
    Column("detail", Text, nullable=False, server_default=""),
    Index(
        "notice_owed",
        "next_at_ms",
        sqlite_where=text("state = 'owed'"),
        postgresql_where=text("state = 'owed'"),
    ),
)
