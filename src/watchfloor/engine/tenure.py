"""Owning a workspace: lock, epoch, the one writer, and what a crash left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from watchfloor.domain.actors import Owner
from watchfloor.domain.draining import FOR_A_MOMENT, Drain
from watchfloor.domain.errors import OwnedError, StoreError
from watchfloor.domain.taking_over import beats_still, beats_still_said
from watchfloor.engine.being_elsewhere import home
from watchfloor.engine.changes import Transaction
from watchfloor.engine.committer import Committer
from watchfloor.engine.keeping import Keeping
from watchfloor.engine.ownership import TAKES, Ownership, Taking
from watchfloor.engine.recovery import recover
from watchfloor.engine.sharing_files import leave_for_readers
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.waiting import (
    file_held,
    told_if_slow,
    what_it_is_at,
    workspace_held,
)
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.closed_places import check_closed
from watchfloor.store.disk import check_disk
from watchfloor.store.handle import DriverError, Handle, fault_of, hurry
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reserve import Reserve
from watchfloor.store.writes.connection import open_writer
from watchfloor.store.writes.lease import fence, passed_over, take


@contextmanager
def tenure(
    layout: Layout,
    around: Surroundings,
    owner: Owner,
    *,
    dispatches: bool,
    creates: bool = False,
    taking: Taking = TAKES,
) -> Iterator[Committer]:
    """Own the workspace while the block runs.

    Yields:
        A committer with every live run in mind and nothing in flight: what the last
        owner left was accounted for in the first transaction.

    Args:
        layout: Where the workspace is.
        around: Clock and chance.
        owner: Who takes it.
        dispatches: Whether this owner launches and sends.
        creates: Whether a workspace may be made that is not there yet.
        taking: How it is taken where somebody owns it.

    Raises:
        NotFoundError: There is no workspace, and none is to be made.
        OwnedError: Another process owns it; or was to be passed over, and beats.
        ConfigError: It is a copy of another workspace, or was moved and nobody said so.
        StoreError: The store cannot be used, lies on a network disk, or others may
            write the settings of an owner that dispatches.
    """
    if not creates:
        layout.check_exists()
    who = f"{owner.name} (pid {owner.pid} on {owner.host})"
    if not dispatches:
        who = f"{who}, {FOR_A_MOMENT}"
    _check_place(layout, dispatches=dispatches)
    lock = _taken(layout, who, around, taking, waits=dispatches)
    try:
        if dispatches:
            # What an owner that died had kept: now it is to be accounted for.
            Reserve(layout).make_way()
        with _told_of_a_lock(layout, around):
            connection = open_writer(layout, creates=creates)
        keeping = Keeping(layout, connection, dispatches=dispatches)
        is_well = False
        try:
            committer = _settled_in(
                connection,
                around,
                owner,
                layout,
                dispatches=dispatches,
                claim=partial(
                    _claimed,
                    connection,
                    layout,
                    around,
                    lock,
                    taking,
                    dispatches=dispatches,
                ),
            )
            if taking.seizes:
                _put_in_place(lock, layout, committer)
            _let_tell(committer, lock, connection)
            keeping.stand_by(committer)
            yield committer
            is_well = not committer.store_fault
        except Exception as error:
            told = keeping.told(error)
            if isinstance(told, StoreError) and not isinstance(told, OwnedError):
                lock.tell(str(told))
            if told is error:
                raise
            raise told from error
        finally:
            keeping.close(is_well=is_well)
            leave_for_readers(layout)
    finally:
        lock.release()


def _check_silent(connection: Handle, now_ms: int) -> None:
    """Check that an owner that is to be passed over has been silent for long enough.

    Raises:
        OwnedError: It beats: what it begins would be settled by another.
    """
    owner = engine_view(connection)
    if beats_still(owner, now_ms):
        raise OwnedError(beats_still_said(owner, now_ms))


def _let_tell(committer: Committer, lock: Ownership, connection: Handle) -> None:
    """Let a committer tell in the lock file what the store cannot."""

    def tell_drain(drain: Drain) -> None:
        lock.tell_drain(drain)
        # Who ends by a certain time cannot wait for whoever locks the store.
        hurry(connection)

    committer.on_fault = lock.tell
    committer.on_trouble = lock.tell_trouble
    committer.on_drain = tell_drain


def _taken(
    layout: Layout, who: str, around: Surroundings, taking: Taking, *, waits: bool
) -> Ownership:
    if taking.seizes:
        with reading(layout) as look:
            # Before anything of a living owner is touched: its reserve, the log.
            _check_silent(look, around.now_ms())
        return Ownership.beside(layout, who)
    if not (waits or taking.patience_s):
        # A verb asks again and again where somebody owns it: not a moment of waiting.
        return Ownership.taken(layout, who)
    with told_if_slow(around.tell, lambda: workspace_held(layout, around.now_ms())):
        return Ownership.taken(
            layout,
            who,
            waits=waits,
            patience_s=taking.patience_s,
            about=lambda: what_it_is_at(layout, around.now_ms()),
        )


def _told_of_a_lock(
    layout: Layout, around: Surroundings
) -> AbstractContextManager[None]:
    return told_if_slow(around.tell, lambda: file_held(layout.state))


def _check_place(layout: Layout, *, dispatches: bool) -> None:
    if dispatches:
        check_closed(layout)
    try:
        check_disk(layout.root)
    except StoreError:
        # Only then: whoever asks now and then must not read the file each time.
        if not WorkspaceSettings(layout).last_known().network_disk:
            raise


def _settled_in(
    connection: Handle,
    around: Surroundings,
    owner: Owner,
    layout: Layout,
    *,
    dispatches: bool,
    claim: Callable[[], str] = str,
) -> Committer:
    """Raise the epoch, read every live run and account for what a crash left.

    *claim* is asked first, in the same transaction, where the workspace is at home.
    """
    try:
        with _told_of_a_lock(layout, around), connection.begin():
            ran_at = claim()
            epoch = take(
                connection,
                owner,
                instance=around.entropy(8).hex(),
                now_ms=around.now_ms(),
                dispatches=dispatches,
                ran_at=ran_at,
            )
        committer = Committer(connection, epoch, around, layout, dispatches=dispatches)
        committer.load()
    except DriverError as error:
        fault = fault_of(error, layout.state)
        msg = (
            f"the store takes no writes: {fault.said}. Nothing was changed or sent. "
            f"{fault.do or 'Wait for that to end'}, or check it: watchfloor doctor"
        )
        raise StoreError(msg) from error
    recovered = committer.submit(recover)
    committer.round()
    recovered.result()
    return committer


def _claimed(
    connection: Handle,
    layout: Layout,
    around: Surroundings,
    lock: Ownership,
    taking: Taking,
    *,
    dispatches: bool,
) -> str:
    """Check that the workspace may be taken; return where it is at home then.

    In the transaction that takes the epoch: nothing comes between look and take.
    """
    if taking.seizes:
        # It may have woken while a person typed the word for this.
        _check_silent(connection, around.now_ms())
    elif lock.is_passed_over(layout):
        raise passed_over()
    return home(connection, layout, dispatches=dispatches, moved=taking.moved)


def _put_in_place(lock: Ownership, layout: Layout, committer: Committer) -> None:
    """Make the lock of an owner that passed another over the workspace's lock.

    Raises:
        OwnedError: It was passed over itself since: the newer one's lock stays.
        StoreError: It could not be.
    """

    def place(tx: Transaction) -> None:
        # First: from here on nobody takes a newer epoch until the lock stands.
        fence(tx.connection, tx.epoch, changes=0)
        lock.put_in_place(layout)

    placed = committer.submit(place)
    committer.round()
    placed.result()
