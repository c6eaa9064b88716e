"""Accounts of the system, by the uid of a file."""

from __future__ import annotations

import pwd
from pathlib import Path


def uid_of(path: Path) -> int | None:
    """Return whose a file is; None where it is missing or out of reach."""
    try:
        return path.stat().st_uid
    except OSError:
        return None


def account(uid: int) -> str:
    """Return what the system calls an account."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
