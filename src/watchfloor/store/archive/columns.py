"""What an archive holds of every record and every attempt, in either file format."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

#: Raised when a column changes; an archive of another version is not read.
VERSION = 1

#: The cells of one line, in the order of its columns.
Row: TypeAlias = Sequence[Any]


class Kind(StrEnum):
    """What stands in a column."""

    INTEGER = "integer"
    TEXT = "text"
    TIME = "time"  #: milliseconds since 1970 UTC on the way in
    FIELDS = "fields"  #: the upload's cells by column name


class Column(NamedTuple):
    """One column; every cell of it may be empty."""

    name: str
    kind: Kind


RECORDS = (
    Column("seq", Kind.INTEGER),
    Column("row_no", Kind.INTEGER),
    Column("contact", Kind.TEXT),
    Column("state", Kind.TEXT),
    Column("step", Kind.TEXT),
    Column("attempts", Kind.INTEGER),
    Column("outcome_class", Kind.TEXT),
    Column("code", Kind.TEXT),
    Column("first_at", Kind.TIME),
    Column("updated_at", Kind.TIME),
    Column("fields", Kind.FIELDS),
)

ATTEMPTS = (
    Column("seq", Kind.INTEGER),
    Column("number", Kind.INTEGER),
    Column("step", Kind.TEXT),
    Column("outcome_class", Kind.TEXT),
    Column("code", Kind.TEXT),
    Column("started_at", Kind.TIME),
    Column("ended_at", Kind.TIME),
    Column("took_ms", Kind.INTEGER),
    Column("provider_id", Kind.TEXT),
    Column("detail", Kind.TEXT),
    Column("why", Kind.TEXT),
)

#: The columns by what a part file holds.
SCHEMA = {"records": RECORDS, "attempts": ATTEMPTS}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def told(at_ms: int | None) -> str | None:
    """Return a time as an archive tells it: ISO 8601 UTC with milliseconds."""
    if at_ms is None:
        return None
    at = _EPOCH + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
