"""The chain over the journal and the commands: what it covers, and how.

Every entry of the journal, and every change of a command, is a link. A link's hash is
over the hash before it and over the digest of the row that it stands for, so that
nothing before it can change without every hash after it. The words that people or
providers wrote count through a salted digest of their own: where a purge takes them
out, the salt goes with them, and nobody can guess them from the digest that stays.

A form is a list of columns. It never changes; a row that gains columns gets a new form
beside the old ones, which go on saying how older links were made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

#: What the first link is chained to.
BEGINNING: Final = bytes(32)
SALT_BYTES: Final = 16
#: The form of links that are made now.
FORM: Final = 1
#: What stands for words that a purge took out.
TAKEN_OUT: Final = "(taken out by a purge)"


class Kind(StrEnum):
    """What a link stands for."""

    ENTRY = "entry"
    COMMAND = "command"


class Covered(NamedTuple):
    """The columns that a form covers.

    Attributes:
        facts: Covered as they are.
        words: Covered by a salted digest; a purge may take them out.
    """

    facts: tuple[str, ...]
    words: tuple[str, ...]


FORMS: Final[Mapping[int, Mapping[Kind, Covered]]] = {
    1: {
        Kind.ENTRY: Covered(
            (
                "entry_id",
                "at_ms",
                "run_id",
                "event",
                "before",
                "after",
                "by",
                "origin",
                "command_id",
                "epoch",
            ),
            ("why", "detail"),
        ),
        Kind.COMMAND: Covered(
            (
                "command_id",
                "run_id",
                "verb",
                "by",
                "origin",
                "state",
                "refusal",
                "asked_at_ms",
                "acknowledged_at_ms",
                "applied_at_ms",
                "settled_at_ms",
            ),
            ("why", "seen_json", "detail"),
        ),
    }
}


class Link(NamedTuple):
    """One link as it is stored, but for its salt and whether it was made late.

    Attributes:
        number: Links are numbered from 1 without a gap.
        form: Which of ``FORMS``.
        key: The number of the entry, or the id of the command.
        words: The salted digest of the row's words.
        digest: Of the row's facts and ``words``.
    """

    number: int
    form: int
    kind: Kind
    key: str
    words: bytes
    digest: bytes


def words_digest(
    row: Mapping[str, Any], kind: Kind, salt: bytes, form: int = FORM
) -> bytes:
    """Return the salted digest of what people or providers wrote into a row."""
    covered = [row[name] for name in FORMS[form][kind].words]
    return sha256(salt + canonical(covered)).digest()


def row_digest(
    row: Mapping[str, Any], kind: Kind, words: bytes, form: int = FORM
) -> bytes:
    """Return the digest of a row, of which *words* is the digest of its words."""
    covered = [row[name] for name in FORMS[form][kind].facts]
    return sha256(canonical([form, kind, covered, words.hex()])).digest()


def link_hash(before: bytes, link: Link, *, is_late: bool = False) -> bytes:
    """Return a link's hash.

    Args:
        before: The hash of the link before it, or ``BEGINNING``.
        link: The link.
        is_late: Whether the row was there before the chain was.
    """
    said = [link.number, link.form, link.kind, link.key, link.digest.hex(), is_late]
    return sha256(before + canonical(said)).digest()


def canonical(value: object) -> bytes:
    """Return the one way to write *value* down: JSON, ASCII, no blanks.

    What no column may hold is told apart from what it may: bytes are no text.
    """
    return _ENCODER.encode(value).encode("ascii")


def _foreign(value: object) -> object:
    return {type(value).__name__: repr(value)}


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_foreign)
