from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from rich.cells import cell_len
from tests.console.looking import press, settled, shown, until
from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import NOON_MS, balanced
from tests.console.test_hostile import DOSES
from tests.support.hostile import traces
from textual.widget import Widget

from watchfloor.console.live_lines import LiveRow
from watchfloor.console.preferences import Preferences
from watchfloor.console.screens.live import LiveScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.errors import StoreError
from watchfloor.domain.live import LiveOps
from watchfloor.domain.regions import Gate

SIZE = (120, 36)
ORDER = ["run-0005", "run-0002", "run-0003", "run-0001", "run-0004", "run-0007"]


def live(app) -> LiveScreen:
    assert isinstance(app.screen, LiveScreen)
    return app.screen


def chosen(app) -> str:
    run = live(app).run
    return "" if run is None else run.run_id


def ids(app) -> list[str]:
    grid: Grid[LiveRow] = app.screen.query_one(Grid)
    return [row.live.run.run_id for row in grid.rows]


async def opened(app, pilot, told="as of|in the order of") -> None:
    await settled(pilot)
    await app.push_screen(LiveScreen(app.session, app.jobs.run))
    await until(pilot, lambda: any(one in shown(app) for one in told.split("|")))
    await settled(pilot)


async def poll(app, pilot, desk) -> None:
    """Ask for newer figures at once, and wait until they are shown."""
    asked = desk.reads.count("live")
    live(app).poll()
    await until(pilot, lambda: desk.reads.count("live") > asked)
    for _ in range(3):
        await settled(pilot)


def change(desk, run_id: str, **changes: object) -> None:
    desk.runs = [
        replace(run, **changes) if run.run_id == run_id else run for run in desk.runs
    ]


