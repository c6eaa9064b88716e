"""Add samples of how runs got on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_GAINS = ("attempts", "done", "delivered", "failed", "unknown")

#: What a live run came to before there were samples stands at its start, so that it is
#: not taken for the pace of now. Ended runs have none.
_BEFORE = """
INSERT INTO progress (run_no, at_ms, attempts, done, delivered, failed, unknown)
SELECT run.run_no, run.started_at_ms / 10000 * 10000, attempts - attempting,
       delivered + failed + unknown + expired, delivered, failed, unknown
FROM run JOIN books ON books.run_no = run.run_no
WHERE phase <> 'ended' AND run.started_at_ms IS NOT NULL AND attempts > attempting
"""


def upgrade() -> None:
    """Move the schema forward."""
    op.create_table(
        "progress",
        sa.Column("run_no", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _GAINS),
        sa.ForeignKeyConstraint(["run_no"], ["run.run_no"]),
        sa.PrimaryKeyConstraint("run_no", "at_ms"),
        sqlite_with_rowid=False,
    )
    op.create_index("run_by_campaign", "run", ["campaign_id"])
    op.execute(sa.text(_BEFORE))
