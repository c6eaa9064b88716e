"""Bringing a workspace back from a backup, without sending again what it cannot know.

Everything is made and checked beside the place that it is for, and gets its name last:
a restore that is cut off leaves nothing that an engine would take for a workspace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from watchfloor.domain.actors import Asker, Owner
from watchfloor.domain.anchors import anchor_at, anchors_in
from watchfloor.domain.chain_walk import RESTORED
from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.domain.lifecycle import refusal
from watchfloor.domain.regions import Verb
from watchfloor.engine import jobs
from watchfloor.engine.auditing import known_anchors
from watchfloor.engine.belongings import missing_lists
from watchfloor.engine.changes import Transaction, apply, request
from watchfloor.engine.ledger import Ledger, Request
from watchfloor.engine.looking_over import flaws
from watchfloor.engine.restored_place import Mark, check_place, put_in_place
from watchfloor.engine.sharing_files import share_again
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.tenure import tenure
from watchfloor.engine.workspace_settings import checked_workspace
from watchfloor.store.anchor_file import append_anchor
from watchfloor.store.archive.private_files import (
    make_folder,
    settle_folder,
)
from watchfloor.store.backups.contents import (
    Manifest,
)
from watchfloor.store.backups.scratch import scratch, settled
from watchfloor.store.backups.stores import AboutStore, stored_in
from watchfloor.store.backups.unpacking import OnProgress, unpacked
from watchfloor.store.handle import DriverError
from watchfloor.store.inbox import create_inbox
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import is_owned
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import campaign_text
from watchfloor.store.writes.lease import rename
from watchfloor.store.writes.restoring import give_up_owed
from watchfloor.store.writes.runs import add_entry, save_run_values

#: Takes what does not hold in a backup, and returns whether it is meant all the same.
Accepts = Callable[[Sequence[str]], bool]
#: Of what did not hold the journal keeps so many characters.
_MOST: Final = 2_000


class HeldRun(NamedTuple):
    """A run that was live when the backup was made.

    Attributes:
        unfinished: Records that may have been contacted since.
        lists_missing: Suppression lists that it names and that did not come back:
            nobody is contacted without them.
    """

    run_id: str
    campaign_name: str
    unfinished: int
    lists_missing: tuple[str, ...] = ()


class Restored(NamedTuple):
    """What a restore came to.

    Attributes:
        instance: The new id of the workspace.
        held: Runs that wait for a word.
        unsent: Notices and alerts that were owed then and are not told again.
        original_lives: Whether an engine owns the workspace that the backup is of.
        flaws: What does not hold in it, and was accepted.
        shared_with: The group that it is shared with, as the one before was.
        warnings: What could not be done although the workspace is there.
    """

    manifest: Manifest
    instance: str
    held: tuple[HeldRun, ...]
    unsent: int
    original_lives: bool
    flaws: tuple[str, ...] = ()
    shared_with: str = ""
    warnings: tuple[str, ...] = ()


def moment_of(manifest: Manifest) -> str:
    """Return when a backup was made, as people read it."""
    at = datetime.fromtimestamp(manifest.made_at_ms / 1000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def restore(  # noqa: PLR0913 - each is asked for once, by one verb
    backup: Path,
    root: Path,
    around: Surroundings,
    owner: Owner,
    asker: Asker,
    *,
    again: bool = False,
    accepts: Accepts = lambda _: False,
    on_progress: OnProgress = lambda *_: None,
) -> Restored:
    """Make a workspace of a backup, its live runs held.

    Args:
        backup: The file; nothing of it is believed unchecked.
        root: Where the workspace is to be; not there yet, or an empty folder.
        around: Clock and chance.
        owner: Who owns the new workspace while it is made.
        asker: Who asked for it, for the journal.
        again: Whether it may have been restored before.
        accepts: Is asked where its chain or its books do not hold, with what does not.
        on_progress: See ``OnProgress``.

    Raises:
        ConfigError: The backup is damaged or none, was restored before, or does not
            hold and was not accepted so, or the place is taken; nothing is left.
        StoreError: The store in it cannot be used; nothing is left.
    """
    check_place(root)
    mark = Mark(backup, again=again)
    root = root.absolute()
    try:
        make_folder(root.parent)
        with scratch(root) as aside:
            staging = aside / "workspace"
            staging.mkdir(mode=0o700)
            manifest = unpacked(backup, staging, on_progress)
            made = _made(
                Layout(staging), manifest, backup, around, owner, asker, accepts=accepts
            )
            made = _shared(Layout(staging), made)
            made = made._replace(
                warnings=(*made.warnings, *_anchors_elsewhere(Layout(staging)))
            )
            _settle_folders(staging)
            unmarked = put_in_place(staging, root, mark, made.instance)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        msg = f"{root} cannot be restored: {where}{error.strerror}; nothing is left"
        raise ConfigError(msg) from error
    # It is there: what fails from here on takes nothing away from it.
    return made._replace(warnings=(*made.warnings, *unmarked, *settled(root)))


def _anchors_elsewhere(layout: Layout) -> Iterator[str]:
    """Yield what is to be told of the places where the one before keeps its anchors."""
    try:
        audit = checked_workspace(layout.settings).audit
    except ConfigError:
        return
    if audit.path:
        yield (
            f"[audit] of its watchfloor.toml names {audit.path}, where the workspace "
            "before keeps its anchors: an engine here writes nothing into a file of "
            "another's. Where this one is to go on, name a new one"
        )
    if audit.hook:
        yield (
            f"[audit] of its watchfloor.toml names the hook {audit.hook}: an engine "
            "here tells it anchors of another workspace. For a trial, take it out first"
        )


def _shared(layout: Layout, made: Restored) -> Restored:
    """Share a workspace with the group that shared the one before, if that can be."""
    group = made.manifest.group
    if not group:
        return made
    names = [one.name for one in made.manifest.files if one.is_shared]
    try:
        share_again(layout, group, names)
    except ConfigError as error:
        told = (
            f"the workspace before was shared with the group {group}, and this one is "
            f"yours alone: {error}. Where a member of it restores, it is shared"
        )
        return made._replace(warnings=(*made.warnings, told))
    return made._replace(shared_with=group)


def _made(  # noqa: PLR0913 - what one restore goes by
    layout: Layout,
    manifest: Manifest,
    backup: Path,
    around: Surroundings,
    owner: Owner,
    asker: Asker,
    *,
    accepts: Accepts,
) -> Restored:
    """Make a workspace of what was unpacked, and hold what was live in it."""
    try:
        about = stored_in(layout.state)
        _check_fits(about, manifest)
        for folder in (layout.campaigns, layout.uploads):
            folder.mkdir(mode=0o700, exist_ok=True)
        create_inbox(layout)
        if manifest.link:
            # What the chain was when the backup was made is its first anchor here.
            digest = bytes.fromhex(manifest.head)
            first = (manifest.instance, manifest.link, digest, manifest.made_at_ms)
            append_anchor(layout.anchors, anchor_at(*first))
        with tenure(layout, around, owner, dispatches=False) as committer:
            noted = anchors_in(known_anchors([layout.anchors]))
            wrong = flaws(partial(reading, layout), noted)
            if wrong and not accepts(wrong):
                raise _refused(backup, wrong)
            # A stop that was under way is swept to its end: only a run that may still
            # keep its promises can be paused.
            while committer.round():
                pass
            job = _Hold(layout, manifest, asker, wrong)
            held = committer.submit(job)
            committer.submit(jobs.let_go)
            committer.round()
            runs, unsent = held.result()
    except StoreError as error:
        msg = f"{backup}: {error}. Nothing was restored"
        raise StoreError(msg) from error
    except DriverError as error:
        # Its journal lost the entries at its end, and the chain has links of them.
        msg = (
            f"{backup}: its journal cannot be gone on with ({error.orig}). Nothing was "
            "restored; an earlier backup may hold"
        )
        raise StoreError(msg) from error
    original = Layout(Path(manifest.root))
    return Restored(
        manifest,
        job.instance,
        runs,
        unsent,
        original.exists and is_owned(original),
        wrong,
    )


def _refused(backup: Path, wrong: Sequence[str]) -> ConfigError:
    return ConfigError(
        *(f"{backup}: {one}" for one in wrong),
        "nothing was restored. Keep it as it is; an earlier backup may hold, and "
        "restore --yes takes this one for what it is",
    )


def _check_fits(about: AboutStore, manifest: Manifest) -> None:
    said = (manifest.instance, manifest.schema, manifest.link, manifest.head)
    if about != said:
        raise StoreError("the store in it is not the one that its manifest tells of")


class _Hold:
    """The job that makes a restored workspace another one, and holds its live runs."""

    def __init__(
        self,
        layout: Layout,
        manifest: Manifest,
        asker: Asker,
        wrong: Sequence[str],
    ) -> None:
        self._layout = layout
        self._manifest = manifest
        self._wrong = "".join(f"; accepted although {one}" for one in wrong)
        self._asker = asker
        self.instance = ""

    def __call__(self, tx: Transaction) -> tuple[tuple[HeldRun, ...], int]:
        """Return what is held, and how much that was owed is not told again."""
        told = self._manifest
        self.instance = tx.around.entropy(8).hex()
        rename(tx.connection, self.instance)
        when = moment_of(told)
        why = f"restored from a backup of {when}: what was sent after it is not known"
        unsent = give_up_owed(tx.connection, f"{why}; it may have been told since")
        add_entry(
            tx.connection,
            {
                "at_ms": tx.now_ms,
                "run_id": "",
                "event": RESTORED,
                "before": f"{told.instance}@{told.link}",
                "after": self.instance,
                "by": self._asker.by,
                "origin": self._asker.origin,
                "detail": f"from a backup of {when}, made on {told.host}{self._wrong}"[
                    :_MOST
                ],
                "epoch": tx.epoch,
            },
        )
        live = [one for one in tx.ledgers.values() if not one.lifecycle.is_ended]
        held = [
            _held(tx, one, told.made_at_ms, why)._replace(
                lists_missing=missing_lists(
                    self._layout, campaign_text(tx.connection, one.run_id)
                )
            )
            for one in live
        ]
        return tuple(held), unsent


def _held(tx: Transaction, ledger: Ledger, made_at_ms: int, why: str) -> HeldRun:
    itself = Request(by="engine", why=why)
    if refusal(ledger.lifecycle, Verb.PAUSE) is None:
        request(tx, ledger, Verb.PAUSE, itself)
        apply(tx, ledger)
    else:
        save_run_values(
            tx.connection,
            ledger.run_no,
            gate_by=itself.by,
            gate_at_ms=tx.now_ms,
            gate_why=why,
        )
    ledger.restored_from_ms = made_at_ms
    save_run_values(tx.connection, ledger.run_no, restored_from_ms=made_at_ms)
    tx.changed.add(ledger.run_id)
    unfinished = ledger.books.remaining + ledger.books.unjudged
    return HeldRun(ledger.run_id, ledger.campaign_name, unfinished)


def _settle_folders(root: Path) -> None:
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
        settle_folder(folder)
