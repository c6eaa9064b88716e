"""The chain over the journal and the commands; see ``domain.chain``."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from watchfloor.store.tables.base import metadata

#: One row for every entry of the journal and every change of a command, appended in the
#: transaction of what it stands for.
chain = Table(
    "chain",
    metadata,
    Column("link_no", Integer, primary_key=True),
    Column("form", SmallInteger, nullable=False),
    # Which of the two it stands for; the other is NULL.
    Column("entry_id", Integer),
    Column("command_id", Text),
    # 1 where the row was there before the chain was.
    Column("is_late", SmallInteger, nullable=False, server_default="0"),
    # NULL once a purge took the row's words out.
    Column("salt", LargeBinary),
    Column("words", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index(
        "chain_by_entry",
        "entry_id",
        unique=True,
        sqlite_where=text("entry_id IS NOT NULL"),
    ),
    Index(
        "chain_by_command",
        "command_id",
        "link_no",
        sqlite_where=text("command_id IS NOT NULL"),
    ),
)
