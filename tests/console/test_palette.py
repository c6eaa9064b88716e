from __future__ import annotations

import pytest
from tests.console.looking import panel, press, settled, shown, until

from watchfloor.console.keymap import Keymap
from watchfloor.console.screens.audit import AuditScreen
from watchfloor.console.screens.charts import ChartsScreen
from watchfloor.console.screens.chooser import Chooser, Option
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.widgets.grid import Grid

SIZE = (120, 36)


def options(app) -> dict[str, Option]:
    grid: Grid[Option] = app.screen.query_one(Grid)
    return {option.ident: option for option in grid.rows}


async def test_every_act_of_the_jobs_stands_in_the_palette_with_its_reason(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, ":")
        assert isinstance(app.screen, Chooser)
        found = options(app)
        acts = Keymap().acts("main", "nav", "app", "table")
        assert set(found) == {act.ident for act in acts} - {"app.palette"}
        assert found["run.pause"].obstacle == "disarmed, press m first"
        assert found["run.undo"].obstacle == "nothing waits to go out"
        assert found["run.hide"].obstacle == "only a run that has ended can be hidden"
        assert found["view.filter"].obstacle == ""


@pytest.mark.parametrize("view", ["2", "3", "4", "5", "6", "x"])
async def test_a_view_has_the_palette_too_with_its_own_acts_first(app, view):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, view, ":")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        found = options(app)
        assert "sheet.refresh" in found
        assert "run.stop" in found
        assert "sheet.palette" not in found
        await press(pilot, *"charts", "enter")
        await until(pilot, lambda: isinstance(app.screen, ChartsScreen))


async def test_an_act_of_a_view_is_done_in_the_view(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "5", ":")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await press(pilot, *"this run", "enter")
        await until(pilot, lambda: isinstance(app.screen, AuditScreen))
        await until(pilot, lambda: "Autumn billing" in panel_text(app, "heading"))


async def test_what_is_done_to_a_run_from_a_view_is_asked_on_the_jobs(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "3", ":")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await press(pilot, *"stop after", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert "Stop Autumn billing?" in shown(app)
        await press(pilot, "n")
        assert app.screen is app.jobs
        assert "Nothing was changed" in panel(app, "message")
        assert desk.asked == []


def panel_text(app, name: str) -> str:
    return str(app.screen.panel(name).text)


async def test_an_act_of_a_view_never_falls_on_another_run(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "/", *"Autumn", "enter", "2")
        await until(pilot, lambda: "Survey NPS" in shown(app))
        await press(pilot, "g", ":")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await press(pilot, *"pause at", "enter")
        await settled(pilot)
        await until(pilot, lambda: app.screen is app.jobs)
        assert "is not listed here" in panel(app, "message")
        assert desk.asked == []


async def test_a_view_of_all_runs_offers_nothing_that_changes_one(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "6", ":")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        assert options(app)["run.stop"].obstacle == "this view is not of one run"
