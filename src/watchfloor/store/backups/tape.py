"""The one file of a backup: a plain tar, header by header.

Any tar shows and unpacks it. It is not compressed, so that nothing in it can be larger
than itself. It is read here without a library that follows what a header says: a file
comes exactly as the manifest announces it, or the backup is refused.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from typing import BinaryIO, Final

from watchfloor.domain.errors import ConfigError

BLOCK: Final = 512
_CHUNK: Final = 1024 * 1024
#: A header of the old form has eleven octal digits for a size.
_MOST_USTAR: Final = 8**11 - 1


class DamagedError(ConfigError):
    """A backup does not hold what it should; the text says what."""


def has_room_for(name: str) -> bool:
    """Whether a header can hold a name of this length."""
    try:
        tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")
    except ValueError:
        return False
    return True


def put(tape: BinaryIO, name: str, size: int, source: BinaryIO, at_ms: int) -> str:
    """Append a file of which the size is known; return its sha-256 in hexadecimal.

    Raises:
        DamagedError: The source holds more or less than that.
        OSError: It could not be read or written.
    """
    digest = hashlib.sha256()
    head = tarfile.TarInfo(name)
    head.size, head.mode, head.mtime = size, 0o600, at_ms // 1000
    if size <= _MOST_USTAR:
        block = head.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")
    else:
        block = head.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    tape.write(block)
    left = size
    while chunk := source.read(min(_CHUNK, left)):
        tape.write(chunk)
        digest.update(chunk)
        left -= len(chunk)
    if left or source.read(1):
        msg = f"{name} changed while it was read; make the backup again"
        raise DamagedError(msg)
    tape.write(bytes(-size % BLOCK))
    return digest.hexdigest()


def close(tape: BinaryIO) -> None:
    """Write what ends a tar."""
    tape.write(bytes(2 * BLOCK))


def take_head(tape: BinaryIO, name: str) -> int:
    """Read the header of the next file, which must be *name*; return its size.

    Raises:
        DamagedError: It is another, is no plain file, or is no header at all.
    """
    block = tape.read(BLOCK)
    try:
        head = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        msg = f"where {name} should begin, it is cut off or holds something else"
        raise DamagedError(msg) from error
    if head.type != tarfile.REGTYPE or head.name != name or head.size < 0:
        msg = f"where {name} should begin, there is {head.name[:80]!a}"
        raise DamagedError(msg)
    return head.size


def take(
    tape: BinaryIO,
    size: int,
    into: BinaryIO | None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> str:
    """Read a file's content into another; return its sha-256 in hexadecimal.

    Raises:
        DamagedError: The backup ends before it does.
        OSError: It could not be read or written.
    """
    digest = hashlib.sha256()
    left = size
    while left:
        chunk = tape.read(min(_CHUNK, left))
        if not chunk:
            raise DamagedError("it is cut off")
        digest.update(chunk)
        if into is not None:
            into.write(chunk)
        left -= len(chunk)
        on_bytes(len(chunk))
    if tape.read(-size % BLOCK).strip(b"\0"):
        raise DamagedError("it holds something between its files")
    return digest.hexdigest()


def take_end(tape: BinaryIO) -> None:
    """Read what ends a tar.

    Raises:
        DamagedError: Something else follows, or nothing.
    """
    if tape.read(2 * BLOCK) != bytes(2 * BLOCK) or tape.read(1):
        raise DamagedError("it does not end where it should")
