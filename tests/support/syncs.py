"""Noting what is brought to the disk; it is brought there all the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def noted_syncs() -> Iterator[list[Path]]:
    """Yield the files and folders that this process syncs meanwhile, one by one."""
    noted: list[Path] = []
    sync = os.fsync

    def noting(descriptor: int) -> None:
        noted.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", noting)
        yield noted
