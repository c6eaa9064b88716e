"""Unpacking a backup: every file exactly as announced; all else is a refusal."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from watchfloor.domain.errors import ConfigError
from watchfloor.store.archive.private_files import created, make_folder, opened, sealed
from watchfloor.store.backups import tape
from watchfloor.store.backups.contents import (
    MANIFEST,
    MOST_MANIFEST_BYTES,
    Manifest,
    Stored,
    parsed,
)

#: Is told how many bytes were unpacked, and of how many.
OnProgress = Callable[[int, int], None]


def unpacked(backup: Path, into: Path, on_progress: OnProgress) -> Manifest:
    """Unpack a backup into a folder of one's own; return what it says of itself.

    Every file is new, private and on the disk; the names of folders are not yet.

    Raises:
        ConfigError: It is not there, is damaged, or is no backup; what was unpacked
            until then is left for the caller to remove.
        OSError: It could not be read, or a file not written.
    """
    try:
        with opened(backup) as file:
            manifest = _manifest(file, backup)
            whole = sum(one.bytes for one in manifest.files)
            _check_sizes(file, whole, into)
            done = 0
            for one in manifest.files:
                _unpack(file, one, into)
                done += one.bytes
                on_progress(done, whole)
            tape.take_end(file)
    except tape.DamagedError as error:
        msg = (
            f"{backup} is damaged, or no backup of Watchfloor: {error}. Nothing was "
            "restored. Take another copy of it, or an older backup"
        )
        raise ConfigError(msg) from error
    except FileNotFoundError as error:
        if backup.exists():
            raise
        msg = f"there is no {backup}; nothing was restored"
        raise ConfigError(msg) from error
    return manifest


def _manifest(file: BinaryIO, backup: Path) -> Manifest:
    size = tape.take_head(file, MANIFEST)
    if size > MOST_MANIFEST_BYTES:
        raise tape.DamagedError("its manifest is larger than any")
    content = file.read(size)
    file.read(-size % tape.BLOCK)
    return parsed(content, str(backup))


def _unpack(file: BinaryIO, one: Stored, into: Path) -> None:
    if tape.take_head(file, one.name) != one.bytes:
        msg = f"{one.name} is not as long as announced"
        raise tape.DamagedError(msg)
    path = into / one.name
    make_folder(path.parent)
    with created(path) as target:
        digest = tape.take(file, one.bytes, target)
        sealed(target)
    if digest != one.sha256:
        msg = f"{one.name} is not what was backed up"
        raise tape.DamagedError(msg)


def _check_sizes(file: BinaryIO, whole: int, into: Path) -> None:
    if whole > os.fstat(file.fileno()).st_size:
        raise tape.DamagedError("it announces more than it holds")
    free = shutil.disk_usage(into).free
    if free < whole:
        msg = (
            f"the disk has {free // 2**20:,} MiB free, and the backup unpacks to "
            f"{whole // 2**20:,}; nothing was restored. Make room first"
        )
        raise ConfigError(msg)
