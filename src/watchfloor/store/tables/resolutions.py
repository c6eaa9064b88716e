"""What became of unknown records by the word of a person or of their provider."""

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
    text,
)

from watchfloor.store.tables.base import metadata

_IS_OPEN = text("state <> 'done' AND state <> 'refused'")
_IS_FROZEN = text("at_ms IS NULL")

#: What was said of a cohort: one row per command. ``state``: freezing, applying, asking
#: (a look-up), done, refused. ``reached`` is the last seq that the state is done with.
resolution = Table(
    "resolution",
    metadata,
    Column("resolution_no", Integer, primary_key=True),
    Column("command_id", Text, nullable=False, unique=True),
    Column("run_no", Integer, ForeignKey("run.run_no"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("selection_json", Text, nullable=False),
    Column("expected", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reached", BigInteger, nullable=False, server_default="0"),
    # Records that were frozen, or that the provider was asked about.
    Column("records", BigInteger, nullable=False, server_default="0"),
    Column("done", BigInteger, nullable=False, server_default="0"),
    # Of a look-up: what it came to so far, see ``domain.resolutions.Answers``.
    Column("answers_json", Text, nullable=False, server_default="[]"),
    Column("ended_at_ms", BigInteger),
    Index("resolution_by_run", "run_no", "resolution_no"),
    Index(
        "resolution_open",
        "run_no",
        sqlite_where=_IS_OPEN,
    ),
)

#: The records of a cohort: frozen with their attempt's number, then resolved.
#: ``word``: delivered, not-delivered, resend; empty while it is only frozen.
resolved = Table(
    "resolved",
    metadata,
    Column("run_no", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column(
        "resolution_no",
        Integer,
        ForeignKey("resolution.resolution_no"),
        primary_key=True,
    ),
    Column("number", SmallInteger, nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("at_ms", BigInteger),
    Column("word", Text, nullable=False, server_default=""),
    # How the attempt is known to have ended; empty of one that is sent once more.
    Column("outcome_class", SmallInteger),
    Column("code", Text, nullable=False, server_default=""),
    # What the provider said, when it was asked.
    Column("detail", Text, nullable=False, server_default=""),
    Index(
        "resolved_frozen",
        "resolution_no",
        "seq",
        sqlite_where=_IS_FROZEN,
    ),
    sqlite_with_rowid=False,
)
