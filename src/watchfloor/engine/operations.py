"""Asking for things: a durable row first, then the engine's answer.

Where nobody owns the workspace, the asker owns it for the moment that applying its
command takes, through the engine's own code, and never dispatches.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeVar

from watchfloor.domain.actors import Asker, Owner
from watchfloor.domain.errors import ConfigError, OwnedError, StoreError
from watchfloor.domain.identity import new_id
from watchfloor.domain.previews import Preview
from watchfloor.domain.regions import History
from watchfloor.domain.views import Receipt
from watchfloor.engine import jobs
from watchfloor.engine.campaigns import check_columns, checked_campaign
from watchfloor.engine.commands import RefuseCommand, TakeCommand
from watchfloor.engine.committer import Committer, Job
from watchfloor.engine.historian import create_history_now
from watchfloor.engine.notices import send_owed_now
from watchfloor.engine.purging import purge_now
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.tenure import tenure
from watchfloor.intake.audience_file import AudienceReader
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.store.inbox import Command, Inbox, ask, create_inbox
from watchfloor.store.layout import Layout, upload_id_of
from watchfloor.store.reading import reading
from watchfloor.store.reads.history import purges_asked
from watchfloor.store.reads.journal import receipt
from watchfloor.store.reads.notices import due_notices

log = logging.getLogger(__name__)
T = TypeVar("T")

ANSWER_POLL_S: Final = 0.02
_CHUNK: Final = 1 << 20


def create_workspace(
    layout: Layout, settings_text: str, around: Surroundings, owner: Owner
) -> None:
    """Make a workspace's files: settings, store, inbox and folders, all private.

    Raises:
        ConfigError: Something of that name is there already; nothing was changed.
        StoreError: The files cannot be made.
    """
    if layout.settings.exists():
        msg = f"{layout.root} is a workspace already; nothing was changed"
        raise ConfigError(msg)
    try:
        for folder in (layout.root, layout.campaigns, layout.uploads):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(layout.settings, settings_text)
    except OSError as error:
        msg = f"the workspace {layout.root} cannot be made: {error}"
        raise ConfigError(msg) from error
    create_inbox(layout)
    with tenure(layout, around, owner, dispatches=False, creates=True) as committer:
        committer.submit(jobs.let_go)
        committer.round()
    layout.state.chmod(0o600)


def steering_command(
    preview: Preview, asker: Asker, reason: str, around: Surroundings
) -> Command:
    """Return the command a preview stands for; it carries what was seen."""
    return Command(
        command_id=new_id(around.now_ms(), around.entropy(10)),
        at_ms=around.now_ms(),
        verb=preview.verb.value,
        run_id=preview.run_id,
        by=asker.by,
        origin=asker.origin,
        why=reason,
        payload={"seen": asdict(preview.seen)},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A launch that was checked and whose upload is kept: ready to be asked for."""

    run_id: str
    campaign_name: str
    columns: tuple[str, ...]
    command: Command


def prepared_launch(
    layout: Layout,
    campaign_file: Path,
    upload: Path,
    asker: Asker,
    around: Surroundings,
    *,
    allow_twin: bool = False,
) -> Launch:
    """Check a campaign against an upload and keep the upload in the workspace.

    Nothing is asked yet: hand ``command`` to ``asked_of_engine``.

    Raises:
        ConfigError: A mistake in the campaign or a file that cannot be used; every
            one is named and nothing was kept.
    """
    text = read_toml_text(campaign_file)
    campaign = checked_campaign(text, campaign_file.name)
    with AudienceReader(upload, campaign.audience) as reader:
        columns = reader.columns
        check_columns(campaign, columns)
    now_ms = around.now_ms()
    run_id = new_id(now_ms, around.entropy(3))
    upload_id = upload_id_of(run_id)
    digest, size = _kept(upload, layout.upload(upload_id))
    payload = {
        "campaign_text": text,
        "campaign_origin": campaign_file.name,
        "upload_id": upload_id,
        "upload_name": upload.name,
        "sha256": digest,
        "bytes": size,
        "allow_twin": allow_twin,
    }
    command = Command(
        command_id=new_id(now_ms, around.entropy(10)),
        at_ms=now_ms,
        verb="launch",
        run_id=run_id,
        by=asker.by,
        origin=asker.origin,
        payload=payload,
    )
    return Launch(
        run_id=run_id, campaign_name=campaign.name, columns=columns, command=command
    )


