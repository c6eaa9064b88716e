"""Appending to the chain, in the transaction of what a link stands for.

There is one writer, so the newest link is the one that the next is chained to.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from watchfloor.domain.chain import (
    BEGINNING,
    FORM,
    SALT_BYTES,
    TAKEN_OUT,
    Kind,
    Link,
    link_hash,
    row_digest,
    words_digest,
)
from watchfloor.store.tables import chain, command, journal

#: Made once: they run for every command and every entry of the journal.
_NEWEST = (
    select(chain.c.link_no, chain.c.hash).order_by(chain.c.link_no.desc()).limit(1)
)
_APPEND = insert(chain)
_COMMAND = select(command).where(command.c.command_id == bindparam("command_id"))


def link_entry(connection: Connection, row: RowMapping) -> None:
    """Append a link for an entry of the journal, as its row was stored."""
    number = row["entry_id"]
    _append(connection, Kind.ENTRY, dict(row), str(number), entry_id=number)


def link_commands(connection: Connection, command_ids: Sequence[str]) -> None:
    """Append a link for each of these commands, as their rows stand now."""
    for command_id in command_ids:
        asked = {"command_id": command_id}
        row = connection.execute(_COMMAND, asked).mappings().first()
        if row is not None:
            _append(
                connection, Kind.COMMAND, dict(row), command_id, command_id=command_id
            )


def _append(
    connection: Connection,
    kind: Kind,
    row: Mapping[str, Any],
    key: str,
    **place: object,
) -> None:
    before = connection.execute(_NEWEST).first()
    # Chance that decides nothing: it only keeps words from being guessed.
    salt = secrets.token_bytes(SALT_BYTES)
    words = words_digest(row, kind, salt)
    digest = row_digest(row, kind, words)
    number = before.link_no + 1 if before else 1
    link = Link(number, FORM, kind, key, words, digest)
    connection.execute(
        _APPEND,
        {
            "link_no": number,
            "form": FORM,
            "salt": salt,
            "words": words,
            "digest": digest,
            "hash": link_hash(before.hash if before else BEGINNING, link),
            **place,
        },
    )


def take_words_out_of_entry(connection: Connection, entry_id: int) -> None:
    """Take the words out of an entry; its link goes on holding."""
    connection.execute(
        update(journal)
        .where(journal.c.entry_id == entry_id)
        .values(why=TAKEN_OUT, detail=TAKEN_OUT)
    )
    connection.execute(
        update(chain).where(chain.c.entry_id == entry_id).values(salt=None)
    )


def take_words_out_of_command(connection: Connection, command_id: str) -> None:
    """Take the words out of a command and of what was seen; its links go on holding."""
    connection.execute(
        update(command)
        .where(command.c.command_id == command_id)
        .values(why=TAKEN_OUT, seen_json=TAKEN_OUT, detail=TAKEN_OUT)
    )
    connection.execute(
        update(chain).where(chain.c.command_id == command_id).values(salt=None)
    )
