from __future__ import annotations

import re

import pytest

from watchfloor.console.discreet import DiscreetDesk
from watchfloor.console.portrait import run_portrait
from watchfloor.domain.errors import RefusedError
from watchfloor.domain.regions import Verb
from watchfloor.domain.roles import Role
from watchfloor.domain.views import PageKey
from watchfloor.triage.scrubbing import Scrubber

DOOR = Scrubber(b"k" * 32)


@pytest.fixture
def run(desk):
    return desk.runs[0]


@pytest.fixture
async def judged(desk, run):
    return await desk.triage(run.run_id)


async def test_a_portrait_shows_the_runs_triage_and_nobody_elses_run(desk, run, judged):
    drawn = await run_portrait(
        desk,
        run.run_id,
        DOOR,
        told=judged,
        workspace_name="prod-eu",
        clock=desk.clock,
    )

    assert f"Triage  {run.campaign_name}" in drawn.text
    assert all(one.campaign_name not in drawn.text for one in desk.runs[1:])
    assert drawn.svg.startswith("<svg ")
    addresses = re.findall(r"\w+://[^\"'<\s]+", drawn.svg)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


async def test_people_are_pseudonyms_before_a_screen_gets_them(desk, run, judged):
    discreet = DiscreetDesk(desk, run.run_id, DOOR, judged).as_desk

    page = await discreet.records(run.run_id, PageKey(size=3))
    raw = await desk.records(run.run_id, PageKey(size=3))
    journey = await discreet.journey(run.run_id, raw.records[0].seq)

    assert [one.contact for one in page.records] == [
        DOOR.person(one.contact) for one in raw.records
    ]
    assert {one.key for one in page.records} <= {""}
    assert journey.fields == {}
    assert [one.state for one in page.records] == [one.state for one in raw.records]


async def test_only_the_one_run_is_told_of(desk, run, judged):
    discreet = DiscreetDesk(desk, run.run_id, DOOR, judged).as_desk

    overview = await discreet.overview()

    assert [one.run_id for one in overview.runs] == [run.run_id]
    assert overview.runs[0].books == run.books


async def test_nothing_can_be_asked_of_a_run_for_a_picture(desk, run, judged):
    discreet = DiscreetDesk(desk, run.run_id, DOOR, judged).as_desk

    with pytest.raises(RefusedError):
        await discreet.preview(Verb.STOP, run.run_id)
    with pytest.raises(RefusedError):
        await discreet.order("hide", run.run_id)


async def test_a_picture_does_not_tell_what_who_draws_it_is_to_the_workspace(
    desk, run, judged
):
    desk.role, desk.name = Role.VIEWER, "prod-eu"
    discreet = DiscreetDesk(desk, run.run_id, DOOR, judged).as_desk

    pulse = await discreet.pulse()

    assert (pulse.role, pulse.name) == (None, "")