async def asked_of_engine(
    layout: Layout,
    command: Command,
    around: Surroundings,
    owner: Owner,
    *,
    until: Callable[[Receipt], bool],
    patience_s: float,
) -> Receipt:
    """Ask, and wait for the answer.

    Args:
        layout: The workspace.
        command: What to ask; durable from the first moment on.
        around: Clock and chance.
        owner: Who owns the workspace for a moment where nobody does.
        until: Whether an answer is the one to wait for.
        patience_s: How long to wait; the command stays asked after that.

    Returns:
        The last answer; in state ``asked`` if the engine gave none in time.
    """
    await asyncio.to_thread(ask, layout, command)
    give_up = around.monotonic_s() + patience_s
    answer = Receipt(
        command_id=command.command_id,
        verb=command.verb,
        run_id=command.run_id,
        state="asked",
        asked_at_ms=command.at_ms,
    )
    while around.monotonic_s() < give_up:
        await asyncio.to_thread(apply_what_waits, layout, around, owner)
        found = await asyncio.to_thread(_receipt, layout, command.command_id)
        answer = found or answer
        if found is not None and (found.state == "refused" or until(found)):
            break
        await asyncio.sleep(ANSWER_POLL_S)
    return answer


def apply_what_waits(layout: Layout, around: Surroundings, owner: Owner) -> bool:
    """Apply what was asked where nobody owns the workspace; send nothing.

    Returns:
        Whether this process was the owner for that moment.
    """
    try:
        with (
            tenure(layout, around, owner, dispatches=False) as committer,
            closing(Inbox(layout)) as inbox,
        ):
            commands = inbox.waiting()
            for command in commands:
                _take(committer, command)
            _do_afterwork(committer, layout)
            let_go = committer.submit(jobs.let_go)
            committer.round()
            let_go.result()
            inbox.forget([command.command_id for command in commands])
    except OwnedError:
        return False
    return True


def _take(committer: Committer, command: Command) -> None:
    """Answer one command to the end of what it starts.

    Raises:
        StoreError: The store took no writes; the command waits on.
    """
    taken = committer.submit(TakeCommand(command))
    while committer.round():
        # An end is swept slice by slice; nobody else would go on with it.
        pass
    error = taken.exception()
    if isinstance(error, StoreError):
        raise error
    if error is not None:
        refused = committer.submit(RefuseCommand(command, error))
        committer.round()
        refused.result()


def _do_afterwork(committer: Committer, layout: Layout) -> None:
    """Do what is owed and does not take long; an engine does the rest."""
    for run_id, ledger in list(committer.ledgers.items()):
        if ledger.lifecycle.history is History.CREATING:
            create_history_now(committer, run_id, layout)
    asked = committer.submit(lambda tx: purges_asked(tx.connection))
    owed = committer.submit(lambda tx: bool(due_notices(tx.connection, tx.now_ms)))
    committer.round()
    for run_id in asked.result():
        purge_now(committer, run_id, layout)
    if owed.result():

        async def done(job: Job[T]) -> T:
            answer = committer.submit(job)
            committer.round()
            return answer.result()

        workspace = committer.workspace.last_known()
        for unsent in asyncio.run(send_owed_now(workspace, done)):
            log.warning("%s", unsent)


def _receipt(layout: Layout, command_id: str) -> Receipt | None:
    with reading(layout) as connection:
        return receipt(connection, command_id)


def _kept(source: Path, target: Path) -> tuple[str, int]:
    """Copy an upload into the workspace; return its sha-256 and size in bytes."""
    digest = hashlib.sha256()
    size = 0
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with (
            source.open("rb") as read,
            os.fdopen(os.open(target, flags, 0o600), "wb") as written,
        ):
            while chunk := read.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                written.write(chunk)
            written.flush()
            os.fsync(written.fileno())
    except OSError as error:
        target.unlink(missing_ok=True)
        free = shutil.disk_usage(target.parent.parent).free
        msg = (
            f"{source} cannot be kept as {target}: {error.strerror}; nothing was "
            f"launched ({free:,} bytes are free)"
        )
        raise ConfigError(msg) from error
    return digest.hexdigest(), size


def _write_private(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
