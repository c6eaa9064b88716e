"""Creating the history of ended runs: archive and report, beside whatever dispatches.

The archive is written part by part; only when it is whole and adds up to the run's
books are report and history stored, in one transaction.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from watchfloor import __version__
from watchfloor.domain.errors import StoreError
from watchfloor.domain.labels import native
from watchfloor.domain.regions import Fact, History
from watchfloor.domain.text import clean
from watchfloor.engine.changes import Transaction, tell
from watchfloor.engine.committer import Committer, Job, Submit
from watchfloor.engine.errands import Errand, carried_out, carried_out_now
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.surroundings import Survived, named
from watchfloor.store.archive.drafts import Draft, discard
from watchfloor.store.archive.formats import best_format
from watchfloor.store.archive.manifest import (
    FILE,
    Manifest,
    differences,
    read_manifest,
)
from watchfloor.store.archive.places import archive_of, archives, draft_of
from watchfloor.store.archive.private_files import sha256_of
from watchfloor.store.archive.slices import slices
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.history import Subject, durations_ms, spent_ms, subject_of
from watchfloor.store.writes import history as writes
from watchfloor.store.writes.runs import add_entry, add_history

log = logging.getLogger(__name__)
#: Records of one part: half a second of a thread; what a crash may cost.
PART_RECORDS = 50_000
#: A history that an owner of one moment may create at once.
MOST_AT_ONCE = 5_000
#: The run's account may change meanwhile: a person resolves an unknown record.
_TRIES = 3
#: After a setback, doubled by each further one.
FIRST_REST_S: Final = 30.0
LONGEST_REST_S: Final = 3_600.0


async def create_history(
    run_id: str, layout: Layout, submit: Submit, *, part_records: int = PART_RECORDS
) -> str:
    """Create the history of an ended run beside the current loop.

    Whatever is interrupted goes on from the last whole part when it is called again.

    Returns:
        Empty where the history is created or none is to be; else a sentence that says
        why not, and that nothing of it counts.

    Raises:
        StoreError: The store took no writes, or cannot be read.
    """
    return await carried_out(_creating(run_id, layout, part_records), submit)


def create_history_now(committer: Committer, run_id: str, layout: Layout) -> bool:
    """Create the history of an ended run at once, if it is a small one.

    Args:
        committer: Of an owner of one moment; its rounds run in here.
        run_id: Whose.
        layout: Where the workspace is.

    Returns:
        Whether it is created. If it is not, the run waits for an engine; where
        something was in the way, the journal says what.

    Raises:
        StoreError: The store took no writes, or cannot be read.
    """
    ledger = committer.ledgers.get(run_id)
    if ledger is None or ledger.tally["records"] > MOST_AT_ONCE:
        return False
    why = carried_out_now(_creating(run_id, layout, PART_RECORDS), committer)
    if why:
        carried_out_now(_one(NoteSetback(run_id, why)), committer)
    return not why


@dataclass(slots=True)
class _Setback:
    """Why a history could not be created, and when to try again."""

    why: str
    rest_s: float
    until_s: float


class Historian:
    """Creates the histories of an engine's ended runs, one after the other.

    Args:
        layout: Where the workspace is.
        submit: Has jobs done by the committer.
        monotonic_s: For rests after a setback.
        on_end: Called on the loop when a history is created or put off.
        survived: Writes a mistake of our own down, and returns it as a cause.
    """

    def __init__(
        self,
        layout: Layout,
        submit: Submit,
        monotonic_s: Callable[[], float],
        on_end: Callable[[], None],
        survived: Survived = named,
    ) -> None:
        self._survived = survived
        self._layout = layout
        self._submit = submit
        self._monotonic_s = monotonic_s
        self._on_end = on_end
        self._task: asyncio.Task[None] | None = None
        self._setbacks: dict[str, _Setback] = {}

    @property
    def is_busy(self) -> bool:
        """Whether a history is being created at this moment."""
        return self._task is not None

    def is_put_off(self, run_id: str) -> bool:
        """Whether a run's history rests after a setback: nobody should wait for it."""
        setback = self._setbacks.get(run_id)
        return setback is not None and setback.until_s > self._monotonic_s()

    def follow(self, ledgers: Iterable[Ledger]) -> None:
        """Begin with the next history that is to be created, unless one is under way.

        To be called when a run has changed, and now and then for those put off.
        """
        if self._task is not None:
            return
        for ledger in ledgers:
            creating = ledger.standing.lifecycle.history is History.CREATING
            if creating and not self.is_put_off(ledger.run_id):
                self._task = asyncio.create_task(self._create(ledger.run_id))
                self._task.add_done_callback(self._note_end)
                return

    async def close(self) -> None:
        """Leave what is under way; whole parts of it are kept."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _create(self, run_id: str) -> None:
        try:
            why = await create_history(run_id, self._layout, self._submit)
        except StoreError as error:
            # The journal is in the store: there is nobody else to tell.
            log.warning("%s", clean(error))
            self._put_off(run_id, "")
            return
        except Exception as error:  # noqa: BLE001 - one history must not end others
            why = f"the history cannot be created: {self._survived(error)}"
        known = self._setbacks.get(run_id)
        if not why:
            self._setbacks.pop(run_id, None)
            return
        self._put_off(run_id, why)
        if known is None or known.why != why:
            try:
                await self._submit(NoteSetback(run_id, why))
            except StoreError as error:
                log.warning("%s", clean(error))

    def _put_off(self, run_id: str, why: str) -> None:
        known = self._setbacks.get(run_id)
        rest_s = min(2 * known.rest_s, LONGEST_REST_S) if known else FIRST_REST_S
        self._setbacks[run_id] = _Setback(why, rest_s, self._monotonic_s() + rest_s)

    def _note_end(self, _: asyncio.Task[None]) -> None:
        self._task = None
        self._on_end()


class NoteArchived:
    """The job that stores how far a history is."""

    needs_room = True

    def __init__(self, run_id: str, count: int) -> None:
        self._run_id = run_id
        self._count = count

    def __call__(self, tx: Transaction) -> None:
        """Store it."""
        ledger = tx.ledgers.get(self._run_id)
        if ledger is not None:
            writes.note_archived(tx.connection, ledger.run_no, self._count)
            tx.changed.add(self._run_id)


class NoteSetback:
    """The job that tells the journal why a history is not created yet."""

    def __init__(self, run_id: str, why: str) -> None:
        self._run_id = run_id
        self._why = why

    def __call__(self, tx: Transaction) -> None:
        """Tell it."""
        ledger = tx.ledgers.get(self._run_id)
        if ledger is not None:
            label = native(ledger.lifecycle, ledger.work)
            add_entry(
                tx.connection,
                {
                    "at_ms": tx.now_ms,
                    "run_id": self._run_id,
                    "event": "history put off",
                    "before": label,
                    "after": label,
                    "by": "engine",
                    "detail": self._why,
                    "epoch": tx.epoch,
                },
            )


class StoreHistory:
    """The job that stores report and history of a run whose archive is whole."""

    needs_room = True

    def __init__(
        self, run_id: str, manifest: Manifest, archive: dict[str, object]
    ) -> None:
        self._run_id = run_id
        self._manifest = manifest
        self._archive = archive

    def __call__(self, tx: Transaction) -> str:
        """Return what differs from the run's account; then nothing was stored."""
        ledger = tx.ledgers.get(self._run_id)
        if ledger is None or ledger.lifecycle.history is not History.CREATING:
            return ""
        manifest = self._manifest
        differing = differences(manifest, ledger.books)
        if differing:
            return (
                f"the archive does not add up to the run: {differing}. No history was "
                f"created. Count the rows with: watchfloor books {self._run_id} --audit"
            )
        told = f"{manifest.records:,} records and {manifest.attempts:,} attempts"
        tell(tx, ledger, Fact.HISTORY_CREATED, detail=f"{told} archived")
        writes.add_report(tx.connection, ledger.run_no, manifest.report)
        writes.note_archived(tx.connection, ledger.run_no, manifest.records)
        account = json.dumps(self._account(tx, ledger))
        add_history(tx.connection, ledger.run_no, account, tx.now_ms)
        return ""

    def _account(self, tx: Transaction, ledger: Ledger) -> dict[str, object]:
        about = self._manifest.run
        return {
            "run": ledger.run_id,
            "campaign": about["campaign_id"],
            "outcome": ledger.lifecycle.outcome,
            "cause": ledger.cause,
            "launch_id": ledger.launch_id,
            "started_at_ms": about["started_at_ms"],
            "ended_at_ms": about["ended_at_ms"],
            "durations_ms": durations_ms(about, spent_ms(tx.connection, ledger.run_no)),
            "books": ledger.books.as_dict(),
            "took_ms": sum(line.took_ms for line in self._manifest.report),
            "archive": self._archive,
        }


