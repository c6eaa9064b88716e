"""How runs got on over time, and the earlier runs they are measured by."""

from __future__ import annotations

import json
from collections.abc import Collection

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from watchfloor.domain.progress import (
    RECENT_MS,
    SAMPLE_MS,
    Gain,
    Sample,
    netted,
    rated_since_ms,
    span_at,
    width_ms,
)
from watchfloor.domain.views import RunView
from watchfloor.store.reads.runs import run_view
from watchfloor.store.tables import lease, progress, run

_SUMS = [func.sum(progress.c[name]).label(name) for name in Gain._fields]
_EACH = func.json_each(bindparam("run_nos")).table_valued("value")
_SAMPLED = (
    select(progress.c.run_no, *_SUMS)
    .where(progress.c.run_no.in_(select(_EACH.c.value)))
    .group_by(progress.c.run_no)
)


def samples(connection: Connection, run_no: int, most: int = 240) -> tuple[Sample, ...]:
    """Return a run's samples, oldest first; where there are more than *most*, wider.

    Their sums come to the run's books as they were sampled last, and no figure is
    below 0: see ``netted``.
    """
    mine = progress.c.run_no == run_no
    # Each by itself is one seek; asked for together they would read every row.
    first, last = (
        select(edge(progress.c.at_ms)).where(mine).scalar_subquery()
        for edge in (func.min, func.max)
    )
    count = select(func.count()).select_from(progress).where(mine).scalar_subquery()
    number, first_ms, last_ms = connection.execute(select(count, first, last)).one()
    span_ms = SAMPLE_MS if number <= most else width_ms(first_ms, last_ms, most)
    width: ColumnElement[int] = literal_column(str(span_ms))
    began = (progress.c.at_ms - progress.c.at_ms % width).label("began")
    query = select(began, *_SUMS).where(mine).group_by(began).order_by(began)
    return netted(
        [
            Sample(at_ms, span_ms, *gained)
            for at_ms, *gained in connection.execute(query).all()
        ]
    )


def recent_samples(
    connection: Connection, run_no: int, most: int
) -> tuple[Sample, ...]:
    """Return a run's newest samples, oldest first, none of them joined."""
    gains = [progress.c[name] for name in Gain._fields]
    query = (
        select(progress.c.at_ms, *gains)
        .where(progress.c.run_no == run_no)
        .order_by(progress.c.at_ms.desc())
        .limit(most)
    )
    rows = [
        Sample(at_ms, SAMPLE_MS, *gained)
        for at_ms, *gained in connection.execute(query).all()
    ]
    return netted(rows[::-1])


def sampled(connection: Connection, run_nos: Collection[int]) -> dict[int, Gain]:
    """Return what the samples of runs come to, by run number; without those of none."""
    asked = {"run_nos": json.dumps(list(run_nos))}
    rows = connection.execute(_SAMPLED, asked).all()
    return {run_no: Gain(*sums) for run_no, *sums in rows}


def recent_rates(connection: Connection, now_ms: int) -> dict[str, tuple[float, float]]:
    """Return how many attempts and records per second live runs ended lately, by id.

    What is known is known of whole spans only: the unfinished one of now is left out,
    so that the figure changes once in ten seconds, is at most so old, and does not
    depend on when it is asked. The rate is that of the last ``RECENT_MS`` of whole
    spans, or of those in which the run and an engine were there to move it, once that
    is at least one span: see ``rated_since_ms``. Runs without a sample in it are left
    out.
    """
    until_ms = span_at(now_ms)
    since_ms = until_ms - RECENT_MS
    engine_at_ms = connection.scalar(select(lease.c.started_at_ms)) or 0
    query = (
        select(
            run.c.run_id,
            run.c.started_at_ms,
            func.sum(progress.c.attempts),
            func.sum(progress.c.done),
        )
        .join_from(run, progress)
        .where(
            run.c.phase != literal_column("'ended'"),
            progress.c.at_ms >= since_ms,
            progress.c.at_ms < until_ms,
            or_(
                run.c.started_at_ms >= engine_at_ms,
                progress.c.at_ms >= rated_since_ms(None, engine_at_ms, now_ms),
            ),
        )
        .group_by(run.c.run_no)
    )
    rates = {}
    for run_id, started_at_ms, attempts, done in connection.execute(query):
        span_ms = until_ms - rated_since_ms(started_at_ms, engine_at_ms, now_ms)
        if span_ms >= SAMPLE_MS:
            rates[run_id] = (_per_s(attempts, span_ms), _per_s(done, span_ms))
    return rates


def _per_s(gained: int, span_ms: int) -> float:
    return max(0, gained) * 1_000 / span_ms


def earlier_runs(
    connection: Connection, run_id: str, most: int = 3
) -> tuple[RunView, ...]:
    """Return earlier runs of the same campaign, the newest first.

    They have ended, whatever their outcome, have samples, and are not hidden.
    """
    this = run.alias()
    query = (
        select(run.c.run_id)
        .join(this, this.c.campaign_id == run.c.campaign_id)
        .where(
            this.c.run_id == run_id,
            run.c.run_no < this.c.run_no,
            run.c.phase == literal_column("'ended'"),
            run.c.hidden == 0,
            exists().where(progress.c.run_no == run.c.run_no),
        )
        .order_by(run.c.run_no.desc())
        .limit(most)
    )
    return tuple(run_view(connection, one) for one in connection.scalars(query).all())
