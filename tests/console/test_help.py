from __future__ import annotations

import pytest
from tests.console.looking import press, settled, shown, until

from watchfloor.console.help_lines import help_lines
from watchfloor.console.keymap import Keymap
from watchfloor.console.pieces import measured
from watchfloor.console.preferences import Preferences
from watchfloor.console.screens.audit import AuditScreen
from watchfloor.console.screens.chooser import Chooser, Option
from watchfloor.console.screens.reader import Reader

GROUPS = ("Move", "View", "Mark", "Look", "Run", "General")


def text_of(width: int, keymap: Keymap | None = None, scopes=()) -> str:
    lines = help_lines(keymap or Keymap(), width, scopes)
    return "\n".join("".join(piece.text for piece in line).rstrip() for line in lines)


@pytest.mark.parametrize("width", [60, 80, 116, 120, 200])
def test_every_group_and_every_tip_stands_there_whole(width):
    text = text_of(width)
    words = set(text.split())
    for act in Keymap().acts("table", "nav", "main", "app"):
        assert set(act.tip.split()) <= words, act.ident
    assert all(f"  {group}\n" in text + "\n" or group in text for group in GROUPS)
    assert all(measured(line) <= width for line in help_lines(Keymap(), width))


def test_two_columns_stand_from_116_cells_on():
    assert not any("  Move" in one and "  Look" in one for one in _lines(115))
    assert any("  Move" in one and "  Look" in one for one in _lines(116))
    assert len(_lines(200)) < len(_lines(115)) * 0.75


def _lines(width: int) -> list[str]:
    return text_of(width).split("\n")


def test_keys_are_told_as_they_are_in_force():
    keymap, _ = Keymap().remapped({"view.refresh": "f9"})
    line = next(one for one in text_of(80, keymap).split("\n") if "newest state" in one)
    assert line.split()[0] == "F9"


def test_the_keys_of_the_screen_one_came_from_stand_first():
    text = text_of(80, scopes=("audit", "sheet"))
    assert text.index("On this screen") < text.index("Only entries that hold a text")
    assert text.index("Only entries that hold a text") < text.index("Move")


async def test_the_help_of_a_sheet_is_its_own(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await app.push_screen(AuditScreen(app.session, None))
        await settled(pilot)
        await press(pilot, "?")
        await until(pilot, lambda: isinstance(app.screen, Reader))
        assert "On this screen" in shown(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, AuditScreen)


async def test_it_fits_and_scrolls_to_its_end_on_a_small_terminal(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "?")
        assert "more lines below" in shown(app)
        await press(pilot, *["ctrl+d"] * 9)
        assert "more line" not in shown(app)
        assert "Leave; asks when runs are active" in shown(app)
        await pilot.resize_terminal(200, 60)
        await settled(pilot)
        await until(pilot, lambda: "  Move" in shown(app))


async def test_what_is_not_possible_says_why_and_what_is_is_taken(app):
    taken: list[str | None] = []
    options = [
        Option(ident="a", name="Pause", tip="at once", obstacle="press m to arm"),
        Option(ident="b", name="Refresh", tip="read anew"),
    ]
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await app.push_screen(Chooser("find", options), taken.append)
        await settled(pilot)
        await press(pilot, "enter")
        assert "Pause is not possible now: press m to arm." in shown(app)
        assert taken == []
        await press(pilot, "down")
        assert "Pause is not possible now" not in shown(app)
        await press(pilot, *"anew read", "enter")
        assert taken == ["b"]


async def test_the_palette_says_why_a_locked_command_is_not_done(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "ctrl+p", *"pause", "enter")
        assert "not possible now: " in shown(app)
        assert isinstance(app.screen, Chooser)


async def test_a_changed_key_leads_the_palette_too(console):
    keymap, _ = Keymap().remapped({"view.events": "f9"})
    app = console(wishes=Preferences(keymap=keymap))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "ctrl+p", *"events")
        assert "F9" in shown(app)
