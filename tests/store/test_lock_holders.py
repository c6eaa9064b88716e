from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from watchfloor.store.lock_holders import lock_holders


@pytest.fixture
def state(tmp_path):
    made = tmp_path / "state.db"
    made.touch()
    made.with_name("state.db-shm").touch()
    return made


def lock(path, pid, kind="WRITE", number=1):
    found = path.stat()
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    return f"{number}: POSIX  ADVISORY  {kind} {pid} {device}:{found.st_ino} 120 120\n"


def test_who_writes_is_named_and_who_reads_is_not(state):
    log = state.with_name("state.db-shm")
    parent = Path(f"/proc/{os.getppid()}/comm").read_text(encoding="utf-8").strip()
    locks = lock(log, 2, "READ") + lock(log, os.getppid()) + lock(state, os.getppid())

    assert lock_holders(state, locks) == f"{parent} (pid {os.getppid()})"


def test_neither_this_process_nor_other_files_are_told_of(state, tmp_path):
    other = tmp_path / "other"
    other.touch()
    locks = lock(state, os.getpid()) + lock(other, 1) + lock(state, 0) + "nonsense\n"

    assert lock_holders(state, locks) == ""


def test_a_holder_that_is_gone_or_hidden_is_told_by_its_number(state):
    waiting = lock(state, 4_194_305).replace("1: POSIX", "1: -> POSIX")
    told = lock(state, 4_194_304) + waiting

    assert lock_holders(state, told) == (
        "a process (pid 4194304) and a process (pid 4194305)"
    )


def test_a_holder_that_is_stopped_is_told_with_what_lets_it_go_on(state):
    with subprocess.Popen(["sleep", "600"]) as held:  # noqa: S607 - any program
        try:
            running = lock_holders(state, lock(state, held.pid))
            held.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, held.pid, os.WSTOPPED | os.WNOWAIT)
            stopped = lock_holders(state, lock(state, held.pid))
        finally:
            held.kill()

    pid = held.pid
    assert running.endswith(f"(pid {pid})")
    assert stopped.endswith(f"(pid {pid}, stopped: kill -CONT {pid} lets it go on)")


def test_where_no_list_is_or_no_store_nobody_is_named(state):
    assert lock_holders(state.with_name("missing"), lock(state, 1)) == ""
