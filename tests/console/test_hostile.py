from __future__ import annotations

import unicodedata

import pytest
from rich.cells import cell_len
from tests.console.looking import press, settled, shown, until
from tests.console.test_text import HOSTILE

from watchfloor.console.text import fit
from watchfloor.domain.errors import StoreError

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
    app = console(workspace_name=poison, operator=poison)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await until(pilot, lambda: fit(poison, 8).strip() in shown(app))
        seen = [shown(app)]
        for keys in (("l", "enter"), ("escape", "v"), ("escape", "d"), ("escape", "m")):
            await press(pilot, *keys)
            seen.append(shown(app))
        await press(pilot, "s")
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
