"""What people and providers said of a run as a whole, beside its journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Column, Connection, Table, select

from watchfloor.domain.chain import TAKEN_OUT
from watchfloor.domain.privacy import names_somebody
from watchfloor.store.tables import history, resolution, run

_OF_RUN = (run.c.intent_why, run.c.gate_why, run.c.cause)


class Named(NamedTuple):
    """A row in which somebody's number or address stands.

    Attributes:
        key: Its primary key, a column of one number.
        values: Its columns as they are once the words are taken out.
    """

    table: Table
    key: int
    values: dict[str, str]


def named_in_words(connection: Connection, run_no: int) -> Iterator[Named]:
    """Yield the rows of a run that name somebody, each with what is to replace it."""
    own = connection.execute(select(*_OF_RUN).where(run.c.run_no == run_no))
    for said in own.mappings().all():
        out = {name: TAKEN_OUT for name, text in said.items() if names_somebody(text)}
        if out:
            yield Named(run, run_no, out)
    reasons = select(resolution.c.resolution_no, resolution.c.why)
    of_run = reasons.where(resolution.c.run_no == run_no)
    for number, why in connection.execute(of_run).all():
        if names_somebody(why):
            yield Named(resolution, number, {"why": TAKEN_OUT})
    account = select(history.c.report_json).where(history.c.run_no == run_no)
    told = json.loads(connection.scalar(account) or "{}")
    if names_somebody(told.get("cause") or ""):
        whole = json.dumps({**told, "cause": TAKEN_OUT})
        yield Named(history, run_no, {"report_json": whole})


def key_of(table: Table) -> Column[int]:
    """Return the one column of a table's primary key."""
    (key,) = table.primary_key.columns
    return key
