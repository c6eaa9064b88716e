"""Engines of SQLAlchemy that share what was compiled: once in a process, not once each.

A process opens many: an engine and its readers, a verb's, one for every short read. A
statement costs more to compile than to carry out, and all of them write the same SQL.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.pool import NullPool, Pool, StaticPool
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

    # As plain words: a statement of its own is compiled anew for each, for each has
    # another name, and every job of a round has one.

    def do_savepoint(self, connection: Connection, name: str) -> None:
        """Begin what can be undone alone."""
        connection.exec_driver_sql(f"SAVEPOINT {name}")

    def do_rollback_to_savepoint(self, connection: Connection, name: str) -> None:
        """Undo what came since."""
        connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {name}")

    def do_release_savepoint(self, connection: Connection, name: str) -> None:
        """Keep what came since."""
        connection.exec_driver_sql(f"RELEASE SAVEPOINT {name}")


registry.register("sqlite.alike", __name__, Alike.__name__)


#: What every engine remembers, and where.
_OPTIONS: Final = {"compiled_cache": _compiled}


@cache
def _dialect() -> Dialect:
    """Return one that has learnt from a connection what its driver can do."""
    engine = create_engine("sqlite+alike://", poolclass=NullPool)
    with engine.connect():
        return engine.dialect


class _One(StaticPool):
    """A pool of one connection, which is opened anew where it was let go of.

    For one process: who is forked would write to its parent's.
    """

    def recreate(self) -> _One:
        """Return this one: nothing of what was let go of is in it any more."""
        return self


def engine_of_one(address: URL, **more: object) -> Engine:
    """Return an engine of one connection, which shows no values in what it says.

    All of them have one dialect: to make one and to have it learn takes as long as
    opening the file. Nobody may listen to what a dialect tells of these engines, as
    of ``handle_error`` and ``do_connect``: it would be told of every other one too.
    What ``create_engine`` has SQLite call besides (``regexp``, ``floor``) is not there.

    Args:
        address: Where the file is, and how it is opened.
        more: Of the driver's ``connect``.
    """
    dialect = _dialect()
    words, names = dialect.create_connect_args(address)
    names = {**names, **more}
    pool = _One(lambda: dialect.connect(*words, **names), dialect=dialect)
    return Engine(
        pool, dialect, address, hide_parameters=True, execution_options=_OPTIONS
    )


def engine_on(address: URL, poolclass: type[Pool], **more: object) -> Engine:
    """Return an engine with a dialect of its own; it shows no values either.

    Args:
        address: Where the file is, and how it is opened.
        poolclass: How its connections are kept.
        more: Of ``create_engine``.
    """
    return create_engine(
        address.set(drivername="sqlite+alike"),
        poolclass=poolclass,
        hide_parameters=True,
        execution_options=_OPTIONS,
        **more,
    )
