from __future__ import annotations

import pytest
from tests.console.looking import press, settled, shown
from textual.widgets import Button, Input

from watchfloor.console.keymap import Keymap
from watchfloor.console.preferences import Preferences
from watchfloor.console.questions import Consent, Question
from watchfloor.console.screens.confirm import Confirm

ID = "run-0003"
LONG = Question(
    title="Cancel?",
    lines=tuple(f"Sentence {i} tells what would happen." for i in range(40)),
    yes="Yes, cancel it",
    typed=ID,
    typed_name="the run id",
    wants_reason=True,
)


class Answers(list[Consent | None]):
    """What a question was answered with."""

    def __call__(self, answer: Consent | None) -> None:
        self.append(answer)


async def ask(app, pilot, question: Question = LONG) -> Answers:
    answers = Answers()
    await settled(pilot)
    await app.push_screen(Confirm(question, app.session), answers)
    await settled(pilot)
    return answers


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (200, 60)])
async def test_a_long_question_is_scrolled_and_its_answers_stay_in_sight(app, size):
    async with app.run_test(size=size) as pilot:
        await ask(app, pilot)
        said = shown(app)
        assert "Sentence 0 " in said
        assert "No, leave it (n)" in said
        assert "Yes, cancel it (y)" in said
        assert f"Type {ID} and press Enter, then y." in said
        if size[1] < 40:
            assert "more lines" in said
            assert "Sentence 39" not in said
        await press(pilot, *["pagedown"] * 12)
        assert "Sentence 39" in shown(app)
        assert "more lines" not in shown(app)


async def test_a_wrong_text_is_answered_and_stays_to_be_mended(app):
    async with app.run_test(size=(80, 24)) as pilot:
        answers = await ask(app, pilot)
        await press(pilot, *"run-0004", "enter")
        assert f"That is not the run id. Type {ID}" in shown(app)
        assert app.focused is app.screen.query_one("#typed", Input)
        assert app.screen.query_one("#yes", Button).disabled
        await press(pilot, "backspace")
        assert "That is not" not in shown(app)
        await press(pilot, "3", "enter")
        assert app.focused.id == "no"
        assert answers == []
        await press(pilot, "y")
        assert answers == [Consent(typed=ID)]


async def test_enter_alone_never_confirms(app):
    async with app.run_test(size=(80, 24)) as pilot:
        answers = await ask(app, pilot)
        await press(pilot, "enter", *ID, *["enter"] * 3)
        assert answers == [None]


async def test_nothing_typed_is_no_mistake_and_no_consent(app):
    async with app.run_test(size=(80, 24)) as pilot:
        answers = await ask(app, pilot)
        await press(pilot, "enter")
        assert "That is not" not in shown(app)
        assert answers == []
        await press(pilot, "tab", "tab", "y")
        assert answers == []


async def test_a_reason_goes_with_the_consent(app):
    async with app.run_test(size=(80, 24)) as pilot:
        answers = await ask(app, pilot)
        await press(pilot, *ID, "tab", *"wrong list", "enter", "y")
        assert answers == [Consent("wrong list", typed=ID)]


async def test_changed_keys_stand_on_the_answers(console):
    keymap, mistakes = Keymap().remapped({"confirm.yes": "Y", "confirm.no": "N"})
    assert mistakes == []
    app = console(wishes=Preferences(keymap=keymap))
    async with app.run_test(size=(80, 24)) as pilot:
        answers = await ask(app, pilot)
        assert "No, leave it (N)" in shown(app)
        assert "Yes, cancel it (Y)" in shown(app)
        assert "then Y." in shown(app)
        await press(pilot, *ID, "enter", "Y")
        assert answers == [Consent(typed=ID)]
