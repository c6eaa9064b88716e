from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.console.looking import panel, press, settled, shown
from tests.console.terminal import Terminal

from watchfloor.console.keymap import ACTS, Keymap
from watchfloor.console.preferences import UNDO_S, Preferences, read_preferences
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.themes import suited
from watchfloor.domain.labels import Dialect

SIZE = (120, 36)


def read(tmp_path: Path, text: str) -> tuple[Preferences, tuple[str, ...]]:
    path = tmp_path / "console.toml"
    path.write_text(text, encoding="utf-8")
    return read_preferences(path)


def test_a_file_that_is_not_there_says_nothing(tmp_path):
    assert read_preferences(tmp_path / "none.toml") == (Preferences(), ())


def test_every_preference_is_taken(tmp_path):
    chosen, mistakes = read(
        tmp_path,
        """
        theme = "light"
        words = "dialer"
        calm = true
        undo = "12s"
        [keys]
        "run.pause" = "P"
        "view.refresh" = "X,f5"
        [hide_columns]
        runs = ["elapsed", "ETA"]
        """,
    )

    assert mistakes == ()
    assert chosen.theme == "light"
    assert chosen.dialect is Dialect.DIALER
    assert chosen.is_calm
    assert chosen.undo_s == 12
    assert chosen.hidden == {"runs": frozenset({"ELAPSED", "ETA"})}
    assert chosen.keymap.key("run.pause") == "P"
    assert chosen.keymap.changed == {"run.pause": "P", "view.refresh": "X,f5"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('colour = "red"', "colour: there is no such preference"),
        ('theme = "pink"', "theme: 'pink' is none of dark"),
        ("words = 3", "words: 3 is none of watchfloor"),
        ('calm = "yes"', "calm: write true or false"),
        ('undo = "soon"', "undo: 'soon' is not a duration; write 8s"),
        ('undo = "10m"', "undo: 10m is longer than 60s"),
        ("keys = 1", "keys: write a table, [keys]"),
        ("[keys]\nrun.pause = 1", "keys.run: write keys as text"),
        ('[keys]\n"run.fly" = "p"', "keys.run.fly: there is no such act"),
        ('[keys]\n"run.pause" = "u"', "keys: u: run.pause and run.resume"),
        ('[keys]\n"run.pause" = "ctrl+c"', "ctrl+c of run.pause is reserved: copy"),
        ('[keys]\n"run.stop" = "y"', "keys: y: copy.id and run.stop"),
        ('[keys]\n"confirm.yes" = "s"', "s of run.stop also says yes"),
        ('[keys]\n"confirm.no" = ""', "confirm.no needs a key"),
        ("[hide_columns]\ncalls = []", "hide_columns.calls: there are runs"),
        ("[hide_columns]\nruns = 3", "hide_columns.runs: write ["),
        ("theme = ", "cannot be used: "),
    ],
)
def test_every_mistake_is_named_and_harms_nothing_else(tmp_path, text, said):
    chosen, mistakes = read(tmp_path, f"{text}\n")

    assert any(said in one for one in mistakes), mistakes
    assert chosen.keymap == Keymap()
    assert chosen.undo_s == UNDO_S


def test_keys_are_changed_all_together_or_not_at_all(tmp_path):
    chosen, mistakes = read(
        tmp_path, '[keys]\n"run.pause" = "P"\n"run.resume" = "ctrl+z"\n'
    )

    assert mistakes
    assert chosen.keymap.table == ACTS


def test_a_huge_or_binary_file_is_not_read(tmp_path):
    path = tmp_path / "console.toml"
    path.write_bytes(b"#" * 70_000)
    assert "larger than 64 KiB" in read_preferences(path)[1][0]
    path.write_bytes(b"\xff\xfe\x00")
    assert "cannot be used" in read_preferences(path)[1][0]


async def test_a_changed_key_works_and_is_the_one_that_is_shown(console, desk):
    keymap, mistakes = Keymap().remapped(
        {"safety.arm": "W", "run.stop": "X", "app.help": "H", "run.undo": "Z"}
    )
    assert mistakes == []
    app = console(wishes=Preferences(keymap=keymap))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "X")
        assert "press W to arm" in panel(app, "message")
        await press(pilot, "m", "s", "z")
        assert "disarmed" in panel(app, "header")
        assert "W Arm" in panel(app, "footer")
        assert "H Help" in panel(app, "footer")

        await press(pilot, "W", "X")
        await settled(pilot)
        assert isinstance(app.screen, Confirm)
        assert "Z takes it back for 8 s" in shown(app)
        await press(pilot, "n", "H")
        said = shown(app)
        assert re.search(r"X +Stop", said)
        assert desk.asked == []


async def test_a_greeting_is_said_once_the_screen_stands(console):
    app = console(greeting="console.toml: keys.run.fly: there is no such act")
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "there is no such act" in panel(app, "message")


def test_a_terminal_of_few_colours_gets_its_own():
    assert suited("linux", "") == "ansi"
    assert suited("xterm", "") == "ansi"
    assert suited("xterm-256color", "") == "dark"
    assert suited("xterm", "truecolor") == "dark"


@pytest.mark.parametrize("theme", ["ansi", "plain"])
def test_a_console_in_the_terminals_own_colours_sends_no_others(theme):
    terminal = Terminal(
        (80, 24), "tests/console/paper_console.py", "still", "thrifty", "", theme
    )
    try:
        terminal.until("? Help")
        terminal.press("m")
        codes = {
            part
            for found in re.findall(rb"\x1b\[([0-9;]*)m", terminal.sent)
            for part in found.decode().split(";")
        }
        colours = {code for code in codes if re.fullmatch("(3|4|9|10)[0-9]", code)}
        assert not codes & {"38", "48"}
        assert bool(colours - {"39", "49"}) is (theme == "ansi")
    finally:
        terminal.end()


async def test_a_key_that_was_taken_away_does_nothing_and_the_help_says_so(console):
    keymap, mistakes = Keymap().remapped({"nav.unknowns": "", "view.events": ""})
    assert mistakes == []
    app = console(wishes=Preferences(keymap=keymap))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "6", "v")
        assert app.screen is app.jobs

        await press(pilot, keymap.key("app.help"))
        assert re.search(r"palette +Unknowns", shown(app))
        assert not re.search(r"^ *6 ", shown(app), re.MULTILINE)


async def test_a_key_that_was_taken_away_may_be_given_to_another_act(console):
    keymap, mistakes = Keymap().remapped({"view.events": "", "app.theme": "v"})
    assert mistakes == []
    app = console(wishes=Preferences(keymap=keymap))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        before = app.theme
        await press(pilot, "v")

        assert app.screen is app.jobs
        assert app.theme != before
