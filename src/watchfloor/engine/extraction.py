"""Reading an upload into a run's audience, batch by batch, able to go on after a crash.

Every batch is one transaction with its counters: rows are read again after a crash only
to be skipped, and none is judged twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from watchfloor.domain.campaign import Campaign
from watchfloor.domain.errors import ConfigError, RefusedError
from watchfloor.domain.records import RejectKind
from watchfloor.domain.regions import Fact, Intake, Mode, Verb
from watchfloor.engine.campaigns import check_columns, wanted_rows
from watchfloor.engine.changes import Transaction, doom, enter, tell
from watchfloor.engine.committer import Submit
from watchfloor.engine.jobs import Doom
from watchfloor.engine.ledger import Ledger, Standing
from watchfloor.engine.reservations import extend, release_unused
from watchfloor.engine.restored_runs import is_kept, keep
from watchfloor.engine.suppressions import Suppressions, unusable_lines
from watchfloor.engine.uploads import check_launched
from watchfloor.intake.audience_file import AudienceReader, Batch, Candidate, Reject
from watchfloor.store.filter_conditions import Condition
from watchfloor.store.reads.families import records_of_family
from watchfloor.store.reads.uploads import Upload, upload_of
from watchfloor.store.writes.audience import Rejected, Valid
from watchfloor.store.writes.runs import save_run_values

#: Rows of one transaction: some ten milliseconds of the one writer.
BATCH_ROWS = 1_000
#: Rows judged by a filter in one transaction: about as long.
SLICE_ROWS = 4_000

#: Why a row whose contact must not be contacted became no record.
SUPPRESSED = "the contact is suppressed"


async def extract(
    run_id: str,
    campaign: Campaign,
    path: Path,
    submit: Submit,
    suppressions: Suppressions,
) -> None:
    """Read the upload of a run to its end, or until the run no longer wants it.

    A file that cannot be used, or is not the one that was launched, ends the run as
    failed, with the reason; nobody was contacted. See ``Unread`` for those that wait.
    """
    launched = await submit(LaunchedOver(run_id))
    try:
        lists = await suppressions.lists_of(campaign.audience)
        await asyncio.to_thread(check_launched, path, launched)
        reader = await _opened(path, campaign)
    except (ConfigError, OSError) as error:
        await submit(Unread(run_id, str(error)))
        return
    with reader:
        try:
            check_columns(campaign, reader.columns)
            wanted = wanted_rows(campaign, reader.columns)
        except ConfigError as error:
            await submit(Doom(run_id, f"misconfigured campaign: {error}"))
            return
        named = zip(campaign.audience.suppression, lists, strict=True)
        told = [unusable_lines(name, read) for name, read in named]
        begin = Begin(run_id, reader, [one for one in told if one])
        if not await submit(begin):
            return
        is_suppressed = suppressions.asked_with(lists)
        batches = reader.batches(BATCH_ROWS, skip_rows=begin.rows_read)
        while batch := await asyncio.to_thread(_next, batches, is_suppressed):
            if not await submit(AddBatch(run_id, batch, wanted)):
                return
    await judge(run_id, wanted, submit)


async def judge(run_id: str, wanted: Condition | None, submit: Submit) -> None:
    """Judge what was read by the campaign's filter, slice by slice, to the end."""
    if not await submit(Extracted(run_id)):
        return
    while await submit(JudgeSlice(run_id, wanted)):
        pass


class LaunchedOver:
    """The job that looks which file a run was launched over."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def __call__(self, tx: Transaction) -> Upload:
        """Return what is known of it."""
        return upload_of(tx.connection, self._run_id)


class Unread:
    """The job that stores that a run's upload or one of its lists cannot be used.

    It ends the run: launched anew it contacts nobody twice. One that came back from a
    backup, which may lack the file, waits for a resume.
    """

    def __init__(self, run_id: str, why: str) -> None:
        self._run_id = run_id
        self._why = why

    def __call__(self, tx: Transaction) -> bool:
        """Return whether the run still wanted its audience."""
        ledger = wanting(tx, self._run_id)
        if ledger is None:
            return False
        if not is_kept(tx, ledger):
            doom(tx, ledger, f"faulty selection: {self._why}")
            return True
        keep(tx, ledger, f"nothing is read before a resume: {self._why}")
        return True


class Begin:
    """The job that says the upload is being read, and how it is laid out."""

    def __init__(
        self, run_id: str, reader: AudienceReader, warnings: Sequence[str] = ()
    ) -> None:
        self._run_id = run_id
        self._reader = reader
        self._warnings = warnings
        self.rows_read = 0

    def __call__(self, tx: Transaction) -> bool:
        """Return whether the run still wants its audience."""
        ledger = wanting(tx, self._run_id)
        if ledger is None:
            return False
        if tell(tx, ledger, Fact.INTAKE_STARTED):
            for warning in self._warnings:
                enter(tx, ledger, "list is not whole", detail=warning)
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

    needs_room = True

    def __init__(self, run_id: str, batch: Batch, wanted: Condition | None) -> None:
        self._run_id = run_id
        self._batch = batch
        self._wanted = wanted

    def __call__(self, tx: Transaction) -> bool:
        """Return whether the run still wants its audience; else nothing was stored."""
        ledger = wanting(tx, self._run_id)
        if ledger is None:
            return False
        batch, tally = self._batch, ledger.tally
        first_seq = ledger.next_seq
        valid, known = _new_to_family(tx, ledger, batch.candidates)
        added, repeats = tx.audience.add(tx.connection, ledger.run_no, first_seq, valid)
        rejects = [*map(Rejected._make, batch.rejects), *known, *repeats]
        tx.audience.add_rejects(tx.connection, ledger.run_no, rejects)
        tally["extracted"] += batch.rows
        tally["unjudged"] += added
        for reject in rejects:
            tally[reject.kind.value] += 1
        ledger.bytes_read = batch.position
        ledger.touch()
        if ledger.lifecycle.mode is Mode.STREAMING:
            # What was read is judged at once, and attempts go out meanwhile.
            tell(tx, ledger, Fact.EXTRACTED)
            return _judged(tx, ledger, self._wanted, added)
        if self._wanted is None:
            return _judged(tx, ledger, None, added)
        return True


class Extracted:
    """The job that says the upload was read to its end."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def __call__(self, tx: Transaction) -> bool:
        """Return whether the run still wanted it."""
        ledger = wanting(tx, self._run_id)
        if ledger is None:
            return False
        tell(tx, ledger, Fact.EXTRACTED)
        return True


