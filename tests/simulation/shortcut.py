"""A connection that goes straight to the driver with what SQLAlchemy has compiled once.

A world executes the same few hundred statements for ever, on one connection in
memory, where what lies between a statement and the driver costs ten times what SQLite
does. It is left out here: the statements, their values and their types stay
SQLAlchemy's. What is seldom (expanding lists) takes the ordinary way.
"""

from __future__ import annotations

import re
import sqlite3
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from types import TracebackType
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Engine, Row, event
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError

_WRITES = re.compile(
    r"\s*(?:INSERT(?: OR \w+)? INTO|UPDATE(?: OR \w+)?|DELETE FROM|REPLACE INTO)\s+"
    r'"?(\w+)'
)
_READS = re.compile(r"\s*(?:SELECT|WITH|SAVEPOINT|RELEASE|ROLLBACK TO|BEGIN|PRAGMA)\b")
#: What is written where a statement cannot be told.
ANYTHING = "*"


class _Value(NamedTuple):
    """Where a value comes from: what is given, the statement itself, or always."""

    given: str | None
    place: int | None
    always: Any
    process: Callable[[Any], Any] | None

    def known(self, extracted: Sequence[Any]) -> Any:
        """Return what the statement itself holds; None for what is given."""
        if self.given is not None:
            return None
        held = self.always if self.place is None else extracted[self.place].value
        return held if self.process is None else self.process(held)


class _Call(NamedTuple):
    """How one statement is executed when it is given values of these names.

    Attributes:
        plan: None for the ordinary way.
        picked: Returns the given values in order; None where some are the statement's.
        values: What the statement itself holds, in order.
        given: Places, and which given value stands there as it is.
        processed: Places, and which value stands there in the driver's words.
    """

    plan: _Plan | None
    picked: Callable[[Any], tuple[Any, ...]] | None = None
    values: tuple[Any, ...] = ()
    given: tuple[tuple[int, str], ...] = ()
    processed: tuple[tuple[int, str, Callable[[Any], Any]], ...] = ()


class _Plan(NamedTuple):
    """A compiled statement in the driver's words.

    Attributes:
        table: What it writes; empty where it only reads.
    """

    sql: str
    table: str
    values: tuple[_Value, ...]
    metadata: SimpleResultMetaData
    has_rows: bool
    processors: tuple[tuple[int, Callable[[Any], Any]], ...]


class _Ready(NamedTuple):
    """What is known of one statement, by the names of what it is given."""

    statement: weakref.ref[Any]
    calls: dict[tuple[str, ...], _Call]


class _Found(list[Any]):
    """What was found, as a result is asked for it."""

    def all(self) -> list[Any]:
        return self

    def first(self) -> Any:
        return self[0] if self else None

    def one(self) -> Any:
        (only,) = self
        return only


class Answer:
    """What the driver found, or how many rows it changed.

    Rows are SQLAlchemy's; a mapping is a plain one.
    """

    __slots__ = ("_metadata", "_rows", "rowcount")

    def __init__(
        self, metadata: SimpleResultMetaData, rows: Sequence[Any], rowcount: int
    ) -> None:
        self._metadata = metadata
        self._rows = rows
        self.rowcount = rowcount

    def all(self) -> list[Row[Any]]:
        return [self._row(row) for row in self._rows]

    def __iter__(self) -> Iterator[Row[Any]]:
        return iter(self.all())

    def first(self) -> Row[Any] | None:
        return self._row(self._rows[0]) if self._rows else None

    def one(self) -> Row[Any]:
        (only,) = self._rows
        return self._row(only)

    def scalar(self) -> Any:
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        (only,) = self._rows
        return only[0]

    def scalars(self) -> _Found:
        return _Found(row[0] for row in self._rows)

    def mappings(self) -> _Found:
        names = self._metadata._keys
        return _Found(dict(zip(names, row, strict=True)) for row in self._rows)

    def _row(self, values: tuple[Any, ...]) -> Row[Any]:
        return Row(self._metadata, None, self._metadata._key_to_index, values)


