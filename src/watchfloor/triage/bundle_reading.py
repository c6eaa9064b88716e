"""A bundle from elsewhere: nothing in it is believed, and nothing is unpacked.

The file is looked at before it is opened, each member before it is read; what is not
on the list of ``bundle_form`` is not read at all. Texts have passed the text door.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.text import clean
from watchfloor.triage.bounded_json import bounded_json
from watchfloor.triage.bundle_form import (
    BY_NAME,
    MANIFEST,
    MEMBERS,
    MOST_BYTES,
    MOST_FILE_BYTES,
    VERSION,
)

#: Compression that text does not reach; a small member may be all alike.
_MOST_RATIO, _RATIO_FROM_BYTES = 200, 65_536
#: A later form may have a few members more.
_MOST_ENTRIES = 64
_MOST_LINES, _MOST_LINE_CHARS = 20_000, 2_000

# PKWARE's APPNOTE, 4.3.16: the end of central directory record, without a comment.
_END = struct.Struct("<4s4H2LH")
_END_MARK, _FAR_END_MARK = b"PK\x05\x06", b"PK\x06\x07"
_FAR_END_BYTES = 20
_HEAD_BYTES = 46
_MOST_HEAD_BYTES = _HEAD_BYTES + 600
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that was read and holds what it says.

    Attributes:
        manifest: What it says of itself.
        documents: Its JSON members by name, texts cleaned.
        texts: Its text members by name, each line cleaned.
        sizes: The bytes of every member, in the order of the form.
    """

    manifest: Mapping[str, Any]
    documents: Mapping[str, Any]
    texts: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int]


def read_bundle(path: Path) -> Bundle:
    """Return the bundle in a file; nothing is written anywhere.

    Raises:
        ConfigError: It cannot be read, is damaged, hostile, encrypted or of another
            version; the sentence names what is wrong.
    """
    name = clean(path)
    content = _content(path, name)
    try:
        _check_end(content)
        with zipfile.ZipFile(BytesIO(content)) as file:
            _check_entries(file.infolist())
            return _read(file)
    except _UnfitError as error:
        msg = f"{name} {error}; nothing of it was used"
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, OSError):
        msg = f"{name} is damaged: it cannot be unpacked; ask for it again"
    except (NotImplementedError, RuntimeError, ValueError, MemoryError):
        msg = f"{name} is no bundle: it is packed in a way that Watchfloor never packs"
    # Outside the handler: what is hostile must not come along as a cause.
    raise ConfigError(msg)


class _UnfitError(Exception):
    """What is wrong with a bundle, to be put behind its name."""


def _content(path: Path, name: str) -> bytes:
    # Not blocking: what is named may be a pipe.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                msg = f"{name} is no plain file; nothing was read"
                raise ConfigError(msg)
            content = file.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        msg = f"{name} cannot be read: {error.strerror}; nothing was read"
        raise ConfigError(msg) from error
    if len(content) > MOST_FILE_BYTES:
        msg = (
            f"{name} is larger than {MOST_FILE_BYTES:,} bytes, which no bundle is; "
            "nothing of it was used"
        )
        raise ConfigError(msg)
    return content


def _check_end(content: bytes) -> None:
    """Look at the end of the file, where a zip says how much there is in it."""
    if len(content) < _END.size or not content.startswith(b"PK"):
        raise _UnfitError("is no bundle: it is no zip file, or was cut off")
    at = len(content) - _END.size
    mark, disk, first_disk, here, entries, size, offset, comment = _END.unpack_from(
        content, at
    )
    if mark != _END_MARK or comment:
        raise _UnfitError("is damaged or was cut off: it has no end that a bundle has")
    if entries > _MOST_ENTRIES or size > entries * _MOST_HEAD_BYTES:
        msg = f"is no bundle: it says it holds {entries:,} files"
        raise _UnfitError(msg)
    far = content[max(0, at - _FAR_END_BYTES) : at]
    if disk or first_disk or here != entries or far.startswith(_FAR_END_MARK):
        raise _UnfitError("is no bundle: it is said to go on in another file")
    if offset + size != at:
        raise _UnfitError("is no bundle: something else is hidden in the file")


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > _MOST_ENTRIES:
        raise _UnfitError("is no bundle: it holds too many files")
    seen: set[str] = set()
    for entry in entries:
        _check_entry(entry)
        if entry.filename in seen:
            msg = f"is hostile: {clean(entry.filename, 80)} is in it twice"
            raise _UnfitError(msg)
        seen.add(entry.filename)
    total = sum(entry.file_size for entry in entries)
    if total > MOST_BYTES:
        msg = f"is hostile: unpacked it would be {total:,} bytes"
        raise _UnfitError(msg)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    # zipfile ends a name at a NUL: what it was called is asked for.
    name, shown = entry.orig_filename, clean(entry.orig_filename, 80)
    if name != entry.filename or not name.isascii() or not name.isprintable():
        msg = f"is hostile: it holds a file with a forged name, {shown}"
        raise _UnfitError(msg)
    parts = name.replace("\\", "/").split("/")
    if len(parts) > 1 or ".." in parts or ":" in name or not name:
        msg = f"is hostile: it holds a file that leads out of it, {shown}"
        raise _UnfitError(msg)
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        msg = f"is hostile: {shown} is no plain file"
        raise _UnfitError(msg)
    if entry.flag_bits & _ENCRYPTED:
        msg = f"is encrypted: {shown} wants a password, and no bundle does"
        raise _UnfitError(msg)
    if entry.compress_type not in _METHODS:
        msg = f"is no bundle: {shown} is packed in a way that Watchfloor never packs"
        raise _UnfitError(msg)
    ratio = entry.file_size / max(1, entry.compress_size)
    if entry.file_size > _RATIO_FROM_BYTES and ratio > _MOST_RATIO:
        msg = f"is hostile: {shown} would unpack to {entry.file_size:,} bytes"
        raise _UnfitError(msg)


