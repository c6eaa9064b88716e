"""Reading an archive back, in either format, after holding its files to their sums."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from watchfloor.domain.errors import ConfigError
from watchfloor.store.archive.columns import SCHEMA
from watchfloor.store.archive.formats import part_rows
from watchfloor.store.archive.manifest import FILE, Manifest, read_manifest
from watchfloor.store.archive.private_files import opened, sha256_of


class Archive:
    """One whole archive.

    Attributes:
        folder: Where it lies.
        manifest: What it says of itself.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record by column name, in seq order.

        Raises:
            ConfigError: It is Parquet, and nothing here reads that.
        """
        return self._rows("records")

    def attempts(self) -> Iterator[dict[str, Any]]:
        """Yield every attempt by column name, in the order of record and number.

        Raises:
            ConfigError: It is Parquet, and nothing here reads that.
        """
        return self._rows("attempts")

    def _rows(self, what: str) -> Iterator[dict[str, Any]]:
        for part in self.manifest.files[what]:
            with opened(self.folder / part.name) as file:
                yield from part_rows(self.manifest.form, file, SCHEMA[what])


def open_archive(path: Path, *, sha256: str = "") -> Archive:
    """Open the archive in a folder and hold every file to what the manifest says.

    Args:
        path: The folder.
        sha256: Of the manifest, as the history keeps it; empty to trust what is there.

    Raises:
        ConfigError: It is no archive, or damaged; nothing was read from it.
    """
    manifest = read_manifest(path)
    if sha256 and sha256_of(path / FILE) != sha256:
        raise _damaged(path, FILE)
    for files in manifest.files.values():
        for part in files:
            if not part.is_sound(path):
                raise _damaged(path, part.name)
    return Archive(path, manifest)


def _damaged(path: Path, name: str) -> ConfigError:
    return ConfigError(
        f"the archive {path} is damaged: {name} is not what was written. Nothing was "
        "read. Take the folder from a backup; the run's report is in the store"
    )
