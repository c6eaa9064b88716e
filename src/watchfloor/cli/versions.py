"""What this Watchfloor stands on: for a bundle, and for whoever helps with one."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from watchfloor import __version__
from watchfloor.store.sqlite import VERSION

#: The libraries that carry it, in the order of their names.
LIBRARIES = (
    *("aiohttp", "aiosmtplib", "alembic", "email-validator", "lark", "orjson"),
    *("phonenumbers", "platformdirs", "plotille", "pyarrow", "pydantic"),
    *("rphonenumbers", "sqlalchemy", "textual", "tzdata", "uvloop"),
)


def versions() -> dict[str, object]:
    """Return the versions of Watchfloor, Python, SQLite, libraries and system."""
    return {
        "watchfloor": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "sqlite": VERSION,
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "byte_order": sys.byteorder,
        "libraries": {name: _installed(name) for name in LIBRARIES},
    }


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
