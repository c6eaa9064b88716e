"""A desk that stays open while its workspace is replaced by what a backup held."""

from __future__ import annotations

import asyncio
import os

import pytest
from tests.support.floor import ASKER, campaign, ids
from tests.support.process import descriptors_of

from watchfloor.cli.desk import WholeDesk
from watchfloor.domain.errors import NotFoundError, StoreError
from watchfloor.domain.regions import Gate, Verb
from watchfloor.domain.roles import Role
from watchfloor.domain.views import PageKey
from watchfloor.engine.backing_up import back_up
from watchfloor.engine.restoring import restore


@pytest.fixture
async def desk(floor):
    made = WholeDesk(floor.layout, floor.around, ASKER, floor.owner)
    yield made
    await made.close()


async def replaced(floor, tmp_path):
    """Do what an operator does who goes back to a backup."""
    root = floor.layout.root
    root.rename(tmp_path / "old")
    told = (tmp_path / "b.tar", root, floor.around, floor.owner, ASKER)
    await asyncio.to_thread(restore, *told)


async def launched(floor):
    return await asyncio.to_thread(floor.launched, campaign(), ids(5))


async def test_what_a_restore_left_in_place_is_shown_and_only_that_is_commanded(
    floor, desk, tmp_path
):
    first = await launched(floor)
    await asyncio.to_thread(back_up, floor.layout, tmp_path / "b.tar", floor.around, "")
    second = await launched(floor)
    assert [run.run_id for run in (await desk.overview()).runs] == [second, first]
    seen = await desk.preview(Verb.RESUME, first)
    before = await desk.pulse()

    await replaced(floor, tmp_path)

    # What was seen before is of another workspace, whatever it is called there.
    with pytest.raises(StoreError, match=r"than the one that was shown.* Look again"):
        await desk.ask(seen)
    now = await desk.overview()
    assert [run.run_id for run in now.runs] == [first]
    assert now.runs[0].lifecycle.gate is Gate.PAUSED
    assert (await desk.pulse()).store == now.store == before.store + 1
    asked = await desk.ask(await desk.preview(Verb.CANCEL, first), typed=first)
    answer = await desk.receipt(asked.command_id)
    assert answer is not None
    assert answer.refusal != "NOT_FOUND"


async def test_what_was_checked_in_another_workspace_is_not_launched(
    floor, desk, tmp_path
):
    floor.layout.campaigns.mkdir(exist_ok=True)
    file = floor.layout.campaigns / "trial.toml"
    file.write_text(campaign())
    upload = tmp_path / "people.csv"
    upload.write_text("id,name\n" + "".join(f"{one},Ann\n" for one in ids(3)))
    await desk.pulse()
    checked = await desk.prospect(str(file), str(upload), lambda _: None)
    await asyncio.to_thread(back_up, floor.layout, tmp_path / "b.tar", floor.around, "")

    await replaced(floor, tmp_path)

    with pytest.raises(StoreError, match="nothing was asked"):
        await desk.launch(checked)
    await desk.pulse()
    with pytest.raises(NotFoundError, match="was dropped; nothing was launched"):
        await desk.launch(checked)


async def test_who_was_shown_nothing_commands_without_opening_the_store(floor, desk):
    run_id = await launched(floor)
    before = descriptors_of(floor.layout.state)

    asked = await desk.order("hide", run_id)

    assert descriptors_of(floor.layout.state) == before
    answer = await desk.receipt(asked.command_id)
    assert answer is not None
    assert answer.verb == "hide"


async def test_a_poll_tells_what_the_file_makes_of_who_asks(desk):
    pulse = await desk.pulse()

    assert (pulse.role, pulse.name) == (Role.ADMIN, "Floor")


async def test_a_role_that_the_file_takes_away_hides_people_from_then_on(
    floor, desk, monkeypatch
):
    """Somebody who is not the owner, as the system tells it, looks at the floor."""
    run_id = await launched(floor)
    await asyncio.to_thread(floor.carried_out)
    monkeypatch.setattr(os, "geteuid", lambda: 61_962)
    assert (await desk.pulse()).role is Role.OPERATOR
    [first, *_] = (await desk.records(run_id, PageKey(text="c0000"))).records
    assert first.key

    before = floor.layout.settings.read_text()
    floor.configure('[roles]\noperators = ["somebody-else"]')

    assert (await desk.pulse()).role is Role.VIEWER
    assert (await desk.records(run_id, PageKey(text="c0000"))).records == ()
    [first, *_] = (await desk.records(run_id, PageKey())).records
    assert first.key == ""

    floor.layout.settings.write_text(before)
    assert (await desk.pulse()).role is Role.OPERATOR
    assert (await desk.records(run_id, PageKey(text="c0000"))).records
