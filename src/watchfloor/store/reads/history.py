"""What is archived of an ended run, what its history says, and who is left in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from watchfloor.domain.books import Books
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.masking import PURGED
from watchfloor.domain.regions import History, Phase
from watchfloor.store.reads.run_words import named_in_words
from watchfloor.store.reads.runs import books_of, run_number
from watchfloor.store.tables import (
    attempt,
    books,
    contact,
    dedupe,
    history,
    record,
    reject,
    report,
    resolved,
    result,
    result_count,
    run,
)


class Subject(NamedTuple):
    """An ended run whose history is to be created.

    Attributes:
        about: What an archive tells of it; nobody's contact is part of it.
        columns: Of the upload, in the order of a record's values.
    """

    run_no: int
    books: Books
    about: dict[str, Any]
    steps: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """The history of a run as a screen or a verb sees it.

    Attributes:
        archived: Of ``records``, how many the history has taken so far.
        purge: Empty, ``asked`` or ``done``.
        told: The run's account as it was written with the history; empty before.
        report: Attempts by step, class, code and hour; empty before.
        results: Of how many records a kind of result was reported, so far.
    """

    run_id: str
    state: History
    archived: int
    records: int
    purge: str
    is_hidden: bool
    created_at_ms: int | None = None
    told: dict[str, Any] = field(default_factory=dict)
    report: tuple[dict[str, Any], ...] = ()
    results: dict[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """How much of the history is there, from 0 to 1."""
        if self.state is History.CREATED:
            return 1.0
        return min(1.0, self.archived / self.records) if self.records else 0.0


def subject_of(connection: Connection, run_id: str) -> Subject | None:
    """Return what is to be archived; None where no history is being created."""
    query = select(run, books).join_from(run, books).where(run.c.run_id == run_id)
    row = connection.execute(query).mappings().first()
    if row is None or row["history"] != History.CREATING:
        return None
    account = books_of(dict(row))
    steps = tuple(name for name, *_ in json.loads(row["steps_json"]))
    columns = tuple(_whole(json.loads(row["columns_json"])))
    names = ("run_id", "campaign_id", "upload_id", "outcome", "launch_id")
    times = ("created_at_ms", "started_at_ms", "ended_at_ms")
    about = {name: row[name] for name in (*names, *times)}
    about |= {"steps": list(steps), "fields": list(columns), "books": account.as_dict()}
    return Subject(row["run_no"], account, about, steps, columns)


def _record_rows() -> Select[str]:
    same = and_(record.c.run_no == contact.c.run_no, record.c.seq == contact.c.seq)
    slice_ = (
        select(
            record.c.seq,
            contact.c.row_no,
            contact.c.contact,
            record.c.state,
            record.c.step,
            record.c.attempts,
            record.c.outcome_class,
            record.c.code,
            record.c.first_at_ms,
            record.c.updated_at_ms,
            contact.c.values_json,
        )
        .join_from(record, contact, same)
        .where(record.c.run_no == bindparam("run"), record.c.seq > bindparam("after"))
        .order_by(record.c.seq)
        .limit(bindparam("most", type_=Integer))
        .subquery()
    )
    *plain, values = slice_.c
    cells = func.json_array(*plain, func.json(values))
    return select(func.json_group_array(cells))


def _attempt_rows() -> Select[str]:
    key = tuple_(attempt.c.seq, attempt.c.number)
    slice_ = (
        select(
            attempt.c.seq,
            attempt.c.number,
            attempt.c.step,
            attempt.c.outcome_class,
            attempt.c.code,
            attempt.c.started_at_ms,
            attempt.c.ended_at_ms,
            attempt.c.provider_id,
            attempt.c.detail,
            attempt.c.why,
        )
        .where(
            attempt.c.run_no == bindparam("run"),
            key > tuple_(bindparam("seq"), bindparam("number")),
            attempt.c.seq <= bindparam("last"),
        )
        .order_by(attempt.c.seq, attempt.c.number)
        .limit(bindparam("most", type_=Integer))
        .subquery()
    )
    return select(func.json_group_array(func.json_array(*slice_.c)))


#: Made once: they run for every slice of an archive, and are long.
_RECORD_ROWS = _record_rows()
_ATTEMPT_ROWS = _attempt_rows()


def record_rows(
    connection: Connection, run_no: int, after: int, most: int
) -> list[list[Any]]:
    """Return up to *most* records past the seq *after*, in order.

    Each is seq, row_no, contact, state, step, attempts, outcome_class, code,
    first_at_ms, updated_at_ms and the list of its values. They come as one cell: with a
    step of the statement per row, the interpreter would change hands at every one.
    """
    asked = {"run": run_no, "after": after, "most": most}
    return _loaded(connection.scalar(_RECORD_ROWS, asked))


def attempt_rows(
    connection: Connection,
    run_no: int,
    after: tuple[int, int],
    last_seq: int,
    most: int,
) -> list[list[Any]]:
    """Return up to *most* closed attempts, in the order of seq and number.

    Args:
        connection: Any.
        run_no: Whose.
        after: Seq and number of the last one known.
        last_seq: Up to this record.
        most: The most attempts.

    Returns:
        Each is seq, number, step, outcome_class, code, started_at_ms, ended_at_ms,
        provider_id, detail and why.
    """
    asked = {"run": run_no, "last": last_seq, "most": most}
    key = dict(zip(("seq", "number"), after, strict=True))
    return _loaded(connection.scalar(_ATTEMPT_ROWS, asked | key))


def spent_ms(connection: Connection, run_no: int) -> dict[str, int]:
    """Return how a run's time was spent, as the engine saw it."""
    names = ("active_ms", "paused_ms", "window_ms", "waiting_ms")
    query = select(*(books.c[name] for name in names)).where(books.c.run_no == run_no)
    return dict(connection.execute(query).mappings().one())


