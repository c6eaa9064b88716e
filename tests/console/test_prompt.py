from __future__ import annotations

import pytest
from tests.console.looking import press, settled, shown
from textual.events import Paste
from textual.widgets import Input

from watchfloor.console.screens.prompt import Prompt

SIZES = ((80, 24), (120, 36), (200, 60))


class Answers(list[str | None]):
    """What a prompt was answered with."""

    def __call__(self, answer: str | None) -> None:
        self.append(answer)


async def ask(app, pilot, **choices) -> Answers:
    answers = Answers()
    await settled(pilot)
    await app.push_screen(Prompt("Filter", **choices), answers)
    await settled(pilot)
    return answers


def typed(app) -> str:
    field: Input = app.screen.query_one(Input)
    return field.value


@pytest.mark.parametrize("size", SIZES)
async def test_it_covers_the_last_line_alone(app, size):
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        before = shown(app).split("\n")
        await ask(app, pilot, hint="a word")
        after = shown(app).split("\n")
        assert after[-1].startswith(" Filter: a word")
        assert after[:-1] == before[:-1]
        await press(pilot, "escape")
        assert shown(app).split("\n") == before


async def test_enter_answers_with_what_was_typed_and_escape_with_nothing(app):
    async with app.run_test(size=(80, 24)) as pilot:
        answers = await ask(app, pilot, value="state")
        await press(pilot, *" = 1", "enter")
        assert answers == ["state = 1"]
        answers = await ask(app, pilot, value="a")
        await press(pilot, "backspace", "enter")
        assert answers == [""]
        answers = await ask(app, pilot, value="kept")
        await press(pilot, "x", "escape")
        assert answers == [None]


async def test_earlier_answers_come_back_and_what_was_begun_is_kept(app):
    async with app.run_test(size=(80, 24)) as pilot:
        answers = await ask(app, pilot, history=("first", "second"))
        await press(pilot, *"new", "up")
        assert typed(app) == "second"
        await press(pilot, "up", "up")
        assert typed(app) == "first"
        await press(pilot, "down", "down", "down")
        assert typed(app) == "new"
        await press(pilot, "up", "!", "enter")
        assert answers == ["second!"]


async def test_what_is_pasted_or_recalled_does_not_reach_the_terminal_raw(app):
    evil = "\x1b[2Jred\u202ebil"
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(app, pilot, history=(evil,), hint=evil)
        assert "\x1b" not in shown(app)
        await press(pilot, "up")
        assert typed(app) == "␛[2Jred·bil"
        await press(pilot, "down")
        field = app.screen.query_one(Input)
        field.post_message(Paste(f"{evil}\nmore"))
        await settled(pilot)
        assert typed(app) == "[2Jredbil more"
        assert "\x1b" not in shown(app)


async def test_its_cursor_does_not_blink(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(app, pilot)
        assert not app.screen.query_one(Input).cursor_blink
