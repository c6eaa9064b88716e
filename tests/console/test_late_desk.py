from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from watchfloor.console.desk import Desk
from watchfloor.console.late_desk import LateDesk
from watchfloor.domain.errors import StoreError

QUESTIONS = sorted(
    name
    for name, found in vars(Desk).items()
    if inspect.iscoroutinefunction(found) and name != "close"
)


class Heard:
    """Takes every question, keeps it, and answers one thing."""

    def __init__(self) -> None:
        self.is_closed = False
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.answer = object()

    def __getattr__(self, name: str) -> Any:
        async def asked(*given: object, **named: object) -> object:
            wanted = inspect.signature(vars(Desk)[name]).bind(self, *given, **named)
            del wanted.arguments["self"]
            self.asked.append((name, dict(wanted.arguments)))
            return self.answer

        return asked

    async def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("name", QUESTIONS)
async def test_every_question_is_handed_on_as_it_was_asked(name):
    heard: Any = Heard()
    late: Any = LateDesk(lambda: heard)
    given: dict[str, object] = {}
    positional = []
    for one in [*inspect.signature(vars(Desk)[name]).parameters.values()][1:]:
        given[one.name] = object()
        if one.kind is not one.KEYWORD_ONLY:
            positional.append(given[one.name])
    named = {key: it for key, it in given.items() if it not in positional}

    told = await getattr(late, name)(*positional, **named)

    assert heard.asked == [(name, given)]
    assert told is (None if name == "drop_prospect" else heard.answer)


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_not_said_is_what_every_desk_takes_for_it(name):
    ours = inspect.signature(getattr(LateDesk, name)).parameters.values()
    theirs = inspect.signature(vars(Desk)[name]).parameters.values()

    assert [(one.name, one.kind, one.default) for one in ours] == [
        (one.name, one.kind, one.default) for one in theirs
    ]


async def test_one_desk_is_made_when_it_is_first_asked_and_closed_with_it():
    made: list[Any] = []

    def build() -> Any:
        made.append(Heard())
        return made[-1]

    late = LateDesk(build)
    await late.close()
    assert made == []

    await late.pulse()
    await late.overview()
    await late.close()

    assert [one.is_closed for one in made] == [True]


async def test_what_kept_it_from_being_made_every_question_raises():
    def broken() -> Desk:
        raise StoreError("the store is gone")

    late = LateDesk(broken)

    for _ in range(2):
        with pytest.raises(StoreError, match="the store is gone"):
            await late.pulse()
    await late.close()


async def test_what_could_not_be_made_is_made_with_the_next_question():
    made: list[Any] = []

    def build() -> Any:
        made.append(Heard())
        if len(made) == 1:
            raise StoreError("the store is locked")
        return made[-1]

    late = LateDesk(build)
    first = await asyncio.gather(late.pulse(), late.live(), return_exceptions=True)
    told = await late.pulse()
    await late.close()

    assert [str(one) for one in first] == ["the store is locked"] * 2
    assert told is made[1].answer
    assert [one.is_closed for one in made] == [False, True]
