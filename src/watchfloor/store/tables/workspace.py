"""What belongs to the workspace: suppression, results, limits, notices, alerts."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from watchfloor.store.tables.base import metadata

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
    ),
)

#: What is or was wrong, one row for each cause. ``is_open`` while the cause lasts or
#: quiet hours keep something of it from being told.
alert = Table(
    "alert",
    metadata,
    Column("alert_id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("mark", BigInteger, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("said", Text, nullable=False),
    Column("raised_at_ms", BigInteger, nullable=False),
    Column("gone_at_ms", BigInteger),
    Column("cleared_at_ms", BigInteger),
    Column("is_held", SmallInteger, nullable=False, server_default="0"),
    Column("is_open", SmallInteger, nullable=False, server_default="1"),
    Index(
        "alert_open",
        "alert_id",
        sqlite_where=text("is_open = 1"),
    ),
    Index(
        "alert_one_per_cause",
        "kind",
        "run_id",
        "mark",
        unique=True,
        sqlite_where=text("cleared_at_ms IS NULL"),
    ),
)

#: What one hook is to be told of alerts: stored with them, sent after the commit.
alert_message = Table(
    "alert_message",
    metadata,
    Column("message_id", Integer, primary_key=True),
    Column("alert_id", Integer),
    Column("hook", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("payload_json", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("next_at_ms", BigInteger),
    Column("sent_at_ms", BigInteger),
    Column("detail", Text, nullable=False, server_default=""),
    Index(
        "alert_message_owed",
        "next_at_ms",
        sqlite_where=text("state = 'owed'"),
    ),
    Index("alert_message_by_alert", "alert_id"),
)
