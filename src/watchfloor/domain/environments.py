"""What of an environment a process of our own gets that needs no secret.

Secrets may stand in variables of any name (``env:NAME``), and a child's environment can
be read as long as it lives. What is known to be needed is handed on, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: How programs, files, time and words are found; how Python behaves.
_NAMES: Final = frozenset(
    (
        "HOME",
        "LANG",
        "LANGUAGE",
        "LD_LIBRARY_PATH",
        "PATH",
        "TEMP",
        "TMP",
        "TMPDIR",
        "TZ",
        "TZDIR",
        "VIRTUAL_ENV",
    )
)
_BEGINNINGS: Final = ("LC_", "PYTHON")


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a child needs of *environment* that contacts nobody."""
    return {
        name: value
        for name, value in environment.items()
        if name in _NAMES or name.startswith(_BEGINNINGS)
    }
