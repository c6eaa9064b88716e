"""After the end: hiding a run, and taking its people out for good.

A purge is a wish in the store first. Then rows are redacted slice by slice, files are
removed, and the store is searched once more; only when nobody is found is the run told
to be purged. Until then every start of an engine goes through all of it again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from watchfloor.domain.errors import ConfigError, Refusal, RefusedError, StoreError
from watchfloor.domain.labels import native
from watchfloor.domain.regions import Fact, History
from watchfloor.domain.text import clean
from watchfloor.engine.changes import Transaction, adopt, tell
from watchfloor.engine.committer import Committer, Submit
from watchfloor.engine.errands import Errand, carried_out, carried_out_now
from watchfloor.engine.ledger import Ledger, Request
from watchfloor.engine.resolving import under_way
from watchfloor.engine.uploads import discard_half_taken
from watchfloor.store.archive.columns import VERSION
from watchfloor.store.archive.drafts import discard
from watchfloor.store.archive.manifest import FILE
from watchfloor.store.archive.places import archive_of, draft_of
from watchfloor.store.archive.private_files import (
    make_folder,
    settle_folder,
    write_json,
)
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.history import (
    PurgeFacts,
    history_view,
    people_left,
    purge_facts,
    upload_users,
)
from watchfloor.store.reads.resolutions import open_resolutions
from watchfloor.store.reads.retries import child_taking_up
from watchfloor.store.reads.runs import ledger_rows
from watchfloor.store.writes.history import PURGES, Key
from watchfloor.store.writes.overwriting import overwrite_deleted
from watchfloor.store.writes.runs import add_entry, save_run_values

#: Rows of one transaction: some tens of milliseconds of the one writer.
PURGE_ROWS = 5_000


def set_hidden(tx: Transaction, run_id: str, asked: Request, *, hidden: bool) -> None:
    """Keep an ended run off the lists, or show it again; nothing else changes.

    Raises:
        ConfigError: The run has not ended, or is hidden or shown already.
        NotFoundError: No run has this id.
    """
    facts = purge_facts(tx.connection, run_id)
    ledger = _ended(tx, run_id, "hidden")
    if history_view(tx.connection, run_id).is_hidden == hidden:
        now = "hidden" if hidden else "not hidden"
        msg = f"run {run_id} is {now} already; nothing was changed"
        raise ConfigError(msg)
    save_run_values(tx.connection, facts.run_no, hidden=int(hidden))
    _enter(tx, ledger, "hidden" if hidden else "shown again", asked)


def ask_purge(tx: Transaction, run_id: str, asked: Request) -> None:
    """Store that a run's people are to be taken out; ``purge`` does it.

    Results are closed with it: what a provider still reports finds nobody.

    Raises:
        ConfigError: The run has not ended, its history is not created, or it is purged.
        RefusedError: A look-up or a resolution of it is under way.
        NotFoundError: No run has this id.
    """
    facts = purge_facts(tx.connection, run_id)
    ledger = _ended(tx, run_id, "purged")
    if facts.state is not History.CREATED:
        msg = (
            f"run {run_id} has no history yet, which keeps its counts; nothing was "
            f"purged. See how far it is: watchfloor history {run_id}"
        )
        raise ConfigError(msg)
    if facts.purge:
        msg = f"run {run_id} {_PURGE_WORDS[facts.purge]} already; nothing was changed"
        raise ConfigError(msg)
    if _leads_out(facts.upload_id):
        msg = (
            f"the upload of run {clean(run_id)} has an id that leads out of uploads/, "
            "where a purge removes nothing; nothing was purged. Remove the workspace "
            "as a whole when its people are to go"
        )
        raise ConfigError(msg)
    child = child_taking_up(tx.connection, run_id)
    if child:
        msg = (
            f"run {child} is taking up records of run {run_id}; nothing was purged. "
            "Try again when it has them"
        )
        raise ConfigError(msg)
    _check_resolutions(tx, facts.run_no)
    save_run_values(tx.connection, facts.run_no, purge="asked")
    _enter(tx, ledger, "purge requested", asked)
    tell(tx, adopt(tx, run_id), Fact.RESULTS_CLOSED, detail="the run is purged")


async def purge(run_id: str, layout: Layout, submit: Submit) -> bool:
    """Take the people out of a run whose purge was asked for, beside the current loop.

    Whatever is interrupted is gone through again from the beginning.

    Returns:
        Whether nobody is left; else the log says what was in the way.

    Raises:
        StoreError: The store took no writes, or cannot be read.
        OSError: A file could not be removed.
    """
    return await carried_out(_purging(run_id, layout), submit)


def purge_now(committer: Committer, run_id: str, layout: Layout) -> bool:
    """Take the people out of a run whose purge was asked for, on this thread.

    Returns, raises:
        As ``purge`` does; the committer's rounds run in here.
    """
    return carried_out_now(_purging(run_id, layout), committer)


class Place(NamedTuple):
    """How far a purge is: which of ``PURGES``, and the last key that is done."""

    table: int = 0
    after: Key = ()


class PurgeSlice:
    """The job that takes the people out of one slice of rows.

    It changes nothing of itself: a slice that could not be stored is done again.
    """

    needs_room = True

    def __init__(self, run_id: str, place: Place) -> None:
        self._run_id = run_id
        self._place = place

    def __call__(self, tx: Transaction) -> Place | None:
        """Return where to go on; None where no row is left."""
        facts = purge_facts(tx.connection, self._run_id)
        if facts.purge != "asked":
            return None
        table, after = self._place
        overwrite_deleted(tx.connection)
        last = PURGES[table](tx.connection, facts.run_no, after, PURGE_ROWS)
        tx.changed.add(self._run_id)
        if last is not None:
            return Place(table, last)
        return Place(table + 1) if table + 1 < len(PURGES) else None


class FinishPurge:
    """The job that says that nobody is left in a run."""

    def __init__(self, run_id: str, detail: str) -> None:
        self._run_id = run_id
        self._detail = detail

    def __call__(self, tx: Transaction) -> None:
        """Say so."""
        facts = purge_facts(tx.connection, self._run_id)
        save_run_values(tx.connection, facts.run_no, purge="done")
        ledger = _ended(tx, self._run_id, "purged")
        _enter(tx, ledger, "purged", Request(by="engine"), detail=self._detail)


def _purging(run_id: str, layout: Layout) -> Errand[bool]:
    place: Place | None = Place()
    while place is not None:
        place = yield PurgeSlice(run_id, place)
    with reading(layout) as connection:
        facts = purge_facts(connection, run_id)
        if facts.purge != "asked":
            return facts.purge == "done"
        users = upload_users(connection, facts.upload_id, but=run_id)
        told = history_view(connection, run_id).told
    _remove_files(layout, run_id, facts, told, keep_upload=bool(users))
    with reading(layout) as connection:
        left = people_left(connection, facts.run_no)
    if left:
        msg = (
            f"run {run_id} still holds people in {', '.join(left)} after its purge, "
            "which goes on; nothing else was changed"
        )
        raise StoreError(msg)
    kept = f"; its upload is kept for run {users[0]}" if users else ""
    yield FinishPurge(run_id, f"nobody is left in it, its counts are{kept}")
    return True


def _remove_files(
    layout: Layout,
    run_id: str,
    facts: PurgeFacts,
    told: dict[str, Any],
    *,
    keep_upload: bool,
) -> None:
    if not keep_upload and not _leads_out(facts.upload_id):
        upload = layout.upload(facts.upload_id)
        upload.unlink(missing_ok=True)
        discard_half_taken(upload)
        with suppress(FileNotFoundError):
            settle_folder(layout.uploads)
    discard(draft_of(layout, run_id))
    folder = archive_of(layout, run_id)
    discard(folder)
    make_folder(folder.parent)
    folder.mkdir(mode=0o700)
    names = ("run", "campaign", "outcome", "launch_id", "durations_ms", "books")
    rest = {name: told.get(name) for name in names}
    write_json(
        folder / FILE, {"watchfloor_archive": VERSION, "purged": True, "run": rest}
    )
    settle_folder(folder.parent)


def _leads_out(upload_id: str) -> bool:
    """Whether an upload's file lies elsewhere: nothing there is a purge's to remove.

    No run is launched under such an id; an older or another's store may hold one.
    """
    return "/" in upload_id or "\0" in upload_id


def _check_resolutions(tx: Transaction, run_no: int) -> None:
    """Refuse while something is said of records by those that are to be taken out."""
    for one in open_resolutions(tx.connection, run_no):
        msg = (
            f"a {under_way(one)}; nothing was purged. An engine carries it on "
            "(where none runs: watchfloor engine --until-idle); try again when it "
            "has ended"
        )
        raise RefusedError(Refusal.NOT_YET, msg)


_PURGE_WORDS = {"asked": "is being purged", "done": "was purged"}


def _ended(tx: Transaction, run_id: str, what: str) -> Ledger:
    ledger = tx.ledgers.get(run_id) or Ledger(ledger_rows(tx.connection, run_id)[0])
    if not ledger.lifecycle.is_ended:
        msg = (
            f"run {run_id} has not ended, and only an ended run can be {what}; nothing "
            f"was changed. Stop it first: watchfloor stop {run_id}"
        )
        raise ConfigError(msg)
    return ledger


def _enter(
    tx: Transaction, ledger: Ledger, event: str, asked: Request, *, detail: str = ""
) -> None:
    label = native(ledger.lifecycle, ledger.work)
    add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": ledger.run_id,
            "event": event,
            "before": label,
            "after": label,
            "by": asked.by,
            "origin": asked.origin,
            "why": asked.why,
            "detail": detail,
            "command_id": asked.command_id,
            "epoch": tx.epoch,
        },
    )
    tx.changed.add(ledger.run_id)
