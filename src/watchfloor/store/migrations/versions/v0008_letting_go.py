"""Keep why and when the last engine let go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema forward."""
    why = sa.Column("left_why", sa.Text(), nullable=False, server_default="")
    op.add_column("lease", why)
    at = sa.Column("left_at_ms", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("lease", at)
