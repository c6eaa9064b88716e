"""Add alerts, what hooks are told of them, and a way to runs by their end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema forward."""
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("raised_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("gone_at_ms", sa.BigInteger()),
        sa.Column("cleared_at_ms", sa.BigInteger()),
        sa.Column("is_held", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("is_open", sa.SmallInteger(), nullable=False, server_default="1"),
    )
    _where("alert_open", "alert", ["alert_id"], "is_open = 1")
    cause = ["kind", "run_id", "mark"]
    _where("alert_one_per_cause", "alert", cause, "cleared_at_ms IS NULL", unique=True)
    op.create_table(
        "alert_message",
        sa.Column("message_id", sa.Integer(), primary_key=True),
        sa.Column("alert_id", sa.Integer()),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("payload_json", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_at_ms", sa.BigInteger()),
        sa.Column("sent_at_ms", sa.BigInteger()),
        sa.Column("detail", sa.Text(), nullable=False, server_default=""),
    )
    _where("alert_message_owed", "alert_message", ["next_at_ms"], "state = 'owed'")
    op.create_index("alert_message_by_alert", "alert_message", ["alert_id"])
    op.create_index(
        "run_by_end",
        "run",
        ["ended_at_ms"],
        sqlite_where=sa.text("ended_at_ms IS NOT NULL"),
    )


def _where(
    name: str, table: str, columns: list[str], holds: str, *, unique: bool = False
) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=sa.text(holds),
        postgresql_where=sa.text(holds),
    )
