"""Add steps, windows, quotas, suppression, results, notices and reports.

Idempotency keys were made in another form before this version: a run that was begun by
the older one would repeat its contacts under new keys. Such a store is refused.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from watchfloor.domain.errors import StoreError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ZERO = "0"
_THIRTY_DAYS_MS = "2592000000"


def upgrade() -> None:
    """Move the schema forward.

    Raises:
        StoreError: A launched run has not ended; nothing was changed.
    """
    _check_nothing_is_under_way()
    _add_columns()
    _add_tables()
    _add_indexes()


def _check_nothing_is_under_way() -> None:
    query = "SELECT count(*) FROM run WHERE phase <> 'ended' AND launch_id IS NOT NULL"
    live = op.get_bind().scalar(sa.text(query))
    if live:
        msg = (
            f"{live} launched runs of an older Watchfloor have not ended, and their "
            "keys are not those of this version; nothing was changed or sent. End "
            "them with the version that began them."
        )
        raise StoreError(msg)


def _add_columns() -> None:
    counters = (
        "archived",
        "active_ms",
        "paused_ms",
        "window_ms",
        "waiting_ms",
    )
    added: list[tuple[str, sa.Column[Any]]] = [
        ("run", _text("parent_id")),
        ("run", _number("hidden", sa.SmallInteger())),
        ("run", _text("purge")),
        ("run", _text("quota_month")),
        ("run", _number("quota_records", sa.BigInteger())),
        ("run", sa.Column("approve_after", sa.BigInteger())),
        ("run", _text("approved_by")),
        ("run", sa.Column("approved_at_ms", sa.BigInteger())),
        ("run", _number("collect_ms", sa.BigInteger(), _THIRTY_DAYS_MS)),
        ("run", _text("notify_json", "[]")),
    ]
    added += [
        ("books", _number("held", sa.BigInteger())),
        ("books", sa.Column("shut_until_ms", sa.BigInteger())),
    ]
    added += [("books", _number(name, sa.BigInteger())) for name in counters]
    added += [
        ("record", _number("base", sa.SmallInteger())),
        ("record", _number("earlier", sa.SmallInteger())),
        ("record", _number("held", sa.SmallInteger())),
        ("record", sa.Column("due_at_ms", sa.BigInteger())),
        ("record", sa.Column("expires_at_ms", sa.BigInteger())),
        ("contact", _number("zone_no", sa.Integer())),
    ]
    for table, column in added:
        op.add_column(table, column)


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _number(
    name: str, kind: sa.types.TypeEngine[int], default: str = _ZERO
) -> sa.Column[int]:
    return sa.Column(name, kind, server_default=default, nullable=False)


def _add_tables() -> None:
    op.create_table(
        "notice",
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipients_json", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default=_ZERO, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_at_ms", sa.BigInteger()),
        sa.Column("sent_at_ms", sa.BigInteger()),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("notice_id"),
    )
    op.create_table(
        "quota",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "report",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("outcome_class", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("hour_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_no"], ["run.run_no"]),
        sa.PrimaryKeyConstraint("run_no", "step", "outcome_class", "code", "hour_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "result",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("run_no", sa.Integer()),
        sa.Column("seq", sa.BigInteger()),
        sa.Column("step", sa.SmallInteger()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "result_count",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_no"], ["run.run_no"]),
        sa.PrimaryKeyConstraint("run_no", "kind"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shared_limit",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("permits", sa.Integer()),
        sa.Column("rate_per_s", sa.Float()),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "suppression",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "zone_set",
        sa.Column("zone_no", sa.Integer(), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("zone_no"),
        sa.UniqueConstraint("names"),
    )


def _add_indexes() -> None:
    op.create_index("run_by_family", "run", ["family_id"])
    op.create_index(
        "attempt_by_provider",
        "attempt",
        ["provider_id"],
        sqlite_where=sa.text("provider_id <> ''"),
    )
    op.create_index(
        "notice_owed", "notice", ["next_at_ms"], sqlite_where=sa.text("state = 'owed'")
    )
    op.create_index(
        "record_pending_due",
        "record",
        ["run_no", "next_at_ms"],
        sqlite_where=sa.text("state = 0 AND next_at_ms IS NOT NULL"),
    )
    op.create_index("result_by_record", "result", ["run_no", "seq"])
    op.create_index(
        "result_parked",
        "result",
        ["received_at_ms"],
        sqlite_where=sa.text("state = 'parked'"),
    )
