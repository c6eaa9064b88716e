"""The owner, runs with their books, what was asked of them and what they came to."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)

from watchfloor.domain.books import Books
from watchfloor.domain.progress import Gain
from watchfloor.store.tables.base import metadata

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
    # Why the last engine let go in good order, and when; of no owner of one moment.
    Column("left_why", Text, nullable=False, server_default=""),
    Column("left_at_ms", BigInteger, nullable=False, server_default="0"),
    # Where an engine last ran; of no owner of one moment. See domain.whereabouts.
    Column("ran_at", Text, nullable=False, server_default=""),
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
    Column("collect_ms", BigInteger, nullable=False, server_default="2592000000"),
    Column("notify_json", Text, nullable=False, server_default="[]"),
    # Of a retry: how many records its cohort has, and how often these were taken up.
    Column("cohort", BigInteger, nullable=False, server_default="0"),
    Column("retry_generation", SmallInteger, nullable=False, server_default="0"),
    # The last record that a canary has released; NULL for all of them.
    Column("released_seq", BigInteger),
    # When the backup was made that the run came back from, until somebody has said
    # that it may go on.
    Column("restored_from_ms", BigInteger),
    Index("run_by_family", "family_id"),
    Index("run_by_campaign", "campaign_id"),
    Index("run_by_fingerprint", "fingerprint"),
    Index("run_live", "run_no", sqlite_where=text("phase <> 'ended'")),
    Index("run_history", "run_no", sqlite_where=text("history = 'creating'")),
    Index(
        "run_results",
        "results_close_at_ms",
        sqlite_where=text("results = 'collecting'"),
    ),
    Index("run_by_end", "ended_at_ms", sqlite_where=text("ended_at_ms IS NOT NULL")),
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
    # No pending record without a time has a seq at or below the frontier.
    Column("frontier", BigInteger, nullable=False, server_default="0"),
    Column("bytes_read", BigInteger, nullable=False, server_default="0"),
    Column("progress_at_ms", BigInteger),
    # Pending, retried or promised records whose window is closed; no part of a sum.
    Column("held", BigInteger, nullable=False, server_default="0"),
    # When the one window of all recipients opens; NULL while it is open.
    Column("shut_until_ms", BigInteger),
    # Records that the history has taken so far.
    Column("archived", BigInteger, nullable=False, server_default="0"),
    # How the run's time was spent, as the engine saw it.
    Column("active_ms", BigInteger, nullable=False, server_default="0"),
    Column("paused_ms", BigInteger, nullable=False, server_default="0"),
    Column("window_ms", BigInteger, nullable=False, server_default="0"),
    Column("waiting_ms", BigInteger, nullable=False, server_default="0"),
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

#: What a run's books gained within ten seconds, by when those began; spans without any
#: change have no row. A number below 0 takes back what an earlier span counted.
progress = Table(
    "progress",
    metadata,
    Column("run_no", Integer, ForeignKey("run.run_no"), primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in Gain._fields),
    sqlite_with_rowid=False,
)
