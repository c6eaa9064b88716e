"""A workspace that was copied as files, or moved: what an engine makes of it."""

from __future__ import annotations

import shutil

import pytest
from tests.support.floor import Floor, campaign, ids

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.regions import Verb
from watchfloor.engine.ownership import Taking
from watchfloor.engine.tenure import tenure
from watchfloor.store.layout import Layout


@pytest.fixture
def paused(floor):
    """A workspace that an engine ran, with a run that has not ended."""
    run_id = floor.launched(campaign(rate="1/h"), ids(5))
    floor.steered(Verb.PAUSE, run_id)
    owned(floor, floor.layout)
    return floor


def owned(floor, layout, *, moved=False, dispatches=True):
    """Own a workspace for a moment, as an engine does."""
    taking = Taking(moved=moved)
    with tenure(
        layout, floor.around, floor.owner, dispatches=dispatches, taking=taking
    ):
        pass


def copied(floor, name="copy"):
    place = floor.root / name
    shutil.copytree(floor.layout.root, place)
    return Layout(place)


def test_no_engine_runs_a_copy_while_the_workspace_itself_stands(paused):
    copy = copied(paused)

    for moved in (False, True):
        with pytest.raises(ConfigError, match=r"is a copy: .* still stands at .*floor"):
            owned(paused, copy, moved=moved)

    owned(paused, paused.layout)


def test_a_copy_of_what_is_gone_is_run_once_a_person_says_that_it_was_moved(paused):
    copy = copied(paused)
    shutil.rmtree(paused.layout.root)

    with pytest.raises(ConfigError, match=r"copied or moved: .*engine --moved"):
        owned(paused, copy)
    owned(paused, copy, moved=True)

    owned(paused, copy)


def test_a_workspace_that_was_moved_on_its_disk_goes_on_unasked(paused):
    there = Layout(paused.root / "elsewhere")
    paused.layout.root.rename(there.root)

    owned(paused, there)

    there.root.rename(paused.layout.root)
    owned(paused, paused.layout)


def test_a_store_that_was_put_back_in_its_place_goes_on_unasked(paused):
    copy = copied(paused)
    shutil.rmtree(paused.layout.root)
    copy.root.rename(paused.layout.root)

    owned(paused, paused.layout)


def test_where_another_workspace_stands_now_nobody_is_mistaken_for_the_first(paused):
    copy = copied(paused)
    shutil.rmtree(paused.layout.root)
    paused.layout.root.mkdir()

    with pytest.raises(ConfigError, match="copied or moved"):
        owned(paused, copy)


@pytest.mark.parametrize("by_a_verb", [True, False])
def test_a_copy_with_nothing_left_to_send_is_a_workspace_like_any_other(
    floor, by_a_verb
):
    floor.launched(campaign(), ids(3))
    floor.carried_out()
    second = Floor(floor.root / "second", floor.layout.root)
    if not by_a_verb:
        owned(floor, second.layout)

    run_id = second.launched(campaign(name="another"), ids(3))
    second.carried_out()

    assert second.books(run_id).delivered == 3
    second.close()


def test_a_command_in_a_copy_does_not_make_it_the_workspace(paused):
    copy = copied(paused)

    owned(paused, copy, dispatches=False)

    with pytest.raises(ConfigError, match="is a copy"):
        owned(paused, copy)
