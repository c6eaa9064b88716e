"""The upload of a run as it was launched: the very bytes that somebody reviewed.

Who lays an upload down keeps it as their file, and may write it until it is read. So
another's is taken over first: copied into a file of the engine's own, by which its
name is replaced in a folder where nobody renames what is not theirs. What was compared
is then what is read, now and after a crash.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final

from watchfloor.domain.errors import ConfigError
from watchfloor.intake.contact_file import opened_contacts
from watchfloor.store.archive.private_files import settle_folder
from watchfloor.store.reads.uploads import Upload

_CHUNK: Final = 1 << 20
_READABLE: Final = 0o640


def check_launched(path: Path, launched: Upload) -> None:
    """Check that an upload is what was launched, and that it stays so.

    Blocks for one reading of the file, and for a copy where it is another account's.

    Raises:
        ConfigError: It is another file, or cannot be read or taken over; nobody was
            contacted.
    """
    discard_half_taken(path)
    file, size = opened_contacts(path, follows=False)
    with file:
        about = os.fstat(file.fileno())
        is_ours = about.st_uid == os.geteuid()
        if size != launched.bytes:
            raise _another(path)
        try:
            if is_ours:
                found = file_digest(file, "sha256").hexdigest()
                is_same = found == launched.sha256
            else:
                is_same = _taken_over(file, path, launched, about.st_mode)
        except OSError as error:
            msg = f"{path}: the upload cannot be taken over: {error.strerror}"
            raise ConfigError(msg) from error
    if not is_same:
        raise _another(path)


def discard_half_taken(path: Path) -> None:
    """Remove what an engine left of an upload that it was taking over."""
    for left in path.parent.glob(f".{path.name}.*"):
        with suppress(OSError):
            left.unlink()


def _taken_over(file: BinaryIO, path: Path, launched: Upload, mode: int) -> bool:
    """Put an own copy into the file's place; return whether it is what was launched."""
    fresh = path.with_name(f".{path.name}.{token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    digest, left = sha256(), launched.bytes
    try:
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as own:
            # No more than was announced, however fast its owner makes it grow.
            while chunk := file.read(min(_CHUNK, left)):
                digest.update(chunk)
                own.write(chunk)
                left -= len(chunk)
            if left or digest.hexdigest() != launched.sha256:
                return False
            os.fchmod(own.fileno(), (stat.S_IMODE(mode) & _READABLE) | 0o600)
            own.flush()
            os.fsync(own.fileno())
            fresh.rename(path)
        settle_folder(path.parent)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return True


def _another(path: Path) -> ConfigError:
    return ConfigError(
        f"{path}: this is not the file that was launched: it was changed after it was "
        "reviewed; nobody was contacted. Launch the file that is meant"
    )
