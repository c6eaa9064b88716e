"""Add what was said of unknown records, and which it was said of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema forward."""
    op.create_table(
        "resolution",
        sa.Column("resolution_no", sa.Integer(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("by", "origin", "why", "word", "selection_json")
        ),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
            for name in ("reached", "records", "done")
        ),
        sa.Column("answers_json", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("ended_at_ms", sa.BigInteger()),
        sa.ForeignKeyConstraint(["run_no"], ["run.run_no"]),
        sa.PrimaryKeyConstraint("resolution_no"),
        sa.UniqueConstraint("command_id"),
    )
    op.create_index("resolution_by_run", "resolution", ["run_no", "resolution_no"])
    op.create_index(
        "resolution_open",
        "resolution",
        ["run_no"],
        sqlite_where=sa.text("state <> 'done' AND state <> 'refused'"),
    )
    op.create_table(
        "resolved",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("resolution_no", sa.Integer(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger()),
        sa.Column("word", sa.Text(), nullable=False, server_default=""),
        sa.Column("outcome_class", sa.SmallInteger()),
        sa.Column("code", sa.Text(), nullable=False, server_default=""),
        sa.Column("detail", sa.Text(), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(["resolution_no"], ["resolution.resolution_no"]),
        sa.PrimaryKeyConstraint("run_no", "seq", "resolution_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "resolved_frozen",
        "resolved",
        ["resolution_no", "seq"],
        sqlite_where=sa.text("at_ms IS NULL"),
    )
