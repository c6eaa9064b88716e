"""The composition root: clock, chance, identity and place, handed to every floor."""

from __future__ import annotations

import getpass
import os
import random
import socket
import sys
import time
from argparse import Namespace
from pathlib import Path

from watchfloor.domain.actors import Asker, Owner
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.layout import Layout


def surroundings() -> Surroundings:
    """Return the real clock and real chance."""
    return Surroundings(
        now_ms=now_ms,
        monotonic_s=time.monotonic,
        chance=random.SystemRandom().random,
        entropy=os.urandom,
    )


def now_ms() -> int:
    """Return milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def layout(options: Namespace) -> Layout:
    """Return where the workspace of this command is."""
    place = options.workspace or os.environ.get("WATCHFLOOR_WORKSPACE") or "."
    return Layout(Path(place).expanduser())


def asker() -> Asker:
    """Return who asks, by the operating system's word, and from which terminal."""
    return Asker(by=user(), origin=f"{socket.gethostname()} {_terminal()}")


def owner(what: str) -> Owner:
    """Return this process as an owner of a workspace."""
    return Owner(name=f"{what} of {user()}", pid=os.getpid(), host=socket.gethostname())


def user() -> str:
    """Return the operating system's name of who runs this process.

    From the user id, never from the environment: a name there is anybody's claim.
    """
    try:
        import pwd  # noqa: PLC0415 - not on every platform

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return getpass.getuser()


def _terminal() -> str:
    try:
        return os.ttyname(sys.stdin.fileno())
    except (OSError, ValueError):
        return "no terminal"