class _Transaction:
    """One transaction: kept on leaving, taken back on an error."""

    __slots__ = ("_connection", "_is_open")

    def __init__(self, connection: Shortcut) -> None:
        self._connection = connection
        self._is_open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._is_open:
            return
        if exc_type is not None:
            self.rollback()
            return
        try:
            self._connection.committing()
            self._connection.commit()
        except BaseException:
            self.rollback()
            raise
        self._is_open = False

    def rollback(self) -> None:
        self._is_open = False
        self._connection.driver.rollback()


class _Mark:
    """A savepoint, as ``begin_nested`` returns it."""

    def __init__(self, do: Callable[[str], Any], name: str) -> None:
        self._do = do
        self._name = name
        do(f"SAVEPOINT {name}")

    def commit(self) -> None:
        self._do(f"RELEASE {self._name}")

    def rollback(self) -> None:
        self._do(f"ROLLBACK TO {self._name}")
        self._do(f"RELEASE {self._name}")


class Shortcut(Connection):
    """The one connection of a world.

    Attributes:
        driver: SQLite's own connection.
        committing: Is asked before every commit; it may raise.
        touched: Tables that were written since somebody last emptied it.
    """

    def __init__(self, engine: Engine, committing: Callable[[], None]) -> None:
        super().__init__(engine)
        driver: Any = self.connection.driver_connection
        self.driver: sqlite3.Connection = driver
        #: Whatever is asked is fetched at once: one cursor does for all of it.
        self._cursor = self.driver.cursor()
        self._do = self._cursor.execute
        self.committing = committing
        self.touched: set[str] = set()
        self._marks = 0
        self._compiled: dict[Any, Any] = {}
        self._plans: dict[int, _Plan | None] = {}
        self._written: dict[str, str] = {}
        self._columns: dict[str, SimpleResultMetaData] = {}
        self._nothing = SimpleResultMetaData([])
        event.listen(engine, "before_cursor_execute", self._executed)

    def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        assert not options
        if isinstance(parameters, list):
            changed = sum(self.execute(statement, row).rowcount for row in parameters)
            return Answer(self._nothing, (), changed)
        told: Mapping[str, Any] = parameters or {}
        keys = tuple(told)
        ready: _Ready | None = statement.__dict__.get("_world_ready")
        if ready is None or ready.statement() is not statement:
            # One that was made from another has what the other had.
            ready = _Ready(weakref.ref(statement), {})
            statement.__dict__["_world_ready"] = ready
        call = ready.calls.get(keys)
        if call is None:
            call = ready.calls[keys] = self._planned(statement, keys)
        plan, picked, held, given, processed = call
        if plan is None:
            return super().execute(statement, parameters)
        if picked is not None:
            return self._answered(plan, picked(told))
        values = list(held)
        for place, name in given:
            values[place] = told[name]
        for place, name, process in processed:
            values[place] = process(told[name])
        return self._answered(plan, values)

    def scalar(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        return self.execute(statement, parameters, **options).scalar()

    def scalars(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        return self.execute(statement, parameters, **options).scalars()

    def exec_driver_sql(
        self, statement: str, parameters: Any = None, execution_options: Any = None
    ) -> Any:
        assert execution_options is None
        self._note(statement)
        try:
            if isinstance(parameters, list):
                self._cursor.executemany(statement, parameters)
            else:
                self._do(statement, parameters or ())
        except sqlite3.Error as error:
            raise self._told(error, statement) from error
        cursor = self._cursor
        metadata = self._columns.get(statement)
        if metadata is None:
            names = [column[0] for column in cursor.description or ()]
            metadata = SimpleResultMetaData(names) if names else self._nothing
            self._columns[statement] = metadata
        has_rows = metadata is not self._nothing
        rows = cursor.fetchall() if has_rows else ()
        return Answer(metadata, rows, cursor.rowcount)

    def begin(self) -> Any:
        self._do("BEGIN IMMEDIATE")
        return _Transaction(self)

    def in_transaction(self) -> bool:
        return self.driver.in_transaction

    def commit(self) -> None:
        self._do("COMMIT")

    def rollback(self) -> None:
        self.driver.rollback()

    def begin_nested(self) -> Any:
        self._marks += 1
        return _Mark(self._do, f"mark_{self._marks % 8}")

    def _autobegin(self) -> None:
        """What takes the ordinary way is in the transaction that is open already."""

    def _answered(self, plan: _Plan, values: Sequence[Any]) -> Answer:
        if plan.table:
            self.touched.add(plan.table)
        try:
            self._do(plan.sql, values)
            rows = self._cursor.fetchall() if plan.has_rows else ()
        except sqlite3.Error as error:
            raise self._told(error, plan.sql) from error
        if plan.processors:
            rows = [_processed(row, plan.processors) for row in rows]
        return Answer(plan.metadata, rows, self._cursor.rowcount)

    def _planned(self, statement: Any, keys: tuple[str, ...]) -> _Call:
        """Return how to execute a statement; None for the ordinary way."""
        compiled, extracted, collected, _ = statement._compile_w_cache(
            self.dialect, compiled_cache=self._compiled, column_keys=sorted(keys)
        )
        if extracted is None or collected is not None:
            return _Call(None)
        number = id(compiled)  # the cache keeps it
        if number not in self._plans:
            self._plans[number] = _plan(compiled, keys, self.dialect)
        plan = self._plans[number]
        if plan is None:
            return _Call(None)
        given, processed = [], []
        for place, value in enumerate(plan.values):
            if value.given is not None and value.process is None:
                given.append((place, value.given))
            elif value.given is not None and value.process is not None:
                processed.append((place, value.given, value.process))
        is_plain = len(given) == len(plan.values) > 1
        return _Call(
            plan,
            itemgetter(*(name for _, name in given)) if is_plain else None,
            tuple(value.known(extracted) for value in plan.values),
            tuple(given),
            tuple(processed),
        )

    def _told(self, error: sqlite3.Error, sql: str) -> BaseException:
        return DBAPIError.instance(
            sql, None, error, sqlite3.Error, hide_parameters=True, dialect=self.dialect
        )

    def _executed(self, _: Any, __: Any, statement: str, *___: Any) -> None:
        self._note(statement)

    def _note(self, sql: str) -> None:
        table = self._written.get(sql)
        if table is None:
            table = self._written[sql] = _table_written(sql)
        if table:
            self.touched.add(table)


def _table_written(sql: str) -> str:
    found = _WRITES.match(sql)
    return found[1] if found else "" if _READS.match(sql) else ANYTHING


def _plan(compiled: Any, keys: tuple[str, ...], dialect: Any) -> _Plan | None:
    is_seldom = (
        compiled.insert_prefetch
        or compiled.update_prefetch
        or compiled.literal_execute_params
        or compiled.post_compile_params
        or compiled.isplaintext
        or compiled.cache_key is None
    )
    if is_seldom:
        return None
    names = {name: bind for bind, name in compiled.bind_names.items()}
    matching = compiled._cache_key_bind_match[0]
    places = {
        bind: place
        for place, original in enumerate(compiled.cache_key[1])
        for bind in matching[original]
    }
    values = []
    for name in compiled.positiontup or ():
        bind = names[name]
        if bind.callable:
            return None
        given = next((key for key in (bind.key, name) if key in keys), None)
        place = places.get(bind)
        process = compiled._bind_processors.get(name)
        values.append(_Value(given, place, bind.value, process))
    columns = compiled._result_columns
    processors = tuple(
        (place, process)
        for place, column in enumerate(columns)
        if (process := column.type._cached_result_processor(dialect, None))
    )
    metadata = SimpleResultMetaData([column.keyname for column in columns])
    sql = compiled.string
    table = _table_written(sql)
    return _Plan(sql, table, tuple(values), metadata, bool(columns), processors)


def _processed(
    row: tuple[Any, ...], processors: tuple[tuple[int, Callable[[Any], Any]], ...]
) -> tuple[Any, ...]:
    values = list(row)
    for place, process in processors:
        values[place] = process(values[place])
    return tuple(values)
