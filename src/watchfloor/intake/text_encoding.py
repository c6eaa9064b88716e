"""Which encoding a file's bytes are in, judged once from a bounded sample."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC = (
    (b"PK\x03\x04", "an Excel workbook or zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite format 3\x00", "a database"),
)
_UTF16_NUL_SHARE = 0.3
_BINARY_SHARE = 0.1
_BINARY_BYTES = 16
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_STRAY = re.compile("[\udc80-\udcff]")


class Encoding(NamedTuple):
    """A codec's name and the bytes of the byte-order mark before the text."""

    name: str
    bom: int = 0

    @property
    def errors(self) -> str:
        """The codec's error handler, one that never raises.

        Bytes that do not decode stay recognisable: see ``has_stray_bytes``.
        """
        return "replace" if self.name.startswith("utf-16") else "surrogateescape"


def binary_kind(sample: bytes) -> str:
    """Return what a file that is no text seems to be, or an empty string."""
    for magic, kind in _MAGIC:
        if sample.startswith(magic):
            return kind
    if encoding_of(sample).name.startswith("utf-16"):
        return ""
    odd = len(_BINARY.findall(sample))
    is_binary = odd > max(_BINARY_SHARE * len(sample), _BINARY_BYTES)
    return "a binary file" if is_binary else ""


def encoding_of(sample: bytes) -> Encoding:
    """Return the sample's encoding: by its BOM, else UTF-8, else Windows-1252.

    Where both occur, the lines decide: a UTF-8 file with a few foreign rows stays
    UTF-8, and those rows become rejects instead of every other name being garbled.
    """
    for bom, name in _BOMS:
        if sample.startswith(bom):
            return Encoding(name, len(bom))
    half = max(len(sample) // 2, 1)
    if sample[1::2].count(0) > _UTF16_NUL_SHARE * half:
        return Encoding("utf-16-le")
    if sample[0::2].count(0) > _UTF16_NUL_SHARE * half:
        return Encoding("utf-16-be")
    kinds = [_kind(line) for line in sample.splitlines()]
    return Encoding(
        "cp1252" if kinds.count("8-bit") > kinds.count("utf-8") else "utf-8"
    )


def has_stray_bytes(text: str, encoding: Encoding) -> bool:
    """Say whether *text* holds what the encoding could not decode."""
    if text.isascii():
        return False
    if encoding.errors == "replace":
        return "\ufffd" in text
    return _STRAY.search(text) is not None


def with_stray_bytes_read(text: str) -> str:
    """Return *text* with stray bytes read as Windows-1252, their likely origin."""
    return _STRAY.sub(_as_cp1252, text)


def _kind(line: bytes) -> str:
    if line.isascii():
        return "ascii"
    try:
        line.decode()
    except UnicodeDecodeError:
        return "8-bit"
    return "utf-8"


def _as_cp1252(stray: re.Match[str]) -> str:
    byte = bytes([ord(stray[0]) - 0xDC00])
    try:
        return byte.decode("cp1252")
    except UnicodeDecodeError:  # one of the five bytes that Windows-1252 leaves out
        return byte.decode("latin-1")
