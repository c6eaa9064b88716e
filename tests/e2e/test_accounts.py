"""A workspace that a group shares, used by real accounts of the system."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.floor import Floor, ids, webhook
from tests.support.patience import DEADLINE_S, until
from tests.support.preloaded import Account, carried_out

from watchfloor.cli import compose
from watchfloor.engine.sharing_files import share
from watchfloor.engine.tenure import tenure

#: A group that no account is a member of by itself, and no file belongs to.
GROUP = 61_961


def _lacking() -> str:
    if os.geteuid() != 0:
        return "only root can act as other accounts of the system"
    known = {one.pw_name for one in pwd.getpwall()}
    lacking = sorted({"daemon", "games"} - known)
    return f"there is no account {lacking[0]} on this system" if lacking else ""


pytestmark = pytest.mark.skipif(bool(_lacking()), reason=_lacking() or "all is there")


@pytest.fixture
def shared():
    # Not under pytest's own folder, which is its account's alone.
    place = Path(tempfile.mkdtemp(prefix="watchfloor-shared-"))
    place.chmod(0o755)
    floor = Floor(place)
    share(floor.layout, GROUP)
    yield floor
    floor.close()
    shutil.rmtree(place)


def said_by(account, floor, *words, group=GROUP):
    place = str(floor.layout.root)
    return carried_out("--workspace", place, *words, account=Account(account, group))


def test_a_member_reads_a_workspace_that_no_engine_runs_in(shared):
    run_id = shared.launched(webhook("http://127.0.0.1:9/"), ids(5))
    # The last connection goes, a writer's: SQLite takes the log away with it.
    shared.close()
    assert shared.apply_what_waits()

    answer = said_by("daemon", shared, "runs")

    assert (answer.returncode, answer.stderr) == (0, "")
    assert run_id in answer.stdout


def test_who_is_not_of_the_group_sees_nothing(shared):
    answer = said_by("daemon", shared, "runs", group=61_962)

    assert answer.returncode in (1, 3)
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr


def test_a_member_s_pause_is_obeyed_under_the_name_the_system_knows(shared, provider):
    run_id = shared.launched(webhook(provider.url, permits=1, rate="1/m"), ids(5))
    with shared.engine():
        answer = said_by("daemon", shared, "pause", run_id, "--yes")
        assert answer.returncode == 0, answer.stderr
        until(lambda: shared.view(run_id).gate_asked.by)

    assert shared.view(run_id).gate_asked.by == "daemon"
    assert list(shared.layout.asks.iterdir()) == []


def test_what_a_member_asks_while_no_engine_runs_is_told_to_wait_for_one(shared):
    run_id = shared.launched(webhook("http://127.0.0.1:9/"), ids(5))
    script = shared.root / "stops.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from watchfloor.cli.asking import asked, report\n"
        "from watchfloor.store.inbox import Command\n"
        "from watchfloor.store.layout import Layout\n"
        "stop = Command(command_id='c1', at_ms=1, verb='stop', run_id=sys.argv[2], "
        "by='daemon')\n"
        "got = asked(Layout(Path(sys.argv[1])), stop, patience_s=0.1)\n"
        "sys.exit(report(got, as_json=False))\n",
        encoding="utf-8",
    )
    script.chmod(0o644)

    place = str(shared.layout.root)
    asked = carried_out(str(script), place, run_id, account=Account("daemon", GROUP))
    theirs = said_by("daemon", shared, "why", run_id)
    why = carried_out("--workspace", place, "why", run_id)
    show = carried_out("--workspace", place, "show", run_id)

    assert (asked.returncode, asked.stdout) == (0, "asked\n"), asked.stderr
    assert "no engine runs, and nothing is done until one takes it" in asked.stderr
    assert "Ask whoever owns the workspace to start one: watchfloor" in asked.stderr
    assert "stop by daemon waits for an engine" in why.stdout
    assert "stop by daemon waits for an engine" in show.stdout
    # Who may not list what others asked is told nothing of it.
    assert theirs.returncode == why.returncode
    assert "waits for an engine" not in theirs.stdout


def test_a_member_that_the_file_calls_a_viewer_is_refused_by_the_engine_too(
    shared, provider
):
    run_id = shared.launched(webhook(provider.url, permits=1, rate="1/m"), ids(5))
    shared.configure('[roles]\noperators = ["games"]\n')
    share(shared.layout, GROUP)
    forged = shared.root / "forged.py"
    forged.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from watchfloor.store.inbox import Command, ask\n"
        "from watchfloor.store.layout import Layout\n"
        "ask(Layout(Path(sys.argv[1])), Command(command_id='forged', at_ms=1, "
        "verb='pause', run_id=sys.argv[2], by='games', role='admin'))\n",
        encoding="utf-8",
    )
    forged.chmod(0o644)
    with shared.engine():
        politely = said_by("daemon", shared, "pause", run_id, "--yes")
        laid = carried_out(
            *(str(forged), str(shared.layout.root), run_id),
            account=Account("daemon", GROUP),
        )
        assert laid.returncode == 0, laid.stderr
        answer = until(lambda: shared.receipt("forged"))
        allowed = said_by("games", shared, "pause", run_id, "--yes")

    assert politely.returncode == 1
    assert "NOT_ALLOWED" in politely.stderr
    assert answer is not None
    assert (answer.state, answer.refusal) == ("refused", "NOT_ALLOWED")
    assert "games via daemon is a viewer" in answer.detail
    assert allowed.returncode == 0, allowed.stderr


def test_a_viewer_is_shown_nobody_in_full(shared, provider):
    run_id = shared.launched(webhook(provider.url, permits=1, rate="1/m"), ids(5))
    shared.configure('[roles]\nviewers = ["daemon"]\n')
    share(shared.layout, GROUP)

    assert said_by("daemon", shared, "records", run_id).returncode == 0
    refused = said_by("daemon", shared, "records", run_id, "--unmask")

    assert refused.returncode == 1
    assert "--unmask needs an operator or an admin; you are a viewer" in refused.stderr
    assert said_by("games", shared, "records", run_id, "--unmask").returncode == 0


def test_a_member_takes_results_in(shared, provider):
    run_id = shared.launched(webhook(provider.url), ids(1))
    with shared.engine():
        shared.until_ended(run_id)
        event = {"event_id": "e1", "kind": "opened", "at": "2026-11-28T00:00:00Z"}
        event["key"] = shared.journey(run_id, 1).key
        file = shared.layout.root.parent / "events.jsonl"
        file.write_text(json.dumps(event), encoding="utf-8")
        file.chmod(0o644)

        answer = said_by("daemon", shared, "results", "ingest", str(file))

    assert answer.returncode == 0, answer.stderr
    assert "1 applied" in answer.stdout


def test_the_modes_of_a_shared_workspace_are_none_that_doctor_would_change(shared):
    answer = said_by("daemon", shared, "doctor")

    modes = [line for line in answer.stdout.splitlines() if "mode of" in line]
    assert "ok   mode of uploads: 3730" in modes
    assert [line for line in modes if not line.startswith("ok")] == []


def test_a_mistake_in_the_file_makes_nobody_an_operator(shared):
    run_id = shared.launched(webhook("http://127.0.0.1:9/"), ids(5))
    shared.configure('[roles]\nviewers = ["daemon"]\n[limits]\npermitz = 3\n')
    share(shared.layout, GROUP)

    refused = said_by("daemon", shared, "records", run_id, "--unmask")

    assert refused.returncode == 1
    assert "you are a viewer" in refused.stderr


def test_a_member_s_own_campaign_is_launched_without_the_owner_s_secrets(
    shared, provider
):
    upload = shared.root / "one.csv"
    upload.write_text("id,first_name\na1,Ann\n", encoding="utf-8")
    greedy, honest = (shared.root / f"{name}.toml" for name in ("greedy", "honest"))
    taking = 'headers = { X-A = "file:/etc/mail.password" }'
    greedy.write_text(webhook(provider.url, taking), encoding="utf-8")
    honest.write_text(webhook(provider.url), encoding="utf-8")
    words = ("--upload", str(upload), "--yes")

    with shared.engine():
        refused = said_by("daemon", shared, "launch", str(greedy), *words)
        launched = said_by("daemon", shared, "launch", str(honest), *words)
        shared.until_ended(launched.stdout.strip())

    assert refused.returncode == 1
    assert 'the campaign refers to "file:/etc/mail.password"' in refused.stderr
    assert [one.contact for one in provider.arrivals] == ["a1"]
    # What was reviewed is nobody's to change any more.
    [kept] = shared.layout.uploads.iterdir()
    assert kept.stat().st_uid == os.geteuid()


def test_a_member_verifies_what_they_can_and_hears_whose_the_anchors_are(shared):
    shared.launched(webhook("http://127.0.0.1:9/"), ids(5))
    with shared.engine():
        pass
    share(shared.layout, GROUP)
    assert shared.layout.anchors.stat().st_mode & 0o777 == 0o600

    verified = said_by("daemon", shared, "audit", "verify")
    as_json = said_by("daemon", shared, "audit", "verify", "--json")
    healthy = said_by("daemon", shared, "doctor")

    assert verified.returncode == 0
    assert "links fit" in verified.stdout
    assert "are the owner's to read" in verified.stdout
    # Whether there are any a member cannot know.
    assert "no anchor was found" not in verified.stdout
    told = json.loads(as_json.stdout)
    assert told["intact"]
    assert told["anchors_not_readable"] == [str(shared.layout.anchors)]
    chain = [line for line in healthy.stdout.splitlines() if "audit chain" in line]
    assert "its anchors are the owner's to read" in chain[0]


def test_a_member_is_not_told_of_anchors_that_nobody_has(shared):
    shared.launched(webhook("http://127.0.0.1:9/"), ids(5))
    hidden = shared.root / "keeper" / "anchors"
    shared.configure(f'[audit]\nanchor = "{hidden}"')
    hidden.parent.mkdir(mode=0o700)
    share(shared.layout, GROUP)
    assert not shared.layout.anchors.exists()

    verified = said_by("daemon", shared, "audit", "verify", "--json")

    # What stands in a folder that is closed may be there or not.
    assert json.loads(verified.stdout)["anchors_not_readable"] == [str(hidden)]


@pytest.mark.parametrize("name", ["state.db", "watchfloor.toml"])
def test_a_member_writes_nothing_but_the_inbox(shared, name):
    tried = subprocess.run(
        ["/bin/sh", "-c", f"echo x >> {name}; rm -f {name}; echo y > mine; ls inbox"],
        user="daemon",
        group=GROUP,
        extra_groups=[],
        capture_output=True,
        check=False,
        cwd=shared.layout.root,
        timeout=DEADLINE_S,
    )

    assert tried.returncode != 0
    assert (shared.layout.root / name).is_file()
    assert not (shared.layout.root / "mine").exists()
    with closing(sqlite3.connect(shared.layout.state)) as store:
        assert store.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_a_shared_workspace_has_the_modes_of_the_guide(shared):
    with shared.engine():
        found = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in shared.layout.root.iterdir()
        }

    assert found["inbox"] == found["uploads"] == 0o3730
    assert found["campaigns"] == 0o2750
    assert found["inbox.db"] == found["engine.lock"] == 0o600
    names = ("state.db", "state.db-wal", "state.db-shm", "watchfloor.toml")
    assert {found[name] for name in names} == {0o640}


def test_a_member_is_told_what_is_known_of_a_silent_owner_and_what_is_not(shared):
    run_id = shared.launched(webhook("http://127.0.0.1:9/"), ids(5))
    assert shared.apply_what_waits()
    ago = compose.surroundings()._replace(now_ms=lambda: compose.now_ms() - 60_000)
    owner = compose.owner("engine")
    with tenure(shared.layout, ago, owner, dispatches=True):
        share(shared.layout, GROUP)
        told = [
            said_by("daemon", shared, *words).stdout
            for words in (("status",), ("doctor",), ("why", run_id), ("handover",))
        ]
        of_owner = carried_out("--workspace", str(shared.layout.root), "status").stdout

    for said in told:
        assert "does not answer" in said.lower()
        assert "its lock cannot be read from this account" in said
        assert "ask whoever owns the workspace to look" in said
        for wrong in ("no engine", "none runs", "hangs", "start one"):
            assert wrong not in said.lower(), (wrong, said)
    assert "engine hangs: last heartbeat" in of_owner