def _read(file: zipfile.ZipFile) -> Bundle:
    names = {entry.filename for entry in file.infolist()}
    if MANIFEST not in names:
        msg = f"is no bundle: there is no {MANIFEST} in it"
        raise _UnfitError(msg)
    manifest = _document(MANIFEST, _member(file, MANIFEST))
    _check_version(manifest)
    for name in sorted(names - set(BY_NAME)):
        msg = f"is hostile: it holds {clean(name, 80)}, which no bundle does"
        raise _UnfitError(msg)
    for member in MEMBERS:
        if member.is_needed and member.name not in names:
            msg = f"is damaged: {member.name} is missing"
            raise _UnfitError(msg)
    contents = {
        one.name: _member(file, one.name) for one in MEMBERS if one.name in names
    }
    _check_hashes(manifest, contents)
    documents = {
        name: _document(name, content)
        for name, content in contents.items()
        if name.endswith(".json") and name != MANIFEST
    }
    return Bundle(
        manifest=manifest,
        documents=documents,
        texts={
            name: _lines(name, content)
            for name, content in contents.items()
            if name.endswith(".txt")
        },
        sizes={name: len(content) for name, content in contents.items()},
    )


def _member(file: zipfile.ZipFile, name: str) -> bytes:
    most = BY_NAME[name].most_bytes
    with file.open(name) as member:
        content = member.read(most + 1)
        if len(content) > most:
            msg = f"is hostile: {name} is larger than {most:,} bytes"
            raise _UnfitError(msg)
        member.read(1)  # the end, where its checksum is looked at
    return content


def _document(name: str, content: bytes) -> dict[str, Any]:
    try:
        found = bounded_json(content)
    except ValueError as error:
        msg = f"is damaged or hostile: {name} {error}"
    else:
        if isinstance(found, dict):
            return found
        msg = f"is no bundle: {name} is no table"
    raise _UnfitError(msg)


def _check_version(manifest: Mapping[str, Any]) -> None:
    version = manifest.get("watchfloor_bundle")
    if type(version) is not int:
        msg = f"is no bundle: {MANIFEST} does not say of which version it is"
        raise _UnfitError(msg)
    if version != VERSION:
        by = clean(manifest.get("watchfloor", "an unknown version"), 40)
        msg = (
            f"is a bundle of version {version}, written by Watchfloor {by}; this one "
            f"reads version {VERSION}: use that Watchfloor"
        )
        raise _UnfitError(msg)


def _check_hashes(manifest: Mapping[str, Any], contents: Mapping[str, bytes]) -> None:
    listed = manifest.get("members")
    if not isinstance(listed, dict) or set(listed) != set(contents) - {MANIFEST}:
        msg = f"is damaged: {MANIFEST} does not list what is in it"
        raise _UnfitError(msg)
    for name, told in listed.items():
        content = contents[name]
        found = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        if told != found:
            msg = f"was changed: {name} is not what {MANIFEST} says"
            raise _UnfitError(msg)


def _lines(name: str, content: bytes) -> tuple[str, ...]:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        msg = f"is damaged: {name} is no UTF-8"
    else:
        lines = text.split("\n", _MOST_LINES)[:_MOST_LINES]
        return tuple(clean(line, _MOST_LINE_CHARS) for line in lines)
    raise _UnfitError(msg)
