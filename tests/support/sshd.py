"""A real sshd on loopback, with keys and forced commands of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.console.terminal import ROOT, Terminal
from tests.support.patience import DEADLINE_S, until

_PLACES = ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd")
SIZE = (120, 36)


def missing() -> str:
    """Return what a session over ssh lacks on this machine; or nothing."""
    if _sshd() is None:
        return "there is no sshd on this machine (openssh-server)"
    lacking = [one for one in ("ssh", "ssh-keygen") if shutil.which(one) is None]
    return f"there is no {lacking[0]} on this machine" if lacking else ""


class Sshd:
    """Serves sessions of this very account; every key has its forced command."""

    def __init__(self, root: Path, workspace: Path) -> None:
        self._root = root / "ssh"
        self._root.mkdir(mode=0o700)
        self._workspace = workspace
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log = self._root / "sshd.log"
        self._terminals: list[Terminal] = []
        _make_key(self._root / "host")
        self._authorized = self._root / "authorized_keys"
        self._authorized.touch(mode=0o600)
        host = (self._root / "host.pub").read_text()
        (self._root / "known").write_text(f"[127.0.0.1]:{self.port} {host}")

    def admit(self, name: str, role: str) -> None:
        """Let somebody in by a key of their own, as the guide shows the line."""
        _make_key(self._root / name)
        command = (
            f"PYTHONPATH={ROOT / 'src'} {sys.executable} -m watchfloor "
            f"--workspace {self._workspace} --role {role} --as {name} ssh-session"
        )
        public = (self._root / f"{name}.pub").read_text()
        with self._authorized.open("a") as file:
            file.write(f'command="{command}",restrict,pty {public}')

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        settings = self._root / "sshd_config"
        settings.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\n"
            f"HostKey {self._root / 'host'}\nPidFile none\n"
            f"AuthorizedKeysFile {self._authorized}\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin forced-commands-only\nLogLevel INFO\n"
        )
        sshd = _sshd()
        assert sshd is not None
        with self._log.open("ab") as said:
            self._process = subprocess.Popen(
                [sshd, "-D", "-e", "-f", str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        until(lambda: "Server listening" in self.log, "sshd to listen")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for one in self._terminals:
            if one.process.poll() is None:
                one.end()
        self._process.terminate()
        self._process.wait(DEADLINE_S)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def _client(self, name: str) -> list[str]:
        options = (
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            f"UserKnownHostsFile={self._root / 'known'}",
            "ConnectTimeout=20",
        )
        return [
            *("ssh", "-F", "none", "-p", str(self.port)),
            *("-i", str(self._root / name)),
            *(part for one in options for part in ("-o", one)),
        ]

    def terminal(self, name: str, *words: str) -> Terminal:
        """Open somebody's session on a terminal of their own."""
        target = (f"{getpass.getuser()}@127.0.0.1", *words)
        start = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"
        opened = Terminal(SIZE, "-c", start, *self._client(name), "-tt", *target)
        self._terminals.append(opened)
        return opened

    def said(self, name: str, words: str) -> subprocess.CompletedProcess[str]:
        """Ask for one thing without a terminal."""
        return subprocess.run(
            [*self._client(name), "--", f"{getpass.getuser()}@127.0.0.1", words],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=DEADLINE_S,
        )


def _sshd() -> str | None:
    found = [one for one in _PLACES if os.access(one, os.X_OK)]
    return found[0] if found else shutil.which("sshd")


def _make_key(path: Path) -> None:
    keygen = shutil.which("ssh-keygen")
    assert keygen is not None
    subprocess.run(
        [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True
    )
