from __future__ import annotations

import pytest
from tests.console.looking import panel, press, settled, shown, until
from tests.console.paper_runs import MINUTE_MS

from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.errors import Refusal, StoreError
from watchfloor.domain.roles import Role

SIZE = (80, 24)
PAUSED = ("j", "j")


async def test_a_console_starts_disarmed_and_says_how_to_arm(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "disarmed" in panel(app, "header")
        for key in "pusc":
            await press(pilot, key)
            assert "press m to arm" in panel(app, "message")
        assert desk.asked == []
        assert app.screen is app.jobs


async def test_arming_shows_and_expires(app, desk, clock):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m")
        assert "ARMED until 14:07" in panel(app, "header")

        clock.pass_ms(5 * MINUTE_MS)
        await press(pilot, "p")
        assert desk.asked == []
        assert "disarmed" in panel(app, "header")


async def test_disarming_is_a_key_of_its_own(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "m", "M", "p")
        assert desk.asked == []


async def test_a_clock_that_was_set_back_does_not_lengthen_the_time(app, desk, clock):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m")
        clock.pass_ms(-60 * MINUTE_MS)
        await press(pilot, "p")
        assert desk.asked == []


async def test_read_only_refuses_everything_and_cannot_be_armed(console, desk):
    app = console(read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "READ ONLY" in panel(app, "header")
        for key in "mpusc":
            await press(pilot, key)
            assert "READ ONLY" in panel(app, "message")
        assert desk.asked == []


async def test_a_viewer_is_offered_no_new_run_and_opens_none(console, desk):
    app = console(role=Role.VIEWER)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "n New" not in panel(app, "footer")
        await press(pilot, "n")
        assert "New run: a viewer launches nothing." in panel(app, "message")
        assert app.screen is app.jobs


async def test_ctrl_c_says_how_to_leave_and_that_nothing_was_stopped(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "n New" in panel(app, "footer")
        await press(pilot, "ctrl+c")
        assert "q leaves; nothing was stopped." in panel(app, "message")
        assert not app.screen.query("Toast")
        assert not app.is_left
        assert desk.asked == []


async def test_a_pause_acts_at_once_and_is_followed_to_its_end(app, desk, monkeypatch):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        said = []
        draw = Panel.draw

        def listening(line, painter):
            if line.id == "message":
                said.append("".join(p.text for p in painter(200)[0]).strip())
            draw(line, painter)

        monkeypatch.setattr(Panel, "draw", listening)
        await press(pilot, "m", "p")
        await until(pilot, lambda: "pause settled" in panel(app, "message"))

        assert desk.asked == [("pause", "run-0001", "", 3)]
        steps = dict.fromkeys(line.split("  ")[0] for line in said)
        assert [step for step in steps if step.startswith("pause")] == [
            "pause asked 14:02:11.120",
            "pause acknowledged 14:02:11.153 (asked 14:02:11.120)",
            "pause applied 14:02:11.186 (asked 14:02:11.120)",
            "pause settled 14:02:11.219 (asked 14:02:11.120)",
        ]
        await until(pilot, lambda: "Running + paused" in panel(app, "about"))
        assert app.jobs.runs.rows[0].run.version == 4


async def test_only_the_row_of_ones_own_command_changes(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        rows = app.jobs.runs.rows
        desk.runs[1] = desk.runs[4]
        await press(pilot, "m", "p")
        await until(pilot, lambda: "pause settled" in panel(app, "message"))

        assert app.jobs.runs.rows[1:] == rows[1:]


async def test_enter_never_confirms(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s")
        assert isinstance(app.screen, Confirm)
        assert app.focused is not None
        assert app.focused.id == "no"
        await press(pilot, "enter")
        assert app.screen is app.jobs
        assert desk.asked == []
        assert "Nothing was changed" in panel(app, "message")


async def test_the_key_that_opened_the_question_does_not_answer_it(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s", "s", "s", "c", "p")
        assert isinstance(app.screen, Confirm)
        assert desk.asked == []


async def test_a_stop_shows_exact_counts_and_takes_a_reason(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s")
        assert "Stop Autumn billing?" in shown(app)
        assert "579,996 records will never be attempted." in shown(app)
        assert "Promised callbacks: 4" in shown(app)
        await press(pilot, "shift+tab", *"wrong list", "enter", "y")
        await until(pilot, lambda: "stop settled" in panel(app, "message"))
        assert desk.asked == [("stop", "run-0001", "wrong list", 3)]


async def test_a_cancel_wants_the_id_typed(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *PAUSED, "m", "c")
        assert isinstance(app.screen, Confirm)
        await press(pilot, *"run-0001", "enter", "y")
        assert isinstance(app.screen, Confirm)
        assert desk.asked == []
        await press(pilot, "escape", "c", *"run-0003", "enter", "y")
        await until(pilot, lambda: "cancel settled" in panel(app, "message"))
        assert desk.asked == [("cancel", "run-0003", "", 3)]


async def test_enter_alone_never_cancels_even_with_the_id_typed(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *PAUSED, "m", "c", *"run-0003", "enter", "enter")
        assert app.screen is app.jobs
        assert desk.asked == []


async def test_what_is_refused_is_explained_instead_of_asked(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "c")
        assert "Cancel is not possible now" in shown(app)
        assert "NEEDS_PAUSE" in shown(app)
        assert "pause it first" in shown(app)
        await press(pilot, "y")
        assert isinstance(app.screen, Confirm)
        await press(pilot, "enter")
        assert "NEEDS_PAUSE" in panel(app, "message")
        await press(pilot, "u")
        assert "NOT_PAUSED" in panel(app, "message")
        assert desk.asked == []


async def test_a_question_that_outlives_the_arming_asks_nothing(app, desk, clock):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s")
        clock.pass_ms(6 * MINUTE_MS)
        await press(pilot, "y")
        assert desk.asked == []
        assert "Nothing was asked" in panel(app, "message")


async def test_a_drifted_stop_is_offered_anew_with_the_new_figures(app, desk):
    desk.refusals = [Refusal.DRIFTED]
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s", "y")
        await until(pilot, lambda: "DRIFTED: now Running" in shown(app))
        assert isinstance(app.screen, Confirm)
        await press(pilot, "y")
        assert len(desk.asked) == 1
        await press(pilot, "escape", "escape")
        assert "refused before: DRIFTED" in panel(app, "message")


async def test_a_question_nobody_opened_wants_the_id_typed(app, desk):
    desk.refusals = [Refusal.DRIFTED]
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s", "y")
        await until(pilot, lambda: "DRIFTED: now Running" in shown(app))
        await press(pilot, *"run-0001", "enter", "y")
        await until(pilot, lambda: "stop settled" in panel(app, "message"))
        assert [verb for verb, *_ in desk.asked] == ["stop", "stop"]


async def test_a_refusal_by_the_engine_is_said_with_its_name(app, desk):
    desk.refusals = [Refusal.INTENT_PENDING]
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "p")
        await until(pilot, lambda: "INTENT_PENDING" in panel(app, "message"))
        assert "wait for it to be applied" in panel(app, "message")


async def test_a_command_no_engine_takes_is_said_to_wait(app, desk):
    desk.stages = ()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "p")
        await until(pilot, lambda: "no engine has taken it" in panel(app, "message"))


async def test_a_command_that_cannot_be_asked_says_what_to_look_at(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s")
        desk.fault = StoreError("the inbox cannot be written; nothing was asked")
        await press(pilot, "y")
        await until(pilot, lambda: "inbox cannot be written" in panel(app, "message"))
        assert desk.asked == []


async def test_commands_given_together_all_come_to_their_end(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "p", "j", "j", "u", "k", "k", "r", "r")
        await until(
            pilot,
            lambda: (
                not [
                    w
                    for w in app.workers
                    if w.group == "commands" and not w.is_finished
                ]
            ),
        )
        assert [(verb, run) for verb, run, *_ in desk.asked] == [
            ("pause", "run-0001"),
            ("resume", "run-0003"),
        ]


@pytest.mark.parametrize("key", ["p", "s"])
async def test_a_preview_that_cannot_be_read_asks_nothing(app, desk, key):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m")
        desk.fault = StoreError("gone")
        await press(pilot, key)
        await until(pilot, lambda: "was not asked: gone" in panel(app, "message"))
        assert desk.asked == []
