from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.console.terminal import Terminal
from tests.support.process import signalled

from watchfloor.cli import compose
from watchfloor.cli.main import main
from watchfloor.domain.draining import Drain
from watchfloor.engine.tenure import tenure
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import is_owned

SIZE = (80, 24)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = tmp_path / "desk"
    assert main(["init", str(place)]) == 0
    return place


def opened(workspace: Path, *options: str, **env: str) -> Terminal:
    arguments = ("-m", "watchfloor", "--workspace", str(workspace), "console", *options)
    home = {"XDG_CONFIG_HOME": str(workspace / "config")}
    return Terminal(SIZE, *arguments, **home, **env)


def ended(terminal: Terminal) -> tuple[int | None, str]:
    code = terminal.ended()
    terminal.quiet(0.2)
    # The terminal breaks lines wherever they are full.
    said = "".join(terminal.glass.split())
    terminal.end()
    return code, said


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_place_a_cursor_is_refused_with_the_verbs_to_use(
    workspace, term
):
    code, said = ended(opened(workspace, TERM=term, STARTS="afresh"))

    assert code == 1
    assert "thisterminalcannotplaceacursor" in said
    assert "nothingwasstarted" in said
    assert f"watchfloor--workspace{workspace}runs,show,records" in said


def test_a_named_preferences_file_with_a_mistake_is_refused(workspace, tmp_path):
    wrong = tmp_path / "mine.toml"
    wrong.write_text('theme = "pink"\n[keys]\n"run.pause" = "u"\n')

    code, said = ended(opened(workspace, "--preferences", str(wrong), STARTS="afresh"))

    assert code == 1
    assert "theme:'pink'isnoneof" in said
    assert "run.pauseandrun.resume" in said
    assert "Nothingwasstarted." in said

    code, said = ended(opened(workspace, "--preferences", str(tmp_path / "no.toml")))
    assert code == 1
    assert "doesnotexist" in said


def test_an_own_file_with_a_mistake_opens_all_the_same_and_says_so(workspace):
    place = workspace / "config" / "watchfloor"
    place.mkdir(parents=True)
    (place / "console.toml").write_text('theme = "pink"\nwords = "dialer"\n')

    terminal = opened(workspace, "--read-only")
    try:
        terminal.until("console.toml: theme: 'pink' is none of")
        terminal.until("READ ONLY")
        terminal.send("q")
        assert terminal.ended() == 0
    finally:
        terminal.end()


def test_a_calm_console_uses_the_terminals_own_colours(workspace):
    terminal = opened(workspace, "--calm", "--read-only", STARTS="afresh")
    try:
        terminal.until("No runs yet")
        terminal.quiet(0.3)
        assert b"38;2;" not in terminal.sent
        assert b"38;5;" not in terminal.sent
        assert b"\x1b[3" in terminal.sent
    finally:
        terminal.end()


def test_a_console_that_waits_for_an_engine_to_end_is_left_at_once(workspace):
    layout, now_ms = Layout(workspace), compose.now_ms()
    around, owner = compose.surroundings(), compose.owner("an engine")
    with tenure(layout, around, owner, dispatches=True) as committer:
        # What it says stands without a heartbeat, however slow the machine is.
        committer.on_fault("the disk is full")
        committer.on_drain(Drain(now_ms, now_ms + 600_000, 10))
        terminal = opened(workspace)
        try:
            terminal.until("STORE FAULT")
            terminal.press("R", shows="Go on here when that engine has ended?")
            terminal.press("y", shows="this console waits for it")
            terminal.press("q", shows="Leaving ends that wait")
            terminal.send("y")
            assert terminal.ended() == 0
            terminal.quiet(0.2)
            # The terminal breaks lines wherever they are full.
            said = "".join(terminal.glass.split())
        finally:
            terminal.end()
        assert is_owned(layout)

    assert "Onleaving:nobodywaitsanymoreforanengineof" in said
    assert f"goon:watchfloor--workspace{workspace}engine--wait" in said


@pytest.mark.parametrize(
    "sent",
    [(signal.SIGTERM,), (signal.SIGHUP,), (signal.SIGTERM, signal.SIGTERM)],
    ids=["sigterm", "sighup", "sigterm, and its echo"],
)
def test_a_signal_to_the_process_gives_the_terminal_back(workspace, sent):
    terminal = opened(workspace)
    pid = terminal.process.pid
    try:
        terminal.until("No runs yet")
        terminal.quiet(0.3)
        for one in sent:
            signalled(pid, one)
        terminal.quiet(1.0)
        assert terminal.ended() == 0
        terminal.quiet(0.3)
        assert b"\x1b[?1049l" in terminal.sent
        assert terminal.is_cooked
    finally:
        terminal.end()
