"""Create the first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema forward."""
    op.create_table(
        "attempt",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("ending", sa.Text(), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("outcome_class", sa.SmallInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("next_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_no", "seq", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "command",
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("seen_json", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("applied_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("settled_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("command_id"),
    )
    with op.batch_alter_table("command", schema=None) as batch_op:
        batch_op.create_index("command_by_run", ["run_id"], unique=False)

    op.create_table(
        "contact",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("row_no", sa.BigInteger(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("values_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_no", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dedupe",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("row_no", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_no", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), server_default="", nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.Column("origin", sa.Text(), server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("command_id", sa.Text(), server_default="", nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index("journal_by_run", ["run_id", "entry_id"], unique=False)

    op.create_table(
        "lease",
        sa.Column("lease_id", sa.Integer(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lease_id"),
    )
    op.create_table(
        "record",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("step", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("interrupted", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("generation", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("outcome_class", sa.SmallInteger(), nullable=True),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("first_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("doubts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("run_no", "seq"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.create_index(
            "record_abandoned",
            ["run_no", "state", "seq"],
            unique=False,
            sqlite_where=sa.text("state = 11"),
            postgresql_where=sa.text("state = 11"),
        )
        batch_op.create_index(
            "record_attempting",
            ["run_no", "state", "seq"],
            unique=False,
            sqlite_where=sa.text("state = 2"),
            postgresql_where=sa.text("state = 2"),
        )
        batch_op.create_index(
            "record_callback",
            ["run_no", "state", "seq"],
            unique=False,
            sqlite_where=sa.text("state = 4"),
            postgresql_where=sa.text("state = 4"),
        )
        batch_op.create_index(
            "record_callback_due",
            ["run_no", "next_at_ms"],
            unique=False,
            sqlite_where=sa.text("state = 4"),
            postgresql_where=sa.text("state = 4"),
        )
        batch_op.create_index(
            "record_failed",
            ["run_no", "state", "seq"],
            unique=False,
            sqlite_where=sa.text("state = 7"),
            postgresql_where=sa.text("state = 7"),
        )
        batch_op.create_index(
            "record_retry",
            ["run_no", "state", "seq"],
            unique=False,
            sqlite_where=sa.text("state = 3"),
            postgresql_where=sa.text("state = 3"),
        )
        batch_op.create_index(
            "record_retry_due",
            ["run_no", "next_at_ms"],
            unique=False,
            sqlite_where=sa.text("state = 3"),
            postgresql_where=sa.text("state = 3"),
        )
        batch_op.create_index(
            "record_unknown",
            ["run_no", "state", "seq"],
            unique=False,
            sqlite_where=sa.text("state = 8"),
            postgresql_where=sa.text("state = 8"),
        )
        batch_op.create_index(
            "record_waiting",
            ["run_no", "state", "seq"],
            unique=False,
            sqlite_where=sa.text("state = 5"),
            postgresql_where=sa.text("state = 5"),
        )

    op.create_table(
        "reject",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("row_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_no", "row_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "upload",
        sa.Column("upload_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id"),
    )
    op.create_table(
        "run",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("family_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("campaign_name", sa.Text(), nullable=False),
        sa.Column("campaign_text", sa.Text(), nullable=False),
        sa.Column("upload_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("intake", sa.Text(), nullable=False),
        sa.Column("results", sa.Text(), nullable=False),
        sa.Column("history", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("launch_id", sa.Text(), nullable=True),
        sa.Column("stops", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("intent", sa.Text(), nullable=True),
        sa.Column("intent_command", sa.Text(), nullable=True),
        sa.Column("intent_by", sa.Text(), server_default="", nullable=False),
        sa.Column("intent_at_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("intent_why", sa.Text(), server_default="", nullable=False),
        sa.Column("gate_by", sa.Text(), server_default="", nullable=False),
        sa.Column("gate_at_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("gate_why", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("results_close_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("permits", sa.Integer(), nullable=False),
        sa.Column("rate_per_s", sa.Float(), nullable=True),
        sa.Column("steps_json", sa.Text(), server_default="[]", nullable=False),
        sa.Column("columns_json", sa.Text(), server_default="[]", nullable=False),
        sa.Column("raw_header", sa.Text(), server_default="", nullable=False),
        sa.Column("delimiter", sa.Text(), server_default=",", nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["upload.upload_id"],
        ),
        sa.PrimaryKeyConstraint("run_no"),
        sa.UniqueConstraint("run_id"),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index("run_by_fingerprint", ["fingerprint"], unique=False)
        batch_op.create_index(
            "run_history",
            ["run_no"],
            unique=False,
            sqlite_where=sa.text("history = 'creating'"),
        )
        batch_op.create_index(
            "run_live",
            ["run_no"],
            unique=False,
            sqlite_where=sa.text("phase <> 'ended'"),
        )
        batch_op.create_index(
            "run_results",
            ["results_close_at_ms"],
            unique=False,
            sqlite_where=sa.text("results = 'collecting'"),
        )

    op.create_table(
        "books",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("extracted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("invalid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("duplicate", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("suppressed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("filtered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unjudged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("records", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("claimed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempting", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("retry", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("callback", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("waiting", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unknown", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("not_attempted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expired", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("abandoned", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("frontier", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("progress_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_no"],
            ["run.run_no"],
        ),
        sa.PrimaryKeyConstraint("run_no"),
    )
    op.create_table(
        "history",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("report_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_no"],
            ["run.run_no"],
        ),
        sa.PrimaryKeyConstraint("run_no"),
    )
