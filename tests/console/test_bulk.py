from __future__ import annotations

from dataclasses import replace

from tests.console.looking import panel, press, settled, shown, until

from watchfloor.console.bulk import bulk_question, told
from watchfloor.console.screens.confirm import Confirm
from watchfloor.domain.regions import Verb

SIZE = (120, 36)


async def test_marked_runs_are_paused_together_after_one_question(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        # Autumn billing runs, Reminder DE is pausing, Welcome texts is paused.
        await press(pilot, "m", "space", "space", "space", "p")
        said = shown(app)
        assert isinstance(app.screen, Confirm)
        assert "Pause 1 marked run?" in said
        assert "Not Reminder DE:" in said
        assert "Not Welcome texts:" in said
        assert desk.asked == []

        await press(pilot, "y")
        await until(pilot, lambda: "pause applied to 1 run" in panel(app, "message"))
        assert [one[:2] for one in desk.asked] == [("pause", "run-0001")]
        assert app.jobs.runs.marks == set()


async def test_no_changes_nothing_and_keeps_the_marks(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "space", "p", "n")
        assert "Nothing was asked of 1 marked run." in panel(app, "message")
        assert desk.asked == []
        assert app.jobs.runs.marks == {"run-0001"}


async def test_stop_and_cancel_are_never_asked_of_many(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "space", "space")
        for key in "sc":
            await press(pilot, key)
            assert "is asked run by run" in panel(app, "message")
            assert not isinstance(app.screen, Confirm)
        assert desk.asked == []


async def test_marks_do_not_arm_a_console(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "space", "p")
        assert "press m to arm" in panel(app, "message")
        assert desk.asked == []


async def test_where_none_can_be_asked_there_is_nothing_to_confirm(app, desk):
    runs = await desk.overview()
    paused = [run for run in runs.runs if run.run_id in ("run-0002", "run-0003")]

    question = bulk_question(Verb.PAUSE, paused, [])

    assert question.yes == ""
    assert "not possible for any marked run" in question.title


async def test_a_restored_run_is_never_resumed_with_others(app, desk):
    held = desk.runs[2] = replace(desk.runs[2], restored_from_ms=1)
    other = desk.runs[3] = replace(held, run_id="run-0004", restored_from_ms=None)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "j", "j", "space", "space", "u")
        assert "Resume 1 marked run?" in shown(app)
        assert f"Not {held.campaign_name}: restored from a backup" in shown(app)
        await press(pilot, "y")
        await until(pilot, lambda: bool(desk.asked))

    assert [one[:2] for one in desk.asked] == [("resume", other.run_id)]


def test_what_became_of_many_is_one_line():
    said = told(Verb.PAUSE, 2, 1, ["run-1: DRIFTED", "run-2: NOT_PAUSED"])

    assert said == (
        "pause applied to 2 runs; 1 asked and not taken yet (v shows what was "
        "stored); not of run-1: DRIFTED and 1 more."
    )


async def test_marks_that_a_filter_hides_never_mean_the_run_under_the_cursor(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "j", "j", "space", "/", *"Autumn", "enter", "p")
        await settled(pilot)
        assert "1 marked run not listed here" in panel(app, "message")
        assert desk.asked == []
