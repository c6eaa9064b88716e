"""Part files as compressed JSON lines: any tool reads them, none must be installed."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import orjson

from watchfloor.store.archive.columns import Column, Kind, Row, told

#: Of nine; the next ones cost more time than they save room.
_EFFORT = 4


class JsonLinesPart:
    """Writes one part file into an open file, which the caller closes."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        # No time and no name in the head: the same rows give the same bytes.
        self._zipped = gzip.GzipFile(
            filename="", fileobj=file, mode="wb", compresslevel=_EFFORT, mtime=0
        )
        self._names = [column.name for column in columns]
        self._times = [column.name for column in columns if column.kind is Kind.TIME]

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        self._zipped.write(b"".join(self._line(row) for row in rows))

    def close(self) -> None:
        """Write what is left."""
        self._zipped.close()

    def _line(self, row: Row) -> bytes:
        line = dict(zip(self._names, row, strict=True))
        for name in self._times:
            line[name] = told(line[name])
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def read_json_lines(
    file: BinaryIO, columns: Sequence[Column]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a part file by column name."""
    with gzip.GzipFile(fileobj=file, mode="rb") as unzipped:
        for line in unzipped:
            row = orjson.loads(line)
            yield {column.name: row[column.name] for column in columns}