class JudgeSlice:
    """The job that judges a slice of what was read by the campaign's filter."""

    needs_room = True

    def __init__(self, run_id: str, wanted: Condition | None) -> None:
        self._run_id = run_id
        self._wanted = wanted

    def __call__(self, tx: Transaction) -> bool:
        """Return whether more is left to judge; at the end the audience is complete."""
        ledger = wanting(tx, self._run_id)
        if ledger is None:
            return False
        left = ledger.tally["unjudged"]
        if not left:
            release_unused(tx.connection, ledger, ledger.tally["records"])
            tell(tx, ledger, Fact.FILTER_DONE)
            return False
        return _judged(tx, ledger, self._wanted, min(left, SLICE_ROWS))


def _judged(
    tx: Transaction, ledger: Ledger, wanted: Condition | None, rows: int
) -> bool:
    """Make records or rejects of the next *rows* not judged; return whether it could.

    More records than were reserved at the launch are reserved now; where the plan does
    not allow that, the run ends failed, and nobody beyond it is contacted.
    """
    tally = ledger.tally
    first = tally["records"] + tally["filtered"] + 1
    seqs = range(first, first + rows)
    records, filtered = rows, 0
    if wanted is None:
        tx.audience.accept(tx.connection, ledger.run_no, seqs, tx.now_ms)
    else:
        records, filtered = tx.audience.judge(
            tx.connection, ledger.run_no, seqs, wanted, tx.now_ms
        )
    tally["unjudged"] -= rows
    tally["records"] += records
    tally["pending"] += records
    tally["filtered"] += filtered
    ledger.is_exhausted = False
    ledger.touch()
    return _within_plan(tx, ledger)


def _within_plan(tx: Transaction, ledger: Ledger) -> bool:
    beyond = ledger.tally["records"] - ledger.quota_records
    if beyond <= 0 or not ledger.quota_month:
        return True
    try:
        extend(tx.connection, tx.workspace.last_known(), ledger, beyond)
    except RefusedError as error:
        doom(tx, ledger, str(error))
        return False
    return True


def _new_to_family(
    tx: Transaction, ledger: Ledger, candidates: Sequence[Candidate]
) -> tuple[list[Valid], list[Rejected]]:
    """Return the rows whose contact no other run of the family has as a record."""
    valid = [Valid._make(row) for row in candidates]
    if not ledger.parent_id or not valid:
        return valid, []
    digests = [row.digest for row in valid]
    known = records_of_family(tx.connection, ledger.family_id, ledger.run_no, digests)
    if not known:
        return valid, []
    repeats = [
        Rejected(
            row.row_no,
            RejectKind.DUPLICATE,
            f"is record {known[row.digest].seq} of run {known[row.digest].run_id}",
            row.raw,
        )
        for row in valid
        if row.digest in known
    ]
    return [row for row in valid if row.digest not in known], repeats


def wants_extraction(standing: Standing) -> bool:
    """Whether somebody should read the run's upload, or judge what was read."""
    return _is_wanted(standing) and not standing.waits


def wanting(tx: Transaction, run_id: str) -> Ledger | None:
    """Return the run's ledger; None where it ended or is let go of already."""
    ledger = tx.ledgers.get(run_id)
    return ledger if ledger is not None and _is_wanted(ledger) else None


def _is_wanted(known: Ledger | Standing) -> bool:
    run = known.lifecycle
    if run.is_ended or known.cause or run.intake in (Intake.DONE, Intake.ABORTED):
        return False
    return run.launched or run.intent not in (Verb.STOP, Verb.CANCEL)


async def _opened(path: Path, campaign: Campaign) -> AudienceReader:
    """Open an upload on a thread; one that nobody waits for any more is closed."""
    reading = partial(
        AudienceReader,
        path,
        campaign.audience,
        by_recipient=campaign.is_by_recipient,
        # Whoever may launch here lays uploads down, and the engine reads as its owner.
        follows=False,
    )
    opening = asyncio.create_task(asyncio.to_thread(reading))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with suppress(ConfigError, OSError):
            (await opening).close()
        raise


def _next(
    batches: Iterator[Batch], is_suppressed: Callable[[str], bool]
) -> Batch | None:
    """Return the next batch; suppressed contacts are rejects of it."""
    batch = next(batches, None)
    if batch is None:
        return None
    stopped = [row for row in batch.candidates if is_suppressed(row.digest.hex())]
    if not stopped:
        return batch
    gone = {row.row_no for row in stopped}
    rejects = [
        Reject(row.row_no, RejectKind.SUPPRESSED, SUPPRESSED, row.raw)
        for row in stopped
    ]
    return batch._replace(
        candidates=[row for row in batch.candidates if row.row_no not in gone],
        rejects=[*batch.rejects, *rejects],
    )
