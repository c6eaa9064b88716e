"""Retries: the frozen cohort of a child run, and the stages of its canary."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
)

from watchfloor.store.tables.base import metadata

#: Which records of its parent a retry takes up, and as which of its own; written once,
#: in the transaction that takes the command. ``was`` is the state they were in.
cohort = Table(
    "cohort",
    metadata,
    Column("run_no", Integer, ForeignKey("run.run_no"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("parent_no", Integer, nullable=False),
    Column("parent_seq", BigInteger, nullable=False),
    Column("was", SmallInteger, nullable=False),
    Index("cohort_by_parent", "parent_no", "parent_seq"),
    sqlite_with_rowid=False,
)

#: The stages of a retry's canary, with what each was judged on.
canary = Table(
    "canary",
    metadata,
    Column("run_no", Integer, ForeignKey("run.run_no"), primary_key=True),
    Column("stage", SmallInteger, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at_ms", BigInteger),
    # What the run had spent on attempts by then: its time counts only so.
    Column("opened_active_ms", BigInteger),
    Column("judged_at_ms", BigInteger),
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("figures_json", Text, nullable=False, server_default="{}"),
    Column("evidence_json", Text, nullable=False, server_default="[]"),
    sqlite_with_rowid=False,
)
