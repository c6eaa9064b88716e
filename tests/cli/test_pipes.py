"""Where the answer goes may be gone before it is said."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

UNBUFFERED = "PYTHONUNBUFFERED"

#: A device on which no room is left.
FULL = Path("/dev/full")


def ended(arguments, root, stdout):
    return subprocess.run(
        [sys.executable, "-m", "watchfloor", "--workspace", str(root), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        # Buffered as in a shell: a short answer is written when the verb is done.
        env={key: value for key, value in os.environ.items() if key != UNBUFFERED},
    )


@pytest.fixture
def unread():
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


#: What a verb says beside its answer, whoever reads that.
_ASIDE = {
    "runs": "Runs that were interrupted go on when an engine starts: "
    "watchfloor --workspace {root} engine\n"
}


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "--short"],
        ["runs"],
        ["runs", "--json"],
        ["completion", "bash"],
        ["--version"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_an_answer_that_nobody_reads_is_no_fault(busy_workspace, unread, arguments):
    found = ended(arguments, busy_workspace, unread)

    # What the verb found out counts, not who reads it.
    assert found.returncode == (4 if arguments[0] == "status" else 0), found.stderr
    aside = _ASIDE.get(" ".join(arguments), "")
    assert found.stderr == aside.format(root=busy_workspace)


@pytest.mark.skipif(not FULL.exists(), reason="only some systems have it")
@pytest.mark.parametrize(
    "arguments",
    [["status", "--short"], ["runs", "--json"], ["rejects", "completed", "-o", "-"]],
)
def test_an_answer_that_finds_no_room_is_told_in_a_sentence(busy, arguments):
    of_run = {"completed": busy.run_of("completed")}
    arguments = [of_run.get(one, one) for one in arguments]
    with FULL.open("w") as full:
        found = ended(arguments, busy.root, full)

    assert found.returncode == 1
    assert found.stderr.startswith("watchfloor: stopped by the system: ")
    assert f"{os.strerror(errno.ENOSPC)}, where its answer goes" in found.stderr
    assert "Errno" not in found.stderr
    assert found.stderr.count("\n") == 1