def durations_ms(about: Mapping[str, Any], spent: Mapping[str, int]) -> dict[str, int]:
    """Return how long a run took and how that time was spent.

    ``unaccounted`` is the rest: no engine ran, or the run had not started.
    """
    started = about["started_at_ms"]
    total = 0 if started is None else max(0, about["ended_at_ms"] - started)
    shares = {name.removesuffix("_ms"): number for name, number in spent.items()}
    rest = max(0, total - sum(shares.values()))
    return {"total": total, **shares, "unaccounted": rest}


def history_view(connection: Connection, run_id: str) -> HistoryView:
    """Return the history of a run, as far as there is one.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    query = (
        select(run, books.c.archived, books.c.records, history)
        .join_from(run, books)
        .join(history, history.c.run_no == run.c.run_no, isouter=True)
        .where(run.c.run_no == number)
    )
    row = connection.execute(query).mappings().one()
    lines = select(report).where(report.c.run_no == number)
    counts = select(result_count).where(result_count.c.run_no == number)
    return HistoryView(
        run_id=run_id,
        state=History(row["history"]),
        archived=row["archived"],
        records=row["records"],
        purge=row["purge"],
        is_hidden=bool(row["hidden"]),
        created_at_ms=row[history.c.created_at_ms],
        told=json.loads(row["report_json"] or "{}"),
        report=tuple(dict(line) for line in connection.execute(lines).mappings()),
        results={
            one["kind"]: one["records"] for one in connection.execute(counts).mappings()
        },
    )


class PurgeFacts(NamedTuple):
    """What a purge must know of its run."""

    run_no: int
    phase: Phase
    state: History
    purge: str
    upload_id: str


def purge_facts(connection: Connection, run_id: str) -> PurgeFacts:
    """Return how far a run's purge is, and whether there may be one.

    Raises:
        NotFoundError: No run has this id.
    """
    names = ("run_no", "phase", "history", "purge", "upload_id")
    query = select(*(run.c[name] for name in names)).where(run.c.run_id == run_id)
    row = connection.execute(query).first()
    if row is None:
        msg = f"no run is called {run_id!r}; `watchfloor runs` lists the ones there are"
        raise NotFoundError(msg)
    number, phase, state, purge, upload_id = row
    return PurgeFacts(number, Phase(phase), History(state), purge, upload_id)


def purges_asked(connection: Connection) -> list[str]:
    """Return the ids of runs that are to be purged and are not yet."""
    query = select(run.c.run_id).where(run.c.purge == "asked").order_by(run.c.run_no)
    return list(connection.scalars(query))


def upload_users(connection: Connection, upload_id: str, *, but: str) -> list[str]:
    """Return the other runs over an upload that are not purged."""
    query = select(run.c.run_id).where(
        run.c.upload_id == upload_id, run.c.run_id != but, run.c.purge != "done"
    )
    return list(connection.scalars(query))


def people_left(connection: Connection, run_no: int) -> list[str]:
    """Return the tables in which somebody of a run can still be found.

    It reads every row of the run, about a second for a million records.
    """
    somebody = {
        "contact": _any(
            contact.c.run_no == run_no,
            or_(contact.c.contact != PURGED, contact.c.values_json != "[]"),
        ),
        "dedupe": _any(dedupe.c.run_no == run_no),
        "reject": _any(
            reject.c.run_no == run_no,
            or_(reject.c.raw != "", reject.c.reason != PURGED),
        ),
        "attempt": _any(
            attempt.c.run_no == run_no,
            or_(attempt.c.detail != "", attempt.c.provider_id != ""),
        ),
        "result": _any(
            result.c.run_no == run_no,
            or_(result.c.key != "", result.c.provider_id != "", result.c.detail != ""),
        ),
        "resolved": _any(resolved.c.run_no == run_no, resolved.c.detail != ""),
    }
    found = [name for name, rows in somebody.items() if connection.scalar(rows)]
    return found + [row.table.name for row in named_in_words(connection, run_no)]


def _any(*conditions: ColumnElement[bool]) -> Select[tuple[bool]]:
    return select(exists().where(*conditions))


def _loaded(text: str | None) -> list[list[Any]]:
    """Return rows as they came in one cell; half a character becomes a whole one."""
    try:
        rows: list[list[Any]] = orjson.loads(text or "[]")
    except orjson.JSONDecodeError:
        return [_whole(row) for row in json.loads(text or "[]")]
    return rows


def _whole(row: Sequence[object]) -> list[Any]:
    return [_whole_cell(cell) for cell in row]


def _whole_cell(cell: object) -> object:
    if isinstance(cell, str):
        return cell.encode(errors="replace").decode()
    return _whole(cell) if isinstance(cell, list) else cell
