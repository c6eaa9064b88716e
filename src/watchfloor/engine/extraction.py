"""Reading an upload into a run's audience, batch by batch, able to go on after a crash.

Every batch is one transaction with its counters: rows are read again after a crash only
to be skipped, and none is judged twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from watchfloor.domain.campaign import Audience, Campaign
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.regions import Fact, Intake, Verb
from watchfloor.engine.campaigns import check_placeholders
from watchfloor.engine.changes import Transaction, tell
from watchfloor.engine.committer import Job
from watchfloor.engine.jobs import Doom
from watchfloor.engine.ledger import Ledger, Standing
from watchfloor.intake.audience_file import AudienceReader, Batch
from watchfloor.store.writes.audience import Rejected, Valid
from watchfloor.store.writes.runs import save_run_values

T = TypeVar("T")
Submit = Callable[[Job[T]], Awaitable[T]]

#: Rows of one transaction: some ten milliseconds of the one writer.
BATCH_ROWS = 1_000


async def extract(
    run_id: str, campaign: Campaign, path: Path, submit: Submit[bool]
) -> None:
    """Read the upload of a run to its end, or until the run no longer wants it.

    A file that cannot be used ends the run as failed, with the reason; nobody was
    contacted.
    """
    try:
        reader = await _opened(path, campaign.audience)
    except (ConfigError, OSError) as error:
        await submit(Doom(run_id, f"faulty selection: {error}"))
        return
    with reader:
        try:
            check_placeholders(campaign, reader.columns)
        except ConfigError as error:
            await submit(Doom(run_id, f"misconfigured campaign: {error}"))
            return
        begin = Begin(run_id, reader)
        if not await submit(begin):
            return
        batches = reader.batches(BATCH_ROWS, skip_rows=begin.rows_read)
        while batch := await asyncio.to_thread(_next, batches):
            if not await submit(AddBatch(run_id, batch)):
                return
        await submit(Complete(run_id))


class Begin:
    """The job that says the upload is being read, and how it is laid out."""

    def __init__(self, run_id: str, reader: AudienceReader) -> None:
        self._run_id = run_id
        self._reader = reader
        self.rows_read = 0

    def __call__(self, tx: Transaction) -> bool:
        """Return whether the run still wants its audience."""
        ledger = _wanting(tx, self._run_id)
        if ledger is None:
            return False
        tell(tx, ledger, Fact.INTAKE_STARTED)
        save_run_values(
            tx.connection,
            ledger.run_no,
            columns_json=json.dumps(self._reader.columns),
            raw_header=self._reader.raw_header,
            delimiter=self._reader.delimiter,
        )
        self.rows_read = ledger.tally["extracted"]
        return True


class AddBatch:
    """The job that stores one batch of rows with its counters."""

    def __init__(self, run_id: str, batch: Batch) -> None:
        self._run_id = run_id
        self._batch = batch

    def __call__(self, tx: Transaction) -> bool:
        """Return whether the run still wants its audience; else nothing was stored."""
        ledger = _wanting(tx, self._run_id)
        if ledger is None:
            return False
        batch, tally = self._batch, ledger.tally
        writer = tx.audience
        added, repeats = writer.add(
            tx.connection,
            ledger.run_no,
            tally["records"] + 1,
            [Valid._make(row) for row in batch.candidates],
            tx.now_ms,
        )
        rejects = [*(Rejected._make(row) for row in batch.rejects), *repeats]
        writer.add_rejects(tx.connection, ledger.run_no, rejects)
        tally["extracted"] += batch.rows
        tally["records"] += added
        tally["pending"] += added
        for reject in rejects:
            tally[reject.kind.value] += 1
        ledger.bytes_read = batch.position
        ledger.touch()
        return True


class Complete:
    """The job that says the audience is complete."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def __call__(self, tx: Transaction) -> bool:
        """Return whether the run still wanted it."""
        ledger = _wanting(tx, self._run_id)
        if ledger is None:
            return False
        return tell(tx, ledger, Fact.EXTRACTED) and tell(tx, ledger, Fact.FILTER_DONE)


def wants_extraction(standing: Standing) -> bool:
    """Whether somebody should read the run's upload."""
    return _is_wanted(standing) and standing.lifecycle.intake in (
        Intake.PENDING,
        Intake.EXTRACTING,
    )


def _wanting(tx: Transaction, run_id: str) -> Ledger | None:
    """Return the run's ledger; None where it ended or is let go of already."""
    ledger = tx.ledgers.get(run_id)
    return ledger if ledger is not None and _is_wanted(ledger) else None


def _is_wanted(known: Ledger | Standing) -> bool:
    run = known.lifecycle
    if run.is_ended or known.cause or run.intake in (Intake.DONE, Intake.ABORTED):
        return False
    return run.launched or run.intent not in (Verb.STOP, Verb.CANCEL)


async def _opened(path: Path, audience: Audience) -> AudienceReader:
    """Open an upload on a thread; one that nobody waits for any more is closed."""
    opening = asyncio.create_task(asyncio.to_thread(AudienceReader, path, audience))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with suppress(ConfigError, OSError):
            (await opening).close()
        raise


def _next(batches: Iterator[Batch]) -> Batch | None:
    return next(batches, None)
