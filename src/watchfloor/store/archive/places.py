"""Where the archives of a workspace lie."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from watchfloor.store.layout import Layout

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def archives(layout: Layout) -> Path:
    """Return the folder of all archives; it may not be there yet."""
    return layout.root / "archive"


def archive_of(layout: Layout, run_id: str) -> Path:
    """Return the folder of one run's archive, once it is whole."""
    return archives(layout) / _folder_name(run_id)


def draft_of(layout: Layout, run_id: str) -> Path:
    """Return the folder in which one run's archive is being made."""
    return archives(layout) / f".{_folder_name(run_id)}.partial"


def _folder_name(run_id: str) -> str:
    """Return the run's id, if it is a plain name; whoever asks chooses ids."""
    if _PLAIN.fullmatch(run_id):
        return run_id
    return f"run-{sha256(run_id.encode(errors='replace')).hexdigest()[:32]}"
