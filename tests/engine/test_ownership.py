from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import update
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.errors import ConfigError, NotFoundError, OwnedError, StoreError
from watchfloor.domain.regions import Verb
from watchfloor.engine.operations import create_workspace
from watchfloor.engine.ownership import Ownership, Taking
from watchfloor.engine.private_pieces import new_pieces
from watchfloor.engine.running import EngineThread, run_engine
from watchfloor.engine.tenure import tenure
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import is_owned
from watchfloor.store.sqlite import writing_engine
from watchfloor.store.tables import lease


def test_a_second_engine_is_refused_by_the_holders_name_and_changes_nothing(floor):
    with floor.engine(name="night shift"):
        epoch = floor.pulse().epoch
        with (
            pytest.raises(OwnedError, match=f"night shift .pid {os.getpid()}"),
            floor.engine(name="second"),
        ):
            pass
        assert floor.pulse().epoch == epoch

    with floor.engine(name="third"):
        assert floor.pulse().epoch == epoch + 1


def test_an_engine_thread_that_cannot_own_says_so_to_who_starts_it(floor):
    with floor.engine():
        second = EngineThread(floor.layout, floor.around, floor.owner)
        with pytest.raises(OwnedError, match="owned by"):
            second.start()


def test_the_lock_is_free_as_soon_as_its_holder_lets_go(tmp_path):
    layout = Layout(tmp_path)
    assert not is_owned(layout)
    held = Ownership.taken(layout, "one")
    assert is_owned(layout)
    with pytest.raises(OwnedError, match="owned by one"):
        Ownership.taken(layout, "two")

    held.release()
    held.release()

    assert not is_owned(layout)
    Ownership.taken(layout, "two").release()


