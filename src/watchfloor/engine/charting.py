"""What is drawn of one run: its samples beside earlier ones, its failures, its due."""

from __future__ import annotations

from watchfloor.domain.live import Charts
from watchfloor.domain.progress import Progress
from watchfloor.domain.views import RunView
from watchfloor.store.handle import Handle
from watchfloor.store.reads.due import due_spans
from watchfloor.store.reads.failures import failures
from watchfloor.store.reads.progress import earlier_runs, samples
from watchfloor.store.reads.runs import run_number, run_view


def charts(connection: Handle, run_id: str, now_ms: int) -> Charts:
    """Return what is drawn of one run, as of one snapshot.

    Raises:
        NotFoundError: No run has this id.
    """
    run = run_view(connection, run_id)
    return Charts(
        run=run,
        progress=_progress(connection, run),
        earlier=tuple(
            _progress(connection, one) for one in earlier_runs(connection, run_id)
        ),
        failures=failures(connection, run_id),
        due=due_spans(connection, run_number(connection, run_id), now_ms),
    )


def _progress(connection: Handle, run: RunView) -> Progress:
    return Progress(
        run_id=run.run_id,
        campaign_name=run.campaign_name,
        started_at_ms=run.started_at_ms,
        ended_at_ms=run.ended_at_ms,
        records=run.books.records,
        samples=samples(connection, run_number(connection, run.run_id)),
    )