def _one(job: Job[Any]) -> Errand[None]:
    yield job


def _creating(run_id: str, layout: Layout, part_records: int) -> Errand[str]:
    try:
        return (yield from _attempted(run_id, layout, part_records))
    except StoreError:
        raise
    except OSError as error:
        where = error.filename or archives(layout)
        return (
            f"the archive cannot be written: {error.strerror or error}: "
            f"{clean(where)}. No history was created; make room or give the folder "
            "back, the engine tries again"
        )


def _attempted(run_id: str, layout: Layout, part_records: int) -> Errand[str]:
    why, before = "", None
    for _ in range(_TRIES):
        with reading(layout) as connection:
            subject = subject_of(connection, run_id)
        if subject is None or subject == before:
            return why
        before = subject
        folder = archive_of(layout, run_id)
        manifest = _whole(folder, subject)
        if manifest is None:
            manifest = yield from _made(run_id, layout, subject, part_records)
        archive = {
            "path": str(folder.relative_to(layout.root)),
            "format": manifest.form,
            "sha256": sha256_of(folder / FILE),
            "bytes": manifest.bytes,
            "parts": len(manifest.files["records"]),
            "watchfloor": __version__,
        }
        why = yield StoreHistory(run_id, manifest, archive)
        if not why:
            return ""
        discard(folder)
    return why


def _whole(folder: Path, subject: Subject) -> Manifest | None:
    """Return the archive that a crash left whole, if it still tells the truth."""
    if not folder.exists():
        return None
    try:
        manifest = read_manifest(folder)
    except Exception:  # noqa: BLE001 - whatever it is, it is made anew
        manifest = None
    if manifest is not None and manifest.run == subject.about:
        files = [file for group in manifest.files.values() for file in group]
        if all(file.is_sound(folder) for file in files):
            return manifest
    discard(folder)
    return None


def _made(
    run_id: str, layout: Layout, subject: Subject, part_records: int
) -> Generator[Job[Any], Any, Manifest]:
    draft = Draft(draft_of(layout, run_id), subject.about, best_format())
    yield NoteArchived(run_id, draft.records)
    while True:
        with reading(layout) as connection:
            found = slices(connection, subject, draft.last_seq, part_records)
            added = draft.add_part(found)
        if not added:
            break
        yield NoteArchived(run_id, draft.records)
    return draft.finish(archive_of(layout, run_id))