@contextmanager
def no_room() -> Iterator[None]:
    """Let the system refuse this process every byte of a file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def descriptors() -> list[str]:
    return sorted(path.name for path in Path("/dev/fd").iterdir())


@pytest.mark.parametrize("take", [Ownership.taken, Ownership.beside])
def test_a_lock_that_cannot_be_written_is_told_and_left_to_the_next(tmp_path, take):
    layout = Layout(tmp_path)
    before = descriptors()

    with no_room(), pytest.raises(StoreError, match="cannot be written: ") as refused:
        take(layout, "one")

    assert "Nothing was changed or sent. Let the folder be" in str(refused.value)
    assert descriptors() == before
    assert not [*tmp_path.glob("engine.lock.*")]
    assert not is_owned(layout)
    take(layout, "two").release()


def test_an_engine_waits_for_a_verb_that_owns_for_a_moment(floor):
    with tenure(floor.layout, floor.around, floor.owner, dispatches=False):
        engine = EngineThread(floor.layout, floor.around, floor.owner)
        starting = Thread(target=engine.start)
        starting.start()
        until(lambda: engine.is_running)
        epoch = floor.pulse().epoch
    starting.join()

    assert floor.pulse().epoch == epoch + 1
    engine.stop()
    assert engine.join() is True


def test_an_engine_whose_workspace_was_taken_over_stops_and_changes_nothing_more(
    floor, provider
):
    provider.otherwise = Reply(after_s=0.005)
    run_id = floor.launched(webhook(provider.url, permits=3), ids(500))
    with suppress(OwnedError), floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 10)
        usurper = writing_engine(floor.layout.state)
        with usurper.begin() as connection:
            connection.execute(update(lease).values(epoch=lease.c.epoch + 1))
        usurper.dispose()
        taken_over = floor.books(run_id)
        with pytest.raises(OwnedError, match="taken this workspace over"):
            engine.ended()

    assert floor.assert_books_hold(run_id) == taken_over
    # What was in flight at that moment may still have left; no more than that.
    assert len(provider.arrivals) <= taken_over.delivered + taken_over.attempting
    floor.carried_out()
    assert len(set(provider.keys)) == 500
    assert all(len(bodies) == 1 for bodies in provider.bodies_by_key.values())
    assert floor.assert_books_hold(run_id).delivered == 500


def test_there_is_no_engine_without_a_workspace(floor, tmp_path):
    with pytest.raises(NotFoundError, match="watchfloor init"):
        run_engine(Layout(tmp_path / "nowhere"), floor.around, floor.owner)


def test_a_workspace_is_made_once_and_privately(floor):
    modes = {
        path.name: path.stat().st_mode & 0o077 for path in floor.layout.root.iterdir()
    }

    with pytest.raises(ConfigError, match="is a workspace already"):
        create_workspace(
            floor.layout, default_workspace_text("x", "X"), floor.around, floor.owner
        )

    assert set(modes) >= {"watchfloor.toml", "state.db", "inbox.db", "engine.lock"}
    assert set(modes.values()) == {0}


def test_pieces_that_somebody_else_made_are_not_taken_away(tmp_path):
    ours, theirs = tmp_path / "ours" / "uploads", tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "watchfloor.toml").touch()

    with suppress(FileExistsError), new_pieces() as pieces:
        for folder in (ours, theirs):
            pieces.make_folder(folder)
        pieces.make_file(ours.parent / "state.db")
        pieces.make_file(theirs / "watchfloor.toml")

    assert [one.name for one in tmp_path.iterdir()] == ["theirs"]
    assert (theirs / "watchfloor.toml").exists()


def test_without_an_engine_a_command_is_applied_but_nothing_is_sent_or_launched(
    floor, provider
):
    run_id = floor.launched(webhook(provider.url), ids(10))
    with floor.engine():
        floor.until_ended(run_id)
    waiting = floor.launched(webhook(provider.url), ids(10))
    floor.steered(Verb.PAUSE, waiting)
    with floor.engine():
        until(lambda: floor.books(waiting).records == 10)
        until(lambda: floor.view(waiting).label == "Queued + paused")
    sent = len(provider.arrivals)

    floor.steered(Verb.RESUME, waiting)
    for _ in range(3):
        assert floor.apply_what_waits()

    run = floor.view(waiting)
    assert (run.label, run.launch_id) == ("Queued", None)
    assert len(provider.arrivals) == sent == 10
    floor.carried_out()
    assert len(provider.arrivals) == 20


def test_where_an_engine_owns_the_workspace_a_verb_does_not(floor):
    with floor.engine():
        epoch = floor.pulse().epoch
        assert floor.apply_what_waits() is False
        assert floor.pulse().epoch == epoch


@pytest.mark.parametrize("away_ms", [(), (60_000,)], ids=["it beats", "it wakes"])
def test_an_owner_that_beats_again_is_not_passed_over(floor, provider, away_ms):
    """Whoever typed the word for it may have looked at it minutes ago."""
    told = webhook(provider.url, 'delivery = "at_most_once"', permits=3)
    provider.hold()
    run_id = floor.launched(told, ids(9))
    # One that wakes was silent at the first look.
    later_ms = iter(away_ms)
    around = floor.around._replace(
        now_ms=lambda: floor.around.now_ms() + next(later_ms, 0)
    )
    with floor.engine() as engine:
        until(lambda: provider.at_once == 3)
        epoch = floor.pulse().epoch
        until(lambda: floor.pulse().heartbeat_at_ms > floor.around.now_ms() - 2_000)
        with (
            pytest.raises(OwnedError, match="the owner lives and stores again"),
            tenure(
                floor.layout,
                around,
                floor.owner,
                dispatches=True,
                taking=Taking(seizes=True),
            ),
        ):
            pass

        assert floor.pulse().epoch == epoch
        assert [one.name for one in floor.layout.root.glob("engine.lock*")] == [
            "engine.lock"
        ]
        provider.let_go()
        until(lambda: floor.books(run_id).delivered == 9)
        assert engine.is_running
    assert len(provider.arrivals) == 9


LATER_MS = 60_000


def replaced_by_another(layout: Layout) -> bytes:
    """Let a newer owner's lock stand in the place of the workspace's; return it."""
    newer, text = layout.root / "newer", b"the lock of a newer owner"
    newer.write_bytes(text)
    newer.replace(layout.lock)
    return text


def seizing(floor):
    """Pass over whoever owns the workspace, and beats no more by then."""
    around = floor.around._replace(now_ms=lambda: floor.around.now_ms() + LATER_MS)
    seizes = Taking(seizes=True)
    return tenure(floor.layout, around, floor.owner, dispatches=True, taking=seizes)


def test_who_passes_a_silent_owner_over_has_the_lock_that_others_find(floor):
    with tenure(floor.layout, floor.around, floor.owner, dispatches=True):
        epoch, old = floor.pulse().epoch, floor.layout.lock.stat().st_ino
        with seizing(floor):
            assert floor.pulse().epoch == epoch + 1
            assert floor.layout.lock.stat().st_ino != old
            assert is_owned(floor.layout)
            assert not [*floor.layout.root.glob("engine.lock.*")]
        # The old one holds a file that nobody finds.
        assert not is_owned(floor.layout)


def test_of_two_that_seize_at_once_the_lock_of_the_newer_one_stays(floor):
    """The older one has taken its epoch, and not put its lock in place yet."""
    newer = replaced_by_another(floor.layout)
    overtaken = "UPDATE lease SET epoch = epoch + 1"
    writer = writing_engine(floor.layout.state)
    with writer.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER at_the_next_commit AFTER UPDATE OF changes ON lease "
            f"BEGIN {overtaken}; END"
        )
    writer.dispose()

    with (
        pytest.raises(OwnedError, match="taken this workspace over"),
        seizing(floor),
    ):
        pass

    assert floor.layout.lock.read_bytes() == newer
    assert not [*floor.layout.root.glob("engine.lock.*")]


def test_who_holds_the_lock_that_was_replaced_takes_no_epoch(floor):
    """It took the lock of one that was passed over, as that ended."""
    epoch, late = floor.pulse().epoch, replace(floor.owner, name="late")
    refused: list[OwnedError] = []

    def start() -> None:
        try:
            with tenure(floor.layout, floor.around, late, dispatches=True):
                pass
        except OwnedError as error:
            refused.append(error)

    writer = writing_engine(floor.layout.state)
    with writer.begin() as connection:
        connection.execute(update(lease).values(changes=lease.c.changes))
        starting = Thread(target=start)
        starting.start()
        until(lambda: floor.layout.lock.read_bytes().startswith(b"late "))
        newer = replaced_by_another(floor.layout)
    writer.dispose()
    starting.join()

    assert "taken this workspace over" in str(refused[0])
    assert floor.pulse().epoch == epoch
    assert floor.layout.lock.read_bytes() == newer
