from __future__ import annotations

import unicodedata

import pytest
from rich.cells import cell_len
from tests.console.looking import press, settled, shown, until
from tests.console.paper_runs import campaign_runs
from tests.console.test_text import HOSTILE

from watchfloor.domain.errors import Refusal, StoreError

SIZE = (160, 40)

#: Three poisons in every text: what one breaks, another must not repair.
DOSES = tuple("".join(HOSTILE[i : i + 3]) for i in range(0, len(HOSTILE), 3))


def harmless(text: str) -> bool:
    return not any(
        unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs") and char != "\n"
        for char in text
    )


@pytest.mark.parametrize("poison", DOSES)
async def test_no_text_from_outside_reaches_the_terminal_raw(console, desk, poison):
    desk.poison = poison
    desk.reports = {"opened": 3}
    app = console(workspace_name=poison, operator=poison)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await until(pilot, lambda: bool(app.jobs.records.rows))
        seen = [shown(app)]
        for keys in (("l", "enter"), ("escape", "v"), ("escape", "d"), ("escape", "m")):
            await press(pilot, *keys)
            seen.append(shown(app))
        await press(pilot, "s")
        seen.append(shown(app))
        await press(pilot, "escape", "L", "enter", *"x[/]", "enter")
        seen.append(shown(app))
        await press(pilot, *["backspace"] * 4, *"9/s", "enter", "y")
        await until(pilot, lambda: "limit settled" in shown(app))
        seen.append(shown(app))
        await press(pilot, "4", "j")
        await until(pilot, lambda: "promised for" in shown(app))
        seen.append(shown(app))
        desk.fault = StoreError(poison)
        await press(pilot, "r")
        seen.append(shown(app))
        desk.fault = None
        await press(pilot, "enter")
        seen.append(shown(app))
        await press(pilot, "escape", "escape", "d")
        await until(pilot, lambda: "results  " in shown(app))
        seen.append(shown(app))
        await press(pilot, "escape", "A")
        seen.append(shown(app))
        desk.fault = StoreError(poison)
        await press(pilot, "escape", "r")
        seen.append(shown(app))
        for screen in seen:
            assert harmless(screen)
            # A text of the wrong width would push what stands beside it away.
            assert all(cell_len(line) <= SIZE[0] for line in screen.split("\n"))


@pytest.mark.parametrize("poison", ["[/]", "[@click=app.quit]x[/]"])
async def test_markup_is_shown_as_it_was_written(app, desk, poison):
    desk.poison = poison
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await until(pilot, lambda: f" {poison} " in shown(app))
        await press(pilot, "m", "s")
        assert f"Stop {poison}?" in shown(app)


@pytest.mark.parametrize("poison", DOSES)
async def test_a_run_that_asks_and_promises_is_shown_harmless_too(app, desk, poison):
    desk.runs = campaign_runs()
    desk.poison = poison
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "m", "A")
        seen = [shown(app)]
        await press(pilot, "y")
        await until(pilot, lambda: "approve settled" in shown(app))
        seen.append(shown(app))
        desk.refusals = [Refusal.SECOND_PERSON]
        await press(pilot, "j", "j", "j", "s", "pagedown")
        seen.append(shown(app))
        await press(pilot, "y")
        await until(pilot, lambda: "a second person" in shown(app))
        seen.append(shown(app))
        await press(pilot, "enter", "4", "j", "right_square_bracket")
        seen.append(shown(app))
        assert all(map(harmless, seen))
        lines = [line for screen in seen for line in screen.split("\n")]
        assert all(cell_len(line) <= 80 for line in lines)
