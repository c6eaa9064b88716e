"""Add cohorts of retries and the stages of their canaries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema forward."""
    op.create_table(
        "cohort",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("parent_no", sa.Integer(), nullable=False),
        sa.Column("parent_seq", sa.BigInteger(), nullable=False),
        sa.Column("was", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_no"], ["run.run_no"]),
        sa.PrimaryKeyConstraint("run_no", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_index("cohort_by_parent", "cohort", ["parent_no", "parent_seq"])
    op.create_table(
        "canary",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("stage", sa.SmallInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger()),
        sa.Column("opened_active_ms", sa.BigInteger()),
        sa.Column("judged_at_ms", sa.BigInteger()),
        sa.Column("decided_by", sa.Text(), nullable=False, server_default=""),
        sa.Column("figures_json", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("evidence_json", sa.Text(), nullable=False, server_default="[]"),
        sa.ForeignKeyConstraint(["run_no"], ["run.run_no"]),
        sa.PrimaryKeyConstraint("run_no", "stage"),
        sqlite_with_rowid=False,
    )
    op.add_column(
        "run",
        sa.Column("cohort", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.add_column(
        "run",
        sa.Column(
            "retry_generation",
            sa.SmallInteger(),
            nullable=False,
            server_default="0",
        ),
    )
    op.add_column("run", sa.Column("released_seq", sa.BigInteger()))
