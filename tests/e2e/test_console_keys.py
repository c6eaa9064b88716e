from __future__ import annotations

from pathlib import Path

import pytest
from tests.console.terminal import Terminal

from watchfloor.cli.main import main
from watchfloor.triage.bundle_reading import read_bundle

SIZE = (100, 30)
CAMPAIGN = """
[campaign]
id = "hello"
name = "Hello"
published = true

[audience]
contact = "phone"
kind = "phone"

[[steps]]
name = "call"
channel = "simulator"

[steps.settings]
seed = 7
latency = "20ms"

[limits]
permits = 8
rate = "60/s"
"""
PEOPLE = 300


@pytest.fixture
def console(tmp_path: Path, capsys):
    place = tmp_path / "desk"
    assert main(["init", str(place)]) == 0
    capsys.readouterr()
    (place / "campaigns" / "hello.toml").write_text(CAMPAIGN)
    (tmp_path / "lists").mkdir()
    rows = "".join(f"+1202555{number:04}\n" for number in range(1000, 1000 + PEOPLE))
    (tmp_path / "lists" / "people.csv").write_text(f"phone\n{rows}")
    terminal = Terminal(
        SIZE,
        *("-m", "watchfloor", "--workspace", str(place), "console"),
        XDG_CONFIG_HOME=str(place / "config"),
    )
    yield terminal
    terminal.end()


def launched(console: Terminal, upload: Path) -> None:
    """Launch over *upload* through the wizard."""
    console.until("No runs yet")
    # All at once, as over a slow line.
    console.press(f"n\r{upload}\r")
    console.until("Usable           300")
    console.press("\x1b[6~")
    console.until("[4 Dry render]")
    console.press("\x1b[6~")
    console.until("[5 Review]")
    assert "+1202555" not in console.glass
    console.press("y")
    console.until("isarmed")
    console.press("m")
    console.press("y")
    console.until("Running")
    console.until("? Help")


def test_one_key_hands_a_run_over_beside_the_screens(console, tmp_path):
    launched(console, tmp_path / "lists" / "people.csv")

    console.press("e")

    console.until("Bundle of Hello, people masked: ")
    (bundle,) = (tmp_path / "desk" / "bundles").iterdir()
    assert bundle.stat().st_mode & 0o777 == 0o600
    found = read_bundle(bundle)
    assert "Hello" in "".join(found.texts["screen.txt"])
    assert "1202555" not in str(found)


def test_a_run_is_steered_by_keys_alone_from_launch_to_books(console, tmp_path):
    launched(console, tmp_path / "lists" / "people.csv")

    console.press("p")
    console.until("pause settled")
    console.until("Running + paused")
    console.press("r")
    console.press("\r")
    console.until("delivered")
    console.press("\r")
    console.until("Journey")
    assert "+1202555" not in console.glass
    console.press("\x1b", 0.4)
    console.press("\x1b", 0.4)

    console.press("u")
    console.until("resume settled")
    for _ in range(40):
        console.press("r", 0.4)
        if "Completed" in console.glass:
            break
    console.until(f"records {PEOPLE} = {PEOPLE} delivered")
    console.send("q")
    console.quiet(1.0)
    assert console.ended() == 0
    assert b"\x1b[?1049l" in console.sent
