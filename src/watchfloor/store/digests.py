"""Many contacts as one value: a statement that asks for them is always the same one.

A list in a statement makes another statement of every length, which SQLite compiles
anew; a JSON array cannot hold bytes. So the digests stand in one another's line, and
the array says where each begins.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import ColumnElement, LargeBinary, bindparam, func, select

_STARTS = func.json_each(bindparam("digest_starts")).table_valued("value")
_EACH: Final = select(
    func.substr(
        bindparam("digests", type_=LargeBinary),
        _STARTS.c.value,
        bindparam("digest_bytes"),
        type_=LargeBinary,
    )
)


def among_digests(column: ColumnElement[bytes]) -> ColumnElement[bool]:
    """Return the condition that a column is one of the digests bound with it."""
    return column.in_(_EACH)


def bound_digests(digests: Collection[bytes]) -> dict[str, Any]:
    """Return the parameters of ``among_digests``.

    Args:
        digests: All of one length, as ``contact_digest`` makes them.
    """
    width = max(map(len, digests), default=1)
    starts = list(range(1, 1 + width * len(digests), width))
    return {
        "digests": b"".join(digests),
        "digest_starts": json.dumps(starts),
        "digest_bytes": width,
    }