class SlowDesk(PaperDesk):
    """A desk that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()

    async def live(self) -> LiveOps:
        await self.may_answer.wait()
        return await super().live()


async def test_every_live_run_stands_there_and_what_needs_somebody_on_top(app):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        said = shown(app)
        assert ids(app) == ORDER
        assert "alive  ann, pid 4711 on desk-3, this process, up since 13:02:11" in said
        assert "! STALLED  Survey NPS  no outcome since 14:02:10; 3 tells why" in said
        assert "! LATE  Autumn billing  should have taken 0:20:00" in said
        assert "and 2 more  BLOCKED Reminder DE, BLOCKED Welcome texts" in said
        assert "permits full 580,000 12.0/s 8/16 14:02:06" in " ".join(said.split())
        assert "17 of 16 permits in flight, 20/s at most  Autumn billing 8" in said
        assert "Outage notice" not in said


async def test_the_run_under_the_cursor_is_told_at_length_and_is_the_selected_one(app):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        assert chosen(app) == app.jobs.run.run_id
        await press(pilot, "g", "j")
        said = shown(app)
        assert chosen(app) == "run-0002"
        assert "Reminder DE  run-0002" in said
        assert "gate                          3,597  paused by ann" in said
        assert "= remaining 3,600 - in flight 3" in said
        assert "elapsed 1:22:00 at 14:02:11" in said


async def test_enter_goes_to_the_jobs_with_that_run_selected(app):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "g", "enter")
        assert app.screen is app.jobs
        assert app.jobs.run.run_id == "run-0005"


async def test_a_view_opens_for_the_run_under_the_cursor(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "2")
        await until(pilot, lambda: ids(app) == ORDER)
        await press(pilot, "g", "t")
        await until(pilot, lambda: "Triage  Survey NPS" in shown(app))
        await press(pilot, "x")
        await until(pilot, lambda: "Charts  Survey NPS" in shown(app))
        await press(pilot, "2")
        await until(pilot, lambda: ids(app) == ORDER)
        assert chosen(app) == "run-0005"


async def test_enter_on_a_run_that_the_jobs_do_not_list_says_so(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        desk.runs = [replace(desk.runs[4], run_id="run-0900")]
        await opened(app, pilot)
        await press(pilot, "enter")
        assert "That run is not on the jobs screen" in shown(app)
        await press(pilot, "right_square_bracket")
        assert "All live runs stand on this page" in shown(app)


async def test_a_poll_brings_figures_but_moves_no_row(app, desk, clock):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        clock.pass_ms(5_000)
        life = desk.runs[0].lifecycle
        change(
            desk,
            "run-0007",
            lifecycle=replace(life, gate=Gate.PAUSED),
            books=balanced(30_000, delivered=19_500, attempting=2),
        )
        desk.runs.insert(0, replace(desk.runs[4], run_id="run-0099"))
        await poll(app, pilot, desk)

        assert ids(app) == ORDER
        said = shown(app)
        assert "KYC refresh      blocked  gate 10,498" in said
        assert "in the order of 14:02:11 UTC, 1 more since, r refreshes" in said

        await press(pilot, "r")
        await until(pilot, lambda: "in the order of 14:02:16" in shown(app))
        assert ids(app)[3:5] == ["run-0007", "run-0099"]
        assert "more since" not in shown(app)


async def test_a_poll_without_news_repaints_nothing(app, desk, clock, monkeypatch):
    painted = []
    original = Widget.refresh

    def refresh(self, *regions, **how):
        if isinstance(self, Panel | Grid):
            painted.append(self.id)
        return original(self, *regions, **how)

    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        before = shown(app)
        monkeypatch.setattr(Widget, "refresh", refresh)
        clock.pass_ms(5_000)
        await poll(app, pilot, desk)
        assert painted == []
        assert shown(app) == before

        desk.bump = 1
        await poll(app, pilot, desk)
        assert set(painted) == {"inside"}


async def test_a_run_that_ends_keeps_its_row_until_the_refresh(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        change(desk, "run-0005", lifecycle=desk.runs[5].lifecycle)
        await press(pilot, "g")
        await poll(app, pilot, desk)
        assert ids(app) == ORDER
        assert "Survey NPS       gone" in shown(app)
        assert "it ended, or is not among the newest live runs any more" in shown(app)
        await press(pilot, "r")
        await until(pilot, lambda: ids(app) == ORDER[1:])


async def test_a_poll_that_fails_keeps_the_figures_and_tells_their_age(
    app, desk, clock
):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        clock.pass_ms(5_000)
        await poll(app, pilot, desk)
        clock.pass_ms(5_000)
        desk.fault = StoreError("the store is gone")
        await poll(app, pilot, desk)
        said = shown(app)
        assert "Could not read how the runs do: the store is gone." in said
        assert "is from 14:02:16" in said
        assert ids(app) == ORDER
        desk.fault = None
        await poll(app, pilot, desk)
        assert "Could not read" not in shown(app)


async def test_a_poll_that_a_refresh_overtook_is_not_shown(app, desk, clock):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        live(app).post_message(LiveScreen.Polled(LiveOps(as_of_ms=NOON_MS - 1)))
        await settled(pilot)
        assert "gone" not in shown(app)


async def test_nobody_is_asked_before_the_first_answer_or_under_another_screen(
    app, desk
):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        desk.fault = StoreError("the store is gone")
        await opened(app, pilot, told="r tries again")
        asked = desk.reads.count("live")
        live(app).poll()
        await settled(pilot)
        assert desk.reads.count("live") == asked
        desk.fault = None
        await press(pilot, "r")
        await until(pilot, lambda: ids(app) == ORDER)
        below = live(app)
        await app.push_screen(LiveScreen(app.session, None))
        await until(pilot, lambda: ids(app) == ORDER)
        asked = desk.reads.count("live")
        below.poll()
        await settled(pilot)
        assert desk.reads.count("live") == asked


async def test_before_the_answer_it_says_that_it_reads(app):
    desk = SlowDesk()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        session = replace(app.session, desk=desk)
        await app.push_screen(LiveScreen(session, None))
        await until(pilot, lambda: "Reading …" in shown(app))
        assert "Live ops" in shown(app)
        assert "reading …" in shown(app)
        desk.may_answer.set()
        await until(pilot, lambda: ids(app) == ORDER)


async def test_without_an_engine_that_is_the_first_alert(app, desk):
    desk.alive = False
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        said = shown(app)
        assert "none; pid 4711 on desk-3 fell silent, last heartbeat 14:01:11" in said
        assert "! NO ENGINE  6 runs can only wait; start one: watchfloor engine" in said


async def test_when_nothing_is_live_it_says_so(app, desk):
    desk.runs = [run for run in desk.runs if run.lifecycle.is_ended]
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        assert "Every run has ended: nothing is live." in shown(app)
        assert "No run needs anybody." in shown(app)
        await press(pilot, "enter", "j")
        assert live(app).query_one("#inside", Panel).text == ""


async def test_it_follows_the_terminal_to_any_size(app):
    async with app.run_test(size=(200, 60)) as pilot:
        await opened(app, pilot)
        assert "SHOULD TAKE" in shown(app)
        for size in ((80, 24), (60, 16), (30, 8), (120, 36)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            lines = shown(app).split("\n")
            assert len(lines) == size[1]
            assert all(cell_len(line) <= size[0] for line in lines)
        assert "> Autumn billing" in shown(app)


@pytest.mark.parametrize("poison", [*DOSES, "[/]"])
async def test_hostile_texts_are_shown_as_they_are_and_do_no_harm(app, desk, poison):
    desk.poison = poison
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await press(pilot, "j", "k")
        said = shown(app)
        assert not traces(said)
        assert all(cell_len(line) <= 80 for line in said.split("\n"))
        if poison == "[/]":
            assert said.count("[/]") > 8


async def test_a_console_on_a_slow_line_is_asked_less_of(console):
    spans = []
    for is_calm in (False, True):
        app = console(wishes=Preferences(is_calm=is_calm))
        async with app.run_test(size=SIZE) as pilot:
            await opened(app, pilot)
            spans.append(max(timer._interval for timer in live(app)._timers))
    assert spans[0] < spans[1]
