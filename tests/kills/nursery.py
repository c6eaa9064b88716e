"""Forks engines that are to be killed: a process of one thread that imported it all.

Starting Python costs most of a second; forking costs some milliseconds, but only a
process without threads may do it safely. So a test talks to this one over a pipe, a
line of JSON each way. What is forked runs the real engine over a real workspace.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.kills.failpoints import BY_NAME, POINTS, die, install, on_the_nth
from tests.kills.plants import PLANTS
from tests.support.patience import until

from watchfloor.domain.actors import Owner
from watchfloor.engine import afterwork, running, supervisor
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.layout import Layout

log = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]

#: Loaded when they are needed; here before anything is forked.
_LOADED_LATE = (
    "aiosmtplib",
    "alembic.command",
    "pyarrow.parquet",
    "uvloop",
    "watchfloor.channels.webhook",
    "watchfloor.intake.filter_grammar",
    "watchfloor.store.archive.parquet",
)
#: What an engine looks at every few seconds, it looks at twenty times a second here;
#: for alerts it reads all of the store, which at that pace is a third of its work.
_DUTIES = "PARKED_S PURGES_S RESOLUTIONS_S NOTICES_S HOOKS_S"
_HURRIED = {afterwork: _DUTIES.split(), supervisor: ["HEARTBEAT_S"]}
TICK_S, ALERTS_TICK_S = 0.05, 0.25
#: In place of a failpoint: no death, but all of them counted, into this file.
EVERY, HITS = "every", "hits.json"
#: Where an engine that dies at a failpoint says at which.
DIED_AT = "died-at"


class Killed(NamedTuple):
    """How a forked engine ended.

    Attributes:
        by_signal: It was killed, by itself at a failpoint or by the test.
        code: Else how it ended: 0 where everything was drained.
    """

    by_signal: bool
    code: int


class Nursery:
    """The test's end of the pipe. Everything it forked is gone when it is left.

    Attributes:
        plant: A fault that comes into every engine that is forked; see ``plants``.
    """

    def __init__(self) -> None:
        self.plant = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def engine(
        self,
        layout: Layout,
        *,
        points: Sequence[str] = (),
        nth: int = 1,
        until_idle: bool = True,
        seed: int = 0,
    ) -> Forked:
        """Fork an engine, which dies on the *nth* hit of one of the failpoints."""
        asked = {
            "root": str(layout.root),
            "points": list(points),
            "nth": nth,
            "until_idle": until_idle,
            "seed": seed,
            "plant": self.plant,
        }
        return Forked(self, int(self.asked(asked)["pid"]))

    def prepare(self, layout: Layout) -> None:
        """Run an engine to its end here: what it compiles, those to come need not."""
        left = self.asked({"prepare": str(layout.root)})["threads"]
        assert left == 1, "a process with threads must not be forked"

    def asked(self, what: dict[str, Any]) -> dict[str, Any]:
        """Send one line and return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class Forked:
    """One engine that was forked.

    Attributes:
        died_alone: Nobody killed it from outside.
    """

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self._pid = pid
        self._ended: Killed | None = None
        self.died_alone = True

    def kill(self) -> Killed:
        """End it with SIGKILL, wherever it is."""
        if self._ended is None:
            # Not reaped yet, or the number would be free for another process.
            os.kill(self._pid, signal.SIGKILL)
            self.died_alone = False
        return self.ended()

    def poll(self) -> Killed | None:
        """Return how it ended, or None while it runs."""
        return self._asked("poll")

    def ended(self) -> Killed:
        """Wait for its end."""
        ended = self._asked("wait")
        assert ended is not None
        return ended

    def _asked(self, how: str) -> Killed | None:
        if self._ended is None:
            status = self._nursery.asked({how: self._pid})["status"]
            if status is not None:
                by_signal = os.WIFSIGNALED(status)
                self._ended = Killed(by_signal, os.waitstatus_to_exitcode(status))
        return self._ended


def serve() -> None:
    """Answer the test until it closes the pipe; then end what still runs."""
    _get_ready()
    alive: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "prepare" in asked:
            _engine(Path(asked["prepare"]), 0, until_idle=True)
            # Those that nobody waits for end by themselves.
            until(lambda: threading.active_count() == 1, "every thread to end")
            # What it left is everybody's: no engine's first look need go through it.
            gc.collect()
            gc.freeze()
            answer: dict[str, Any] = {"threads": threading.active_count()}
        elif "root" in asked:
            answer = {"pid": _forked(asked)}
            alive.add(answer["pid"])
        else:
            how, pid = next(iter(asked.items()))
            found, status = os.waitpid(pid, os.WNOHANG if how == "poll" else 0)
            answer = {"status": status if found else None}
            if found:
                alive.discard(pid)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _get_ready() -> None:
    """Load what is loaded late, and have every engine hurry."""
    for name in _LOADED_LATE:
        __import__(name)
    for module, names in _HURRIED.items():
        for name in names:
            setattr(module, name, TICK_S)
    setattr(afterwork, "ALERTS_S", ALERTS_TICK_S)  # noqa: B010 - it is final there
    gc.collect()
    gc.freeze()


def _forked(asked: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        code = _run(asked)
    except BaseException:
        log.exception("the engine ended")
    finally:
        os._exit(code)


#: Whoever takes it dies: of two threads that come to their points one tells of its own.
_dying = threading.Lock()


def _die_at(told: Path, name: str) -> None:
    _dying.acquire()
    told.write_text(name, encoding="utf-8")
    die()


def _run(asked: dict[str, Any]) -> int:
    root = Path(asked["root"])
    log = os.open(root.parent / "engine.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for descriptor, new in ((0, null), (1, log), (2, log)):
        os.dup2(new, descriptor)
    if asked["plant"]:
        PLANTS[asked["plant"]].comes_in()
    hits: Counter[str] = Counter()
    if asked["points"] == [EVERY]:
        for one in POINTS:
            install(one, partial(hits.update, [one.name]))
    else:
        for name in asked["points"]:
            death = partial(_die_at, root.parent / DIED_AT, name)
            install(BY_NAME[name], on_the_nth(asked["nth"], death))
    drained = _engine(root, asked["seed"], until_idle=asked["until_idle"])
    (root.parent / HITS).write_text(json.dumps(hits), encoding="utf-8")
    return 0 if drained else 75


def _engine(root: Path, seed: int, *, until_idle: bool) -> bool:
    """Run an engine in this process; return whether it was drained."""
    chance = random.Random(seed)  # noqa: S311 - jitter, and replayable
    around = Surroundings(
        lambda: time.time_ns() // 1_000_000, time.monotonic, chance.random, os.urandom
    )
    owner = Owner(name="engine", pid=os.getpid(), host="here")
    return running.run_engine(
        Layout(root), around, owner, until_idle=until_idle, grace_s=5.0
    )


if __name__ == "__main__":
    serve()
