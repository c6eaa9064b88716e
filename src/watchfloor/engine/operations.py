"""Asking for things: a durable row first, then the engine's answer.

Where nobody owns the workspace, the asker owns it for the moment that applying its
command takes, through the engine's own code, and never dispatches.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from functools import partial
from typing import Final, TypeVar

from watchfloor.domain.actors import Asker, Owner
from watchfloor.domain.cohorts import to_payload
from watchfloor.domain.errors import (
    ConfigError,
    OwnedError,
    StoreError,
    WatchfloorError,
)
from watchfloor.domain.identity import new_id
from watchfloor.domain.previews import Preview
from watchfloor.domain.regions import History
from watchfloor.domain.resolutions import ResolvePreview
from watchfloor.domain.text import clean
from watchfloor.domain.views import Receipt
from watchfloor.engine import jobs
from watchfloor.engine.commands import RefuseCommand, TakeCommand
from watchfloor.engine.committer import Committer, Job
from watchfloor.engine.giving_up import GiveUp
from watchfloor.engine.historian import create_history_now
from watchfloor.engine.notices import due, send_owed_now
from watchfloor.engine.private_pieces import (
    check_free,
    new_pieces,
)
from watchfloor.engine.purging import purge_now
from watchfloor.engine.resolving import ResolveSlice
from watchfloor.engine.sharing_files import share
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.tenure import tenure
from watchfloor.engine.waiting import file_held, told_if_slow
from watchfloor.store.handle import DriverError, fault_of
from watchfloor.store.inbox import Command, Inbox, ask, create_inbox
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.history import purges_asked
from watchfloor.store.reads.journal import receipt
from watchfloor.store.reads.resolutions import open_resolutions

log = logging.getLogger(__name__)
T = TypeVar("T")

ANSWER_POLL_S: Final = 0.02


def create_workspace(
    layout: Layout,
    settings_text: str,
    around: Surroundings,
    owner: Owner,
    *,
    group: int | None = None,
) -> None:
    """Make a workspace's files: settings, store, inbox and folders, all private.

    Args:
        layout: Where the workspace is to be.
        settings_text: What its settings file is to say.
        around: Clock and chance.
        owner: Who makes it.
        group: A group of the system that may look and ask; None for nobody.

    Raises:
        ConfigError: Something of that name is there already, and nothing was changed;
            or the files cannot be made or shared, and none of them is left.
        StoreError: The store cannot be made; no file is left.
    """
    if layout.settings.exists():
        msg = f"{layout.root} is a workspace already; nothing was changed"
        raise ConfigError(msg)
    check_free(layout)
    try:
        with new_pieces() as pieces:
            for folder in (layout.root, layout.campaigns, layout.uploads, layout.asks):
                pieces.make_folder(folder)
            pieces.make_file(layout.settings, settings_text)
            # Made here, empty and ours: else what lay in the way would be followed.
            for path in (layout.inbox, layout.state, layout.lock):
                pieces.make_file(path)
            create_inbox(layout)
            with tenure(
                layout, around, owner, dispatches=False, creates=True
            ) as committer:
                committer.submit(jobs.let_go)
                committer.round()
            layout.state.chmod(0o600)
            if group is not None:
                share(layout, group)
    except StoreError as error:
        raise StoreError(_unmade(layout, _driver_said(layout, error))) from error
    except ConfigError as error:
        raise ConfigError(_unmade(layout, str(error))) from error
    except OSError as error:
        of = f"{error.filename}: " if error.filename else ""
        said = f"{of}{(error.strerror or 'the system says no').lower()}"
        raise ConfigError(_unmade(layout, said)) from error


def _unmade(layout: Layout, said: str) -> str:
    return (
        f"the workspace {layout.root} cannot be made: {said}. Nothing of it is left; "
        "mend that, then make it again"
    )


def _driver_said(layout: Layout, error: StoreError) -> str:
    """Return what became of a store, without what to do about one that is in use."""
    cause = error.__cause__
    if isinstance(cause, DriverError):
        return fault_of(cause, layout.state).said
    return str(error)


def steering_command(
    preview: Preview,
    asker: Asker,
    reason: str,
    around: Surroundings,
    *,
    typed: str,
) -> Command:
    """Return the command a preview stands for; it carries what was seen.

    Args:
        preview: What was shown and confirmed.
        asker: By whom.
        reason: Why.
        around: Clock and chance.
        typed: What a person typed to confirm, or empty: never filled in for them from
            what the preview wants to be typed.
    """
    return Command(
        command_id=new_id(around.now_ms(), around.entropy(10)),
        at_ms=around.now_ms(),
        verb=preview.verb.value,
        run_id=preview.run_id,
        by=asker.by,
        origin=asker.origin,
        role=asker.role,
        why=reason,
        payload={"seen": asdict(preview.seen), "typed": typed},
    )


def order(
    verb: str,
    run_id: str,
    asker: Asker,
    around: Surroundings,
    *,
    why: str = "",
    payload: Mapping[str, object] | None = None,
) -> Command:
    """Return a command that needs no preview; see ``engine.orders``."""
    return Command(
        command_id=new_id(around.now_ms(), around.entropy(10)),
        at_ms=around.now_ms(),
        verb=verb,
        run_id=run_id,
        by=asker.by,
        origin=asker.origin,
        role=asker.role,
        why=why,
        payload=payload or {},
    )


def resolve_command(
    seen: ResolvePreview, asker: Asker, reason: str, around: Surroundings
) -> Command:
    """Return the resolution a preview stands for; it carries the number seen."""
    cohort = to_payload(seen.selection)
    shown = {"unknown": seen.records, "as": seen.resolve_as, "selection": cohort}
    payload = {
        "selection": cohort,
        "as": seen.resolve_as.value,
        "expected": seen.records,
        "seen": shown,
    }
    return order("resolve", seen.run_id, asker, around, why=reason, payload=payload)


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
    with told_if_slow(around.tell, lambda: file_held(layout.inbox)):
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
    if not layout.may_own:
        # Not its owner: what was asked waits for an engine.
        return False
    try:
        with (
            tenure(layout, around, owner, dispatches=False) as committer,
            closing(Inbox(layout)) as inbox,
        ):
            commands = inbox.waiting()
            for command in commands:
                _take(committer, command)
            _resolve(committer, around)
            _do_afterwork(committer, layout, around)
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


def _resolve(committer: Committer, around: Surroundings) -> None:
    """Go on with resolutions that have only begun; a look-up waits for an engine."""
    begun = committer.submit(lambda tx: open_resolutions(tx.connection))
    committer.round()
    for one in begun.result():
        while one.state != "asking":
            more = committer.submit(ResolveSlice(one.number))
            committer.round()
            error = more.exception()
            if isinstance(error, StoreError):
                raise error
            if error is not None:
                around.survived(error)
                given_up = committer.submit(GiveUp(one.number, error))
                committer.round()
                given_up.result()
                break
            if not more.result():
                break


def _do_afterwork(committer: Committer, layout: Layout, around: Surroundings) -> None:
    """Do what is owed and does not take long; an engine does the rest."""

    def tried(work: Callable[[], bool]) -> bool:
        """Do one piece of what is owed; one that fails must not fail the verb."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - an engine does it later, and tells
            told = clean(error)
            if not isinstance(error, WatchfloorError):
                told = f"{type(error).__name__}. {around.mishap(error)}"
            log.warning("left for an engine: %s", told)
            return False

    for run_id, ledger in list(committer.ledgers.items()):
        if ledger.lifecycle.history is History.CREATING:
            tried(partial(create_history_now, committer, run_id, layout))
    asked = committer.submit(lambda tx: purges_asked(tx.connection))
    owed = committer.submit(lambda tx: bool(due(tx)))
    committer.round()
    for run_id in asked.result() if tried(lambda: bool(asked.result())) else ():
        committer.owes_fold |= tried(partial(purge_now, committer, run_id, layout))
    if tried(owed.result):
        tried(partial(_send_owed, committer))


def _send_owed(committer: Committer) -> bool:
    """Send the notices that are owed, as far as the mail server takes them."""

    async def done(job: Job[T]) -> T:
        answer = committer.submit(job)
        committer.round()
        return answer.result()

    workspace = committer.workspace.last_known()
    unsent = asyncio.run(send_owed_now(workspace, done))
    # Without a mail server the journal says so once; no verb needs to repeat it.
    for one in unsent if workspace.mail else ():
        log.warning("%s", one)
    return True


def _receipt(layout: Layout, command_id: str) -> Receipt | None:
    with reading(layout) as connection:
        return receipt(connection, command_id)
