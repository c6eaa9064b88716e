"""Part files as Parquet, where pyarrow is installed; imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import orjson
import pyarrow  # type: ignore[import-untyped]  # carries no types
import pyarrow.parquet  # type: ignore[import-untyped]  # carries no types

from watchfloor.store.archive.columns import Column, Kind, Row, told

_TYPES = {
    Kind.INTEGER: pyarrow.int64(),
    Kind.TEXT: pyarrow.string(),
    Kind.TIME: pyarrow.timestamp("ms", tz="UTC"),
    # Names of an upload's columns may be anything, twice but for a capital, hundreds:
    # as text under one name no reader stumbles over them.
    Kind.FIELDS: pyarrow.string(),
}
#: Rows read at once.
_BATCH_ROWS = 2_000


class ParquetPart:
    """Writes one part file into an open file, which the caller closes."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._schema = pyarrow.schema(
            [(column.name, _TYPES[column.kind]) for column in columns]
        )
        self._gathered: list[Any] = []
        self._writer = pyarrow.parquet.ParquetWriter(
            file, self._schema, compression="zstd"
        )

    def add(self, rows: Sequence[Row]) -> None:
        """Gather rows in Arrow's narrow form; they are written at the end."""
        if not rows:
            return
        cells = list(zip(*rows, strict=True))
        arrays = [
            pyarrow.array(_as_text(cell) if kind is Kind.FIELDS else cell, _TYPES[kind])
            for (_, kind), cell in zip(self._columns, cells, strict=True)
        ]
        self._gathered.append(
            pyarrow.RecordBatch.from_arrays(arrays, schema=self._schema)
        )

    def close(self) -> None:
        """Write what was gathered, and the file's foot."""
        table = pyarrow.Table.from_batches(self._gathered, schema=self._schema)
        self._gathered.clear()
        self._writer.write_table(table)
        self._writer.close()


def read_parquet(file: BinaryIO, columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a part file by column name."""
    names = [column.name for column in columns]
    found = pyarrow.parquet.ParquetFile(file)
    for batch in found.iter_batches(batch_size=_BATCH_ROWS, columns=names):
        cells = [_cells(batch.column(name), kind) for name, kind in columns]
        for row in zip(*cells, strict=True):
            yield dict(zip(names, row, strict=True))


def _cells(array: pyarrow.Array, kind: Kind) -> list[Any]:
    if kind is Kind.TIME:
        return [told(at_ms) for at_ms in array.cast(pyarrow.int64()).to_pylist()]
    if kind is Kind.FIELDS:
        return [orjson.loads(text) for text in array.to_pylist()]
    return list(array.to_pylist())


def _as_text(cells: Sequence[Any]) -> list[str]:
    return [orjson.dumps(cell).decode() for cell in cells]
