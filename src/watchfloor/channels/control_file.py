"""A small TOML file that makes the simulated provider sick and well again.

It holds ``mode = "ok"``, ``"slow"``, ``"fail"`` or ``"hang"``, and for ``slow`` a
``latency``. It may be written and rewritten while attempts are in flight.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from watchfloor.channels.settings import DurationMs, Settings, checked
from watchfloor.domain.errors import ConfigError

REREAD_S = 0.2


class Health(Settings):
    """How the simulated provider is."""

    mode: Literal["ok", "slow", "fail", "hang"] = "ok"
    latency: DurationMs = 2_000


WELL = Health()


class ControlFile:
    """The provider's health as the file says, read at most every ``REREAD_S``."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._health = WELL
        self._next_read_s = float("-inf")

    def health(self, now_s: float) -> Health:
        """Return the health at *now_s*, a monotonic time.

        No file means well. A file that cannot be understood, as while it is being
        rewritten, changes nothing.
        """
        if now_s >= self._next_read_s:
            self._next_read_s = now_s + REREAD_S
            self._health = self._read()
        return self._health

    def _read(self) -> Health:
        try:
            return checked(Health, tomllib.loads(self._path.read_text("utf-8")))
        except FileNotFoundError:
            return WELL
        except (OSError, ValueError, ConfigError):
            return self._health
