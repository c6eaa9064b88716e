"""The composition root: clock, chance, identity and place, handed to every floor."""

from __future__ import annotations

import getpass
import os
import random
import re
import resource
import socket
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from watchfloor.cli.lines import speak_of, tell
from watchfloor.domain.actors import Asker, Owner
from watchfloor.domain.shell_words import Address
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.layout import Layout


def leave_no_core() -> None:
    """Let no file of this process's memory be left where it crashes; nor of a child's.

    Secrets stand in it as long as a channel is open, and contacts with them. Only the
    soft limit is lowered: ``prlimit --core --pid`` lifts it for who looks for a bug, so
    that no variable of the environment needs to.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def surroundings() -> Surroundings:
    """Return the real clock and real chance."""
    return Surroundings(
        now_ms=now_ms,
        monotonic_s=time.monotonic,
        chance=random.SystemRandom().random,
        entropy=os.urandom,
        mishap=_write_down,
        tell=tell,
    )


def _nowhere(_: BaseException) -> str:
    return ""


_book: Callable[[BaseException], str] = _nowhere


def write_mishaps(book: Callable[[BaseException], str]) -> None:
    """Let mistakes that an engine survives be written down by *book*."""
    global _book  # noqa: PLW0603 - the process has one, as it has one stderr
    _book = book


def _write_down(error: BaseException) -> str:
    return _book(error)


def now_ms() -> int:
    """Return milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def layout(options: Namespace) -> Layout:
    """Return where the workspace of this command is."""
    return Layout(Path(options.workspace or _picked()).expanduser())


def _picked() -> str:
    """Return where the workspace is of a command that names none."""
    return os.environ.get("WATCHFLOOR_WORKSPACE") or "."


def address(options: Namespace) -> Address:
    """Return how the workspace is named to whoever gave this command."""
    root, picked = layout(options).root, Path(_picked()).expanduser()
    try:
        return Address(str(root.resolve()), root.resolve() != picked.resolve())
    except (OSError, RuntimeError, ValueError):
        # A folder that is gone, leads in a circle or can have no such name.
        return Address(str(root), is_elsewhere=True)


class StartedAs(NamedTuple):
    """What the command line said of who starts this process; it only lowers.

    Attributes:
        called: Whom a forced command names; empty for the account itself.
        role: The most they are to be; empty for all that the account is.
        is_restricted: Whether a forced command lets them have this process only: no
            file is named, written or read for them, and no program started.
    """

    called: str = ""
    role: str = ""
    is_restricted: bool = False


_started_as = StartedAs()


def started_as() -> StartedAs:
    """Return what the command line said of who starts this process."""
    return _started_as


def start_as(called: str, role: str) -> None:
    """Remember whom the command line names, and the role; once, before any verb."""
    global _started_as  # noqa: PLW0603 - the process is somebody's, as its user id is
    _started_as = StartedAs(called, role)


def restrict() -> None:
    """Let this process touch no file and start no program for whom it serves."""
    global _started_as  # noqa: PLW0603 - see above
    _started_as = _started_as._replace(is_restricted=True)
    # They may name no workspace: the forced command does.
    speak_of(Address())


def asker() -> Asker:
    """Return who asks, and from which terminal; the engine looks who it really is."""
    return Asker(
        by=_started_as.called or user(),
        origin=" ".join([socket.gethostname(), _terminal(), *_line()]),
        role=_started_as.role,
    )


def owner(what: str) -> Owner:
    """Return this process as an owner of a workspace."""
    return Owner(name=f"{what} of {user()}", pid=os.getpid(), host=socket.gethostname())


def user() -> str:
    """Return the operating system's name of who runs this process.

    From the user id, never from the environment: a name there is anybody's claim.
    """
    try:
        import pwd  # noqa: PLC0415 - not on every platform

        return pwd.getpwuid(os.geteuid()).pw_name
    except (ImportError, KeyError):
        return getpass.getuser()


def _terminal() -> str:
    try:
        return os.ttyname(sys.stdin.fileno())
    except (OSError, ValueError):
        return "no terminal"


def _line() -> list[str]:
    """Return from which address an SSH line comes, if any: sshd's word.

    Of a session behind a forced command nobody else can have said it; elsewhere it is
    as much a claim as the terminal.
    """
    client = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
    # An address with its zone, and nothing else: more could reach a screen.
    is_address = re.fullmatch(r"[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9_.-]{1,15})?", client)
    return ["ssh", client] if is_address else []
