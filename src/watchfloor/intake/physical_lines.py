"""A file's physical lines in constant memory, whatever is in it."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from io import StringIO
from typing import BinaryIO

from watchfloor.intake.text_encoding import Encoding

CHUNK_BYTES = 64 * 1024

#: A longer line is given cut, one character too long, and the rest is skipped.
MAX_LINE_CHARS = 64 * 1024


class PhysicalLines:
    r"""Iterate once over the lines, each with its own ``\n``, ``\r\n`` or ``\r``.

    Args:
        file: Positioned where the first line begins; the caller closes it.
        encoding: How to decode; bytes that do not decode never raise.

    Attributes:
        position: Bytes taken from the file so far, from its very beginning.
    """

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        self._file = file
        self._encoding = encoding
        self.position = encoding.bom

    def __iter__(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self._encoding.name)(
            self._encoding.errors
        )
        rest = ""
        while chunk := self._file.read(CHUNK_BYTES):
            self.position += len(chunk)
            lines = _split(rest + decoder.decode(chunk))
            # A final \r may be half of a \r\n, so only \n ends a line for sure.
            rest = lines.pop() if lines and not lines[-1].endswith("\n") else ""
            yield from lines
            rest = rest[: MAX_LINE_CHARS + 1]
        yield from _split(rest + decoder.decode(b"", final=True))


def _split(text: str) -> list[str]:
    # Not str.splitlines, which also splits at form feeds and Unicode's separators.
    return list(StringIO(text, newline=""))
