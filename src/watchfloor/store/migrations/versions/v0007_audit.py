"""Chain the journal and the commands, those that are there already as of now."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from watchfloor.domain.chain import (
    BEGINNING,
    SALT_BYTES,
    Kind,
    Link,
    link_hash,
    row_digest,
    words_digest,
)

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

#: Forms never change; what is chained here is chained in the first one.
_FORM = 1
_ROWS = 1_000
_ADD = sa.text(
    "INSERT INTO chain (link_no, form, entry_id, command_id, is_late, salt, words,"
    " digest, hash) VALUES (:link_no, 1, :entry_id, :command_id, 1, :salt, :words,"
    " :digest, :hash)"
)


def upgrade() -> None:
    """Move the schema forward."""
    op.create_table(
        "chain",
        sa.Column("link_no", sa.Integer(), primary_key=True),
        sa.Column("form", sa.SmallInteger(), nullable=False),
        sa.Column("entry_id", sa.Integer()),
        sa.Column("command_id", sa.Text()),
        sa.Column("is_late", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("salt", sa.LargeBinary()),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
    )
    _where("chain_by_entry", ["entry_id"], "entry_id IS NOT NULL", unique=True)
    _where("chain_by_command", ["command_id", "link_no"], "command_id IS NOT NULL")
    op.add_column("run", sa.Column("restored_from_ms", sa.BigInteger()))
    _chain_what_is_there()


def _where(name: str, columns: list[str], holds: str, *, unique: bool = False) -> None:
    op.create_index(
        name,
        "chain",
        columns,
        unique=unique,
        sqlite_where=sa.text(holds),
        postgresql_where=sa.text(holds),
    )


def _chain_what_is_there() -> None:
    connection = op.get_bind()
    before = BEGINNING
    links: list[dict[str, Any]] = []
    for number, (kind, row) in enumerate(_rows(connection), 1):
        is_entry = kind is Kind.ENTRY
        key = str(row["entry_id"]) if is_entry else row["command_id"]
        salt = secrets.token_bytes(SALT_BYTES)
        words = words_digest(row, kind, salt, _FORM)
        digest = row_digest(row, kind, words, _FORM)
        link = Link(number, _FORM, kind, key, words, digest)
        before = link_hash(before, link, is_late=True)
        links.append(
            {
                "link_no": number,
                "entry_id": row["entry_id"] if is_entry else None,
                "command_id": None if is_entry else row["command_id"],
                "salt": salt,
                "words": words,
                "digest": digest,
                "hash": before,
            }
        )
        if len(links) == _ROWS:
            connection.execute(_ADD, links)
            links = []
    if links:
        connection.execute(_ADD, links)


def _rows(connection: sa.Connection) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    for kind, query in (
        (Kind.ENTRY, "SELECT * FROM journal ORDER BY entry_id"),
        (Kind.COMMAND, "SELECT * FROM command ORDER BY command_id"),
    ):
        for row in connection.execute(sa.text(query)).mappings():
            yield kind, dict(row)
