"""Sessions over a real sshd: forced commands, roles, and a line that drops."""

from __future__ import annotations

import logging
import os
import re
import signal
from pathlib import Path

import pytest
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.process import EngineProcess, is_gone
from tests.support.sshd import Sshd, missing

PEOPLE = 240

log = logging.getLogger(__name__)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")


@pytest.fixture
def sshd(tmp_path, floor):
    with Sshd(tmp_path, floor.layout.root) as serving:
        serving.admit("alice", "admin")
        serving.admit("olga", "operator")
        serving.admit("vic", "viewer")
        yield serving
    log.info("%s", serving.log)
    owner = floor.pulse()
    if owner.pid and not owner.released and not is_gone(owner.pid):
        os.kill(owner.pid, signal.SIGKILL)


def test_a_line_dropped_in_mid_run_loses_and_repeats_nobody(floor, provider, sshd):
    run_id = floor.launched(webhook(provider.url, permits=4, rate="8/s"), ids(PEOPLE))
    alice = sshd.terminal("alice", "console", "--on-hangup", "continue")
    alice.until("Trial")
    until(lambda: len(provider.arrivals) > 10)
    engine = floor.pulse().pid
    alice.press("m")
    alice.press("p")
    until(lambda: floor.view(run_id).gate_asked.by)
    assert floor.view(run_id).gate_asked.by.startswith("alice via ")
    alice.press("u")
    until(lambda: not floor.view(run_id).gate_asked.by)

    os.kill(alice.process.pid, signal.SIGKILL)

    assert alice.end() == -signal.SIGKILL
    seen = len(provider.arrivals)
    assert seen < PEOPLE
    until(lambda: len(provider.arrivals) > seen + 10, "the engine to go on alone")
    assert floor.pulse().pid == engine

    olga = sshd.terminal("olga")
    olga.until("operator")
    olga.until("Trial")
    olga.press("m")
    olga.press("p")
    until(lambda: floor.view(run_id).gate_asked.by.startswith("olga via "))
    olga.end()
    resumed = sshd.said("olga", f"watchfloor resume {run_id} --yes")
    assert resumed.returncode == 0
    assert resumed.stdout in ("resume applied\n", "resume settled\n")
    faster = sshd.said("olga", f"limit {run_id} --rate none --reason 'late enough'")
    assert faster.returncode == 0
    assert sshd.said("olga", "limit workspace --permits 1").returncode == 1
    asked = sshd.said("olga", f"audit show {run_id}").stdout
    assert re.search(r"olga via .* ssh 127\.0\.0\.1 +limit", asked), asked
    ended = floor.until_ended(run_id)

    assert ended.books.delivered == PEOPLE
    assert sorted(provider.contacts) == ids(PEOPLE)
    assert len(provider.arrivals) == PEOPLE
    floor.assert_books_hold(run_id)
    os.kill(engine, signal.SIGTERM)
    until(lambda: is_gone(engine), "the engine to drain")


def test_a_line_dropped_drains_the_engine_where_that_was_asked(floor, provider, sshd):
    run_id = floor.launched(webhook(provider.url, permits=4, rate="20/s"), ids(PEOPLE))
    alice = sshd.terminal("alice", "console", "--on-hangup", "drain")
    alice.until("Trial")
    until(lambda: len(provider.arrivals) > 5)
    engine = floor.pulse().pid

    os.kill(_session_of(engine), signal.SIGKILL)

    until(lambda: is_gone(engine), "the engine to drain")
    alice.end()
    sent = len(provider.arrivals)
    assert sent < PEOPLE
    assert floor.pulse().released
    assert floor.assert_books_hold(run_id).attempting == 0
    with EngineProcess(floor.layout, "--until-idle") as headless:
        assert headless.ended() == 0
    assert sorted(provider.contacts) == ids(PEOPLE)
    assert floor.assert_books_hold(run_id).delivered == PEOPLE


def test_a_viewer_sees_and_changes_nothing(floor, provider, sshd):
    run_id = floor.launched(webhook(provider.url, permits=1, rate="1/m"), ids(20))

    assert sshd.said("vic", "runs").stdout.count(run_id) == 1
    for words in (f"pause {run_id} --yes", f"records {run_id} --unmask", "purge x"):
        refused = sshd.said("vic", words)
        assert refused.returncode == 1
        assert "NOT_ALLOWED" in refused.stderr
        assert "you are a viewer" in refused.stderr
    vic = sshd.terminal("vic")
    vic.until("viewer  READ ONLY")
    vic.press("m")
    vic.press("p")
    vic.until("READ ONLY: this session only looks")
    assert floor.view(run_id).gate_asked.by == ""


@pytest.mark.parametrize(
    "words",
    [
        "engine",
        "--role admin runs",
        "--workspace /tmp runs",
        "--as root runs",
        "bundle x -o /tmp/stolen.zip",
        "launch c.toml --upload /etc/passwd",
        "console --preferences /etc/passwd",
        "triage /tmp/x.zip",
        "alerts test",
        "rejects x -o /tmp/stolen.csv",
        "audit anchor -o /tmp/stolen.jsonl",
        "audit verify --anchor /etc/passwd",
        "ssh-session",
        "init /tmp/mine",
    ],
)
def test_a_forced_command_names_no_file_and_starts_no_program(sshd, words):
    refused = sshd.said("alice", words)

    assert refused.returncode == 1
    assert "NOT_ALLOWED" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "words",
    ["sh -c 'echo out'", "runs; echo out", "$(echo out)", "`echo out`", "runs | sh"],
)
def test_no_shell_ever_sees_what_was_asked(sshd, words, tmp_path: Path):
    answer = sshd.said("alice", f"{words} > {tmp_path / 'out'}")

    assert answer.returncode == 2
    assert not re.search("^out$", answer.stdout, re.MULTILINE)
    assert not (tmp_path / "out").exists()


def _session_of(pid: int) -> int:
    """Return the sshd session that a console runs under."""
    while True:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        parent = int(fields[1])
        if Path(f"/proc/{parent}/comm").read_text().strip().startswith("sshd"):
            return parent
        pid = parent
