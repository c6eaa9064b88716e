"""The machine: Python, SQLite, the clock, the terminal, what keeps a session alive."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from watchfloor.cli import compose
from watchfloor.cli.checkup.checked import Checked
from watchfloor.domain.text import clean
from watchfloor.store.sqlite import VERSION

#: The screens are made for this and more.
_LEAST_COLUMNS, _LEAST_LINES = 80, 24
#: What adjtimex(2) answers while nothing sets the clock right.
_UNSYNCHRONISED: Final = 5
#: Longer than the structure of adjtimex(2) on any machine.
_TIMEX_BYTES: Final = 1_024
_LOGIND: Final = ("/etc/systemd", "/run/systemd", "/usr/lib/systemd")
_KILLS: Final = re.compile(r"^\s*KillUserProcesses\s*=\s*(\w+)", re.MULTILINE)


def machine(environment: Mapping[str, str]) -> Iterator[Checked]:
    """Check the machine and the terminal that this process runs on."""
    yield Checked("python", sys.version_info >= (3, 11), sys.version.split()[0])
    yield sqlite(VERSION)
    yield clock(clock_state())
    yield terminal(environment)
    yield session(environment, logind_settings(), has_linger=_lingers())


def sqlite(version: str) -> Checked:
    """Check a version of SQLite."""
    numbers = tuple(int(part) for part in version.split("."))
    note = ""
    if (3, 7, 0) <= numbers <= (3, 51, 2):
        note = "; its WAL-reset defect needs two writers, and there is one"
    return Checked(
        "sqlite", numbers >= (3, 35), f"{version}{note}", "install a newer Python"
    )


def clock_state() -> int | None:
    """Return what the kernel says of its clock; None where it says nothing."""
    try:
        ask = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return None
    # All bytes 0: nothing is to be set, only told.
    state: int = ask(ctypes.create_string_buffer(_TIMEX_BYTES))
    return state if state >= 0 else None


def clock(state: int | None) -> Checked:
    """Check whether something sets the clock right."""
    action = "let the machine keep its time: timedatectl set-ntp true"
    if state is None:
        return Checked("clock", True, "this system does not say what sets it")
    if state == _UNSYNCHRONISED:
        told = "not synchronised, as far as the system knows"
        return Checked("clock", True, told, action, is_note=True)
    return Checked("clock", True, "synchronised")


def terminal(environment: Mapping[str, str]) -> Checked:
    """Check the terminal, where there is one, for what the console needs."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return Checked("terminal", True, "none here; the console needs one")
    kind = environment.get("TERM", "")
    columns, lines = shutil.get_terminal_size()
    encoding = (sys.stdout.encoding or "").lower()
    colours = environment.get("COLORTERM", "")
    wrong = []
    if kind in ("", "dumb"):
        wrong.append("export TERM=xterm-256color")
    if "utf" not in encoding:
        wrong.append("export LANG=C.UTF-8")
    if columns < _LEAST_COLUMNS or lines < _LEAST_LINES:
        wrong.append(f"make it {_LEAST_COLUMNS} by {_LEAST_LINES} at least")
    if "256" not in kind and not colours:
        wrong.append("or open the console with --calm, which needs 16 colours")
    found = f"{clean(kind) or 'no TERM'}, {encoding or 'no encoding'}, "
    found += f"{columns} by {lines}, {clean(colours) or 'no COLORTERM'}"
    return Checked("terminal", True, found, "; ".join(wrong), is_note=bool(wrong))


def logind_settings() -> Iterable[str]:
    """Return what logind is configured with; the last word counts."""
    for folder in reversed(_LOGIND):
        for path in (
            Path(folder, "logind.conf"),
            *sorted(Path(folder, "logind.conf.d").glob("*.conf")),
        ):
            try:
                yield path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue


def session(
    environment: Mapping[str, str], settings: Iterable[str], *, has_linger: bool
) -> Checked:
    """Check what becomes of an engine that is started here when the line drops."""
    words = [word for text in settings for word in _KILLS.findall(text)]
    kills = bool(words) and words[-1].lower() in ("yes", "true", "on", "1")
    kept = _keeper(environment)
    if kills and not has_linger and kept != "a systemd service":
        told = f"{kept or 'no session manager'}, and logind ends what a user leaves"
        action = "loginctl enable-linger, or run the engine as a service"
        return Checked("session", True, told, action, is_note=True)
    if kept:
        return Checked("session", True, kept)
    if environment.get("SSH_CONNECTION"):
        told = "a plain SSH login: an engine started here drains when the line drops"
        action = "start it in tmux, or as a service, or with --on-hangup continue"
        return Checked("session", True, told, action, is_note=True)
    return Checked("session", True, "a local session")


def _keeper(environment: Mapping[str, str]) -> str:
    if environment.get("TMUX"):
        return "tmux"
    if environment.get("STY"):
        return "screen"
    if environment.get("INVOCATION_ID"):
        return "a systemd service"
    return ""


def _lingers() -> bool:
    try:
        return Path("/var/lib/systemd/linger", os.fspath(compose.user())).exists()
    except OSError:
        return False
