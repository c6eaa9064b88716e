"""The raw bytes that a terminal gets, with the worst texts in everything that is shown.

One console stands over a paper desk; the other one is the product's own, over a real
store that a hostile campaign and a hostile contact file were launched into.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from pathlib import Path

import pytest
from tests.console.terminal import Terminal
from tests.console.test_storms import typed
from tests.console.tour import TOUR
from tests.support.floor import Floor

from watchfloor.domain.text import clean

SCRIPT = "tests/console/paper_console.py"
ESCAPE, CTRL_L = "\x1b", "\x0c"
POISONS = (
    "\x1b]52;c;aGk=\x07\x1b]8;;http://evil.example\x1b\\",
    "\x1b[31m\x9b31m\x9d52;c;aGk=\x9c\x85",
    "\u202e\u2066\u200b\u200d\ufeff[/][@click=app.quit]x[bold]",
    "\t\r\n\x7f\x08\x0e\x1bP+q\x1b\\🇩🇪👍🏽👨\u200d👩\u200d👧",
)
#: What the console itself never sends, whatever it paints.
FORBIDDEN = (
    *(b"\x1b]52", b"\x1b]8", b"\x1b[31m", b"\x1bP+q", b"\x00", b"\x07", b"\x08"),
    *(b"\x0e", b"\x7f", b"\t"),
)

#: Textual's own word for the mouse pointer, with every screen that opens.
POINTER = re.compile(rb"\x1b\]22;[a-z-]+\x07")


def check_wire(sent: bytes) -> None:
    """Nothing came that a terminal would obey, or that hides how a text reads."""
    sent = POINTER.sub(b"", sent)
    assert [one for one in FORBIDDEN if one in sent] == []
    text = sent.decode("utf-8", "strict")
    unseen = {char for char in text if unicodedata.category(char) in ("Cf", "Co")}
    assert unseen == set()
    assert {char for char in text if "\x80" <= char <= "\x9f"} == set()


def walked(terminal: Terminal, *names: str) -> str:
    """Go to screens from the jobs and back; return all that stood on the glass."""
    seen = []
    for name in names:
        for key in TOUR[name].keys:
            terminal.send(typed(key))
            terminal.quiet(0.06)
        seen.append(terminal.glass)
        for _ in range(6):
            terminal.send(ESCAPE)
            if not terminal.quiet(0.06):
                break
        terminal.send("hgM")
        terminal.quiet(0.06)
        assert terminal.process.poll() is None, (name, seen[-1])
    return "\n".join(seen)


#: Their last key means something else where the screen before is not there yet.
LEFT_OUT = {"leave", "stopped", "approve"}
#: What a run that waits in a real store has: no attempt was made yet.
REAL = (
    *("jobs", "records", "filter", "journey", "beside", "live", "triage", "audit"),
    *("unknowns", "charts", "events", "details", "actions", "stop", "cancel", "limits"),
    *("wizard", "wizard-upload", "wizard-checks", "wizard-render", "wizard-review"),
)
SEPARATORS = dict.fromkeys(map(ord, ";|\t\r\n"))
CAMPAIGN = """
[campaign]
id = "hostile"
name = "{name}"
published = true
[audience]
contact = "id"
kind = "id"
[[steps]]
name = "call"
channel = "simulator"
[steps.settings]
latency = "0s"
"""


@pytest.mark.parametrize("first", range(len(POISONS)))
def test_no_screen_sends_what_a_terminal_would_obey(first):
    # Cells are narrow: each poison is once the one that comes first.
    poison = "".join((*POISONS[first:], *POISONS[:first]))
    written = poison.encode("unicode_escape").decode("ascii")
    terminal = Terminal((120, 36), SCRIPT, "campaign", "staying", written)
    try:
        terminal.until(clean(poison)[:6])
        terminal.until("? Help")
        names = [name for name in TOUR if name not in LEFT_OUT][first::4]
        seen = walked(terminal, *names)
        terminal.press(CTRL_L, 0.2)
        check_wire(terminal.sent)
        assert clean(poison)[:6] in seen
    finally:
        terminal.end()


@pytest.fixture
def floor(tmp_path: Path):
    made = Floor(tmp_path)
    yield made
    made.close()


def test_a_store_full_of_hostile_texts_shows_them_harmless(floor, tmp_path):
    # TOML holds no raw controls, but anybody can write them escaped.
    name = "".join(f"\\U{ord(char):08x}" for char in "".join(POISONS))
    folder = tmp_path / "lists"
    folder.mkdir()
    upload = folder / "\x1b]52;c;aGk=\x07\u202e[bold]\x9b31m.csv"
    with upload.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        # Of a header that holds other separators nobody could tell the columns.
        rows.writerow(["id", *(f"h {one}".translate(SEPARATORS) for one in POISONS)])
        for number in range(60):
            turned = POISONS[number % 4 :] + POISONS[: number % 4]
            rows.writerow([f"{number}{turned[0]}", *turned])
    campaign = CAMPAIGN.format(name=name)
    _ = floor.launched(campaign, upload)
    (floor.layout.campaigns / "hostile.toml").write_text(campaign, encoding="utf-8")
    terminal = Terminal(
        (120, 36),
        *("-m", "watchfloor", "--workspace", str(floor.layout.root), "console"),
        XDG_CONFIG_HOME=str(tmp_path),
    )
    try:
        terminal.until("␛]52;c;aGk=")
        terminal.until("? Help")
        seen = walked(terminal, *REAL)
        terminal.press(CTRL_L, 0.2)
        check_wire(terminal.sent)
        assert "␛]8;;" in seen
    finally:
        terminal.end()
