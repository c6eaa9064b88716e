"""Engines of SQLAlchemy that share what was compiled: once in a process, not once each.

A process opens many: an engine and its readers, a verb's, one for every short read. A
statement costs more to compile than to carry out, and all of them write the same SQL.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import Pool
from sqlalchemy.util import LRUCache

#: Statements that are remembered; the product has some hundred, filters add theirs.
REMEMBERED: Final = 1_000

_compiled: Final = LRUCache[Any, Any](REMEMBERED)


class Alike(SQLiteDialect_pysqlite):
    """The dialect of every file: any two of it would compile a statement alike."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        """Whether what the other one compiled is as good as one's own."""
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register("sqlite.alike", __name__, Alike.__name__)


def engine_on(address: URL, poolclass: type[Pool], **more: object) -> Engine:
    """Return an engine on a file, which shows no values in what it says.

    Args:
        address: Where the file is, and how it is opened.
        poolclass: How its connections are kept.
        more: Of ``create_engine``.
    """
    return create_engine(
        address.set(drivername="sqlite+alike"),
        poolclass=poolclass,
        hide_parameters=True,
        execution_options={"compiled_cache": _compiled},
        **more,
    )
