"""Small and read-only disks: real ones, where the system lets a test mount them.

And what needs no right: the system's own word that a file may not grow further.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: For tests that need a disk of their own.
needs_mounts = pytest.mark.skipif(
    os.geteuid() != 0, reason="only the super-user may mount a disk"
)


@contextmanager
def mounted(place: Path, *steps: tuple[object, ...]) -> Iterator[None]:
    """Mount something on a folder during the block, by the arguments of each step."""
    done = 0
    try:
        for step in steps:
            command = ["mount", *map(str, step), str(place)]
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode:
                pytest.skip(f"nothing can be mounted here: {made.stderr.strip()}")
            done += 1
        yield
    finally:
        if done:
            subprocess.run(["umount", "--lazy", place], check=True)  # noqa: S607 - the system's own


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the system write no file of this process beyond a size during the block.

    A write across it is a short one, and the next fails, as on a disk that fills up.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
