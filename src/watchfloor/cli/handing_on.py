"""Handing a console's runs on: an engine without a screen that stands by.

It is started before the console's own engine drains, does all that takes time, and then
waits for the lock: there are never two engines, nothing in flight is cut off, and who
hands on stays where it is if nobody stands by (``docs/decisions/0034``).
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from typing import Final

from watchfloor.domain.errors import StoreError
from watchfloor.domain.taking_over import LET_GO_S
from watchfloor.store.layout import Layout

#: So long a process takes at most to be ready to go on.
_READY_S: Final = 30.0
#: What it says when it waits for the lock, and when it has it.
_WAITING, _RUNNING = b"waiting\n", b"running\n"
_CHUNK: Final = 64


class Successor:
    """An engine in a session of its own, without a terminal, that waits for the lock.

    Raises:
        StoreError: It did not come to stand by; the engine here is untouched.
    """

    def __init__(self, layout: Layout) -> None:
        command = [
            # Nothing is imported from the folder somebody happens to be in.
            *(sys.executable, "-P", "-m", "watchfloor", "engine"),
            *("--workspace", str(layout.root.resolve())),
            *("--wait", f"{LET_GO_S:.0f}", "--on-hangup", "continue", "--tell-starter"),
        ]
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            words = os.open(layout.headless_log, flags, 0o600)
        except OSError as error:
            msg = f"{layout.headless_log} cannot be written: {error.strerror}"
            raise StoreError(msg) from error
        try:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=words,
                # With all of this process's environment: an engine needs its secrets.
                start_new_session=True,
            )
        finally:
            os.close(words)
        self._heard = b""
        self._where = layout.headless_log
        if not self._hears(_WAITING, _READY_S):
            self._process.kill()
            self._process.communicate()
            msg = f"no engine came to stand by; see {layout.headless_log}"
            raise StoreError(msg)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def took_over(self) -> bool:
        """Wait until it owns the workspace; False where it does not come to that."""
        return self._hears(_RUNNING, LET_GO_S)

    @property
    def words(self) -> str:
        """Where it says what it has to say."""
        return str(self._where)

    def _hears(self, word: bytes, patience_s: float) -> bool:
        if self._process.stdout is None:
            return False
        give_up = time.monotonic() + patience_s
        descriptor = self._process.stdout.fileno()
        while word not in self._heard:
            left_s = give_up - time.monotonic()
            if left_s <= 0 or not select.select([descriptor], [], [], left_s)[0]:
                return False
            said = os.read(descriptor, _CHUNK)
            if not said:
                return False
            self._heard += said
        return True
