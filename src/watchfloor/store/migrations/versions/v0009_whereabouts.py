"""Keep where an engine last ran."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema forward."""
    ran_at = sa.Column("ran_at", sa.Text(), nullable=False, server_default="")
    op.add_column("lease", ran_at)
