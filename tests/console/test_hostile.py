"""Texts that would break a terminal, in every place where one from outside stands."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, chain, cycle

import pytest
from rich.cells import cell_len
from tests.console.looking import press, settled, shown, until
from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import (
    OWN_PID,
    a_canary,
    campaign_runs,
    retried_runs,
    some_runs,
)
from tests.console.test_text import HOSTILE
from tests.console.tour import RETRIED, TOUR, at_rest, walk
from tests.console.unseen import painted
from tests.support.hostile import PAYLOADS, marks_in, traces
from textual.events import Paste
from textual.widgets import Input
from wcwidth import wcwidth

from watchfloor.console.app import WatchfloorApp
from watchfloor.console.commands import Patience
from watchfloor.console.preferences import Preferences
from watchfloor.console.screens.jobs import JobsScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.errors import Refusal, StoreError
from watchfloor.domain.text import clean

SIZE = (160, 40)
POISONS = (
    *HOSTILE,
    "\x1b]0;title\x07\x1bP+q\x1b\\\x9d52;c;aGk=\x9c",
    "\u2067x\u2069\u200ey\u200d\u200b\ufeffz\u00ad\u2028\u3164",
    "[bold]loud[/bold] [red on blue]",
    "one\ntwo\r\n\tthree\x85four",
    "🏳\ufe0f\u200d🌈❤\ufe0f1\ufe0f\u20e3☝🏿",
    "🇩🇪🇫🇷🇦",
    "\u0301\u0301 starts with marks",
    "한글 ガギグ 全角ＡＢＣ",
    "",
    " ",
    "x" * 600,
)

#: What must be seen of them as it is, in the end.
LITERALS = ("[/]", "[@click=app", "[bold]", "␛]52;", "␛]8;;")
#: Three poisons in every text: what one breaks, another must not repair.
DOSES = tuple("".join(HOSTILE[i : i + 3]) for i in range(0, len(HOSTILE), 3))


class PoisonedDesk(PaperDesk):
    """Whatever is asked for holds another poison every time."""

    def __init__(self, first: int) -> None:
        dose = (*POISONS[first:], *POISONS[:first])
        corpus = (one.text for one in PAYLOADS[bool(first) :: 2])
        self._poisons = cycle(chain.from_iterable(zip(cycle(dose), corpus)))
        super().__init__(runs=some_runs() + campaign_runs() + retried_runs())
        self.canaries = {RETRIED: a_canary(RETRIED)}
        self.steps = ("call", "text")
        self.reports = {"opened": 300, "clicked": 100}

    @property
    def poison(self) -> str:
        return next(self._poisons)

    @poison.setter
    def poison(self, text: str) -> None:
        """Keep the poisons there are."""


def cells(text: str) -> list[str]:
    """What a terminal shows in each cell; the second half of a wide one is empty."""
    found: list[str] = []
    for char in text:
        found += [char, *[""] * (wcwidth(char) - 1)] if wcwidth(char) > 0 else []
    return found


def check_page(app: WatchfloorApp) -> None:
    """Every line is as wide as the screen, harmless, and holds no link."""
    width = app.size.width
    for strip in painted(app):
        line = "".join(piece.text for piece in strip)
        assert not traces(line), line
        assert len(cells(line)) == width == cell_len(line), line
        for piece in strip:
            assert piece.style is None or "@click" not in piece.style.meta, piece
            assert piece.style is None or piece.style.link is None, piece


def check_columns(grid: Grid[object]) -> None:
    """Every column begins and ends in the same cell in all rows."""
    edges = {
        tuple(accumulate(len(cells(piece.text)) for piece in grid.render_line(y)))
        for y in range(1, min(grid.size.height, len(grid.rows) + 1))
    }
    assert len(edges) <= 1, edges


async def go_home(pilot, app: WatchfloorApp) -> None:
    """Back to the first run, with nothing open, marked or narrowed."""
    was = type(app.screen)
    for _ in range(8):
        if isinstance(app.screen, JobsScreen):
            break
        await walk(pilot, "escape")
    assert isinstance(app.screen, JobsScreen), app.screen
    if was is JobsScreen:
        await press(pilot, "f" if app.jobs.has_class("-full") else "escape", "escape")
    app.jobs.runs.focus()
    app.jobs.runs.action_edge(0)
    app.jobs.action_disarm()
    await at_rest(pilot)


@pytest.mark.parametrize(
    ("size", "first"), [((80, 24), 0), ((120, 36), 7)], ids=("80x24", "120x36")
)
async def test_every_screen_bears_every_poison(size, first):
    desk = PoisonedDesk(first)
    app = WatchfloorApp(
        desk,
        workspace_name=desk.poison,
        operator=desk.poison,
        clock=desk.clock,
        own_pid=OWN_PID,
        patience=Patience(poll_s=0.005, polls=40),
        greeting=desk.poison,
        wishes=Preferences(undo_s=0),
    )
    seen = []
    async with app.run_test(size=size) as pilot:
        await at_rest(pilot)
        for name, stop in TOUR.items():
            await go_home(pilot, app)
            if stop.about:
                app.jobs.runs.select(stop.about)
            await walk(pilot, *stop.keys)
            assert isinstance(app.screen, stop.kind), (name, shown(app))
            check_page(app)
            for grid in app.screen.query(Grid):
                if grid.display:
                    check_columns(grid)
            seen.append(shown(app))
        # Which text holds which poison is by chance: the rest comes by and by.
        for _ in range(40):
            if all(literal in "\n".join(seen) for literal in LITERALS):
                break
            await walk(pilot, "escape", "r")
            seen.append(shown(app))
    told = "\n".join(seen)
    for literal in LITERALS:
        assert literal in told
    assert len(marks_in(told)) >= 40


#: Lines enough for a run of every payload's name.
TALL = (150, len(PAYLOADS) + 100)


class BesiegedDesk(PoisonedDesk):
    """A run and a record for every payload of the corpus."""

    def __init__(self) -> None:
        super().__init__(0)
        self._poisons = cycle(one.text for one in PAYLOADS)
        run = some_runs()[0]
        self.runs = [
            replace(run, run_id=f"run-{number:04}")
            for number, _ in enumerate(PAYLOADS, 1)
        ]


async def test_a_list_of_five_hundred_payloads_shows_them_and_obeys_none():
    desk = BesiegedDesk()
    app = WatchfloorApp(
        desk,
        workspace_name="Floor",
        operator="nora",
        clock=desk.clock,
        own_pid=OWN_PID,
        wishes=Preferences(undo_s=0),
    )
    async with app.run_test(size=TALL) as pilot:
        await at_rest(pilot)
        runs = shown(app)
        await walk(pilot, *TOUR["full"].keys)
        records = shown(app)

    for page in (runs, records):
        assert not traces(page)
        assert len(marks_in(page)) >= 500


#: Screens with a field, and what it is known by.
FIELDS = {
    "filter": ("slash",),
    "palette": ("colon",),
    "actions": ("a",),
    "stop's reason": ("m", "s"),
    "run id": ("m", "j", "j", "c"),
    "limits": ("m", "L"),
    "campaign": ("n",),
    "upload": ("n", "enter"),
}


#: What stands in one line and fits, together; and the others one by one.
SHORT = [one for one in POISONS if len(one) < 60 and len(one.splitlines()) < 2]
PASTED = (
    "".join(SHORT[::2]),
    "".join(SHORT[1::2]),
    *(one for one in POISONS if one not in SHORT),
)


@pytest.mark.parametrize("keys", FIELDS.values(), ids=FIELDS)
async def test_what_is_pasted_into_a_field_is_harmless_too(app, keys):
    async with app.run_test(size=(80, 24)) as pilot:
        await at_rest(pilot)
        await walk(pilot, *keys)
        for poison in PASTED:
            field = next(iter(app.screen.query(Input)))
            field.focus()
            field.clear()
            field.post_message(Paste(poison))
            await walk(pilot, "left", "x")
            check_page(app)


@pytest.mark.parametrize("poison", ["[/]", "[@click=app.quit]x[/]"])
async def test_markup_is_shown_as_it_was_written(app, desk, poison):
    desk.poison = poison
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await until(pilot, lambda: f" {poison} " in shown(app))
        await press(pilot, "m", "s")
        assert f"Stop {poison}?" in shown(app)


@pytest.mark.parametrize("poison", DOSES)
async def test_what_is_refused_promised_or_not_read_is_told_harmless(app, desk, poison):
    desk.runs = campaign_runs()
    desk.poison = poison
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "m", "A", "y")
        await until(pilot, lambda: "approve settled" in shown(app))
        check_page(app)
        desk.refusals = [Refusal.SECOND_PERSON]
        await press(pilot, "j", "j", "j", "s", "pagedown")
        check_page(app)
        await press(pilot, "y")
        await until(pilot, lambda: "a second person" in shown(app))
        check_page(app)
        await press(pilot, "enter", "4", "j", "right_square_bracket")
        check_page(app)
        desk.fault = StoreError(poison)
        await press(pilot, "r")
        assert "Could not read" in shown(app)
        check_page(app)
        await press(pilot, "escape", "r")
        check_page(app)


@pytest.mark.parametrize("poison", POISONS)
def test_a_text_is_as_wide_as_its_characters_however_a_terminal_joins_them(poison):
    shown_as = clean(poison)

    assert len(cells(shown_as)) == cell_len(shown_as)
