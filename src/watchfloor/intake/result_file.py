"""A file of results, one JSON object per line, in constant memory; gzipped or not.

A line that cannot be used is a mistake with its number, never the end of the file.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self, cast

import orjson

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.results import ResultEvent, parse_event
from watchfloor.intake.plain_file import NoFileError, opened

MAX_LINE_BYTES = 64 * 1024
#: A compressed file may grow so many times, beyond a first part that always may.
MAX_GROWTH = 200
FREE_GROWTH_BYTES = 16 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


class Mistake(NamedTuple):
    """A line that cannot be used, counted from 1, and why."""

    line_no: int
    why: str


class ResultBatch(NamedTuple):
    """What a part of the file held.

    Attributes:
        line_no: The last line of it, from 1.
        position: Bytes read so far, uncompressed.
        digest: Hexadecimal; the same for the same lines.
    """

    events: tuple[ResultEvent, ...]
    mistakes: tuple[Mistake, ...]
    line_no: int
    position: int
    digest: str


class ResultFile:
    """An open file of results.

    Attributes:
        size: In bytes, as it lies on the disk.
        is_compressed: Told by its first bytes, not by its name.

    Raises:
        ConfigError: The file cannot be opened, or is no file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file, self.size = _opened(path)
        try:
            self.is_compressed = self._file.peek(2)[:2] == _GZIP
        except OSError as error:
            self._file.close()
            raise _unreadable(path, error) from error
        self._lines: BinaryIO = self._file
        if self.is_compressed:
            self._lines = cast(BinaryIO, gzip.GzipFile(fileobj=self._file))
        self._position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lines.close()
        self._file.close()

    def batches(self, now_ms: int, most: int) -> Iterator[ResultBatch]:
        """Yield the file's events, up to *most* lines at a time.

        Raises:
            ConfigError: The file can no longer be read, or grows beyond all measure;
                the batches before that are good.
        """
        events: list[ResultEvent] = []
        mistakes: list[Mistake] = []
        digest = blake2b(digest_size=10)
        line_no = 0
        for line_no, line in enumerate(self._bounded_lines(), 1):
            digest.update(line)
            _judge(line, line_no, now_ms, events, mistakes)
            if line_no % most == 0:
                yield self._batch(events, mistakes, line_no, digest.hexdigest())
                events, mistakes = [], []
                digest = blake2b(digest_size=10)
        if events or mistakes:
            yield self._batch(events, mistakes, line_no, digest.hexdigest())

    def _batch(
        self,
        events: list[ResultEvent],
        mistakes: list[Mistake],
        line_no: int,
        digest: str,
    ) -> ResultBatch:
        return ResultBatch(
            tuple(events), tuple(mistakes), line_no, self._position, digest
        )

    def _bounded_lines(self) -> Iterator[bytes]:
        """Yield each line; of one that is too long only one byte too many."""
        while line := self._read():
            kept = line
            while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                line = self._read()
            yield kept

    def _read(self) -> bytes:
        try:
            line = self._lines.readline(MAX_LINE_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            why = error.strerror if isinstance(error, OSError) else None
            msg = (
                f"{self._path}: reading failed after {self._position:,} bytes "
                f"({why or error}); the lines before that are taken, the rest is not; "
                "mend the file and ingest it again, nothing counts twice"
            )
            raise ConfigError(msg) from error
        self._position += len(line)
        if self.is_compressed and self._position > (
            FREE_GROWTH_BYTES + MAX_GROWTH * self.size
        ):
            msg = (
                f"{self._path}: grows to more than {MAX_GROWTH} times its size; the "
                "lines so far are taken, the rest is not; unpack it and look at it"
            )
            raise ConfigError(msg)
        return line


def _judge(
    line: bytes,
    line_no: int,
    now_ms: int,
    events: list[ResultEvent],
    mistakes: list[Mistake],
) -> None:
    if line_no == 1:
        line = line.removeprefix(_BOM)
    if not line.strip():
        return
    try:
        events.append(parse_line(line, now_ms))
    except ValueError as error:
        mistakes.append(Mistake(line_no, str(error)))


def parse_line(line: bytes, now_ms: int) -> ResultEvent:
    """Return the event on one line of JSON.

    Raises:
        ValueError: It cannot be used; the text says why.
    """
    if len(line) > MAX_LINE_BYTES:
        msg = f"is longer than {MAX_LINE_BYTES:,} bytes"
        raise ValueError(msg)
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        # Its own text may quote what stands there.
        raise ValueError("is no JSON") from error
    return parse_event(raw, now_ms)


def _opened(path: Path) -> tuple[BufferedReader, int]:
    try:
        file, size = opened(path)
    except NoFileError as error:
        msg = f"{path}: this is {error.what}; name a file of JSON lines"
        raise ConfigError(msg) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    return BufferedReader(file), size


def _unreadable(path: Path, error: OSError) -> ConfigError:
    why = (error.strerror or "it cannot be read").lower()
    return ConfigError(
        f"{path}: the results cannot be read: {why}; check its name and rights"
    )
