"""A store at rest that is not a workspace's yet: looked at, never written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from watchfloor.domain.errors import StoreError
from watchfloor.store.reads.campaigns import Frozen, frozen_campaigns
from watchfloor.store.reads.chain import chain_head
from watchfloor.store.reads.uploads import Upload, every_upload
from watchfloor.store.schema import HEAD, schema_version
from watchfloor.store.sqlite import damage, odd_parts, resting_engine


class AboutStore(NamedTuple):
    """What a store says of itself.

    Attributes:
        link: The number of the audit chain's newest link; 0 for none.
        head: That link's hash, in hexadecimal.
    """

    instance: str
    schema: str
    link: int
    head: str


@contextmanager
def at_rest(path: Path) -> Iterator[Connection]:
    """Open a read transaction on a store that nobody writes.

    Raises:
        StoreError: It cannot be read.
    """
    engine = resting_engine(path)
    try:
        with engine.connect() as connection:
            yield connection
    except DatabaseError as error:
        msg = f"the store in it cannot be read: {error.orig}"
        raise StoreError(msg) from error
    finally:
        engine.dispose()


def stored_in(path: Path) -> AboutStore:
    """Look a store over, every page of it, and return what it is.

    Raises:
        StoreError: It is damaged, is none, is of a newer Watchfloor, or holds what acts
            by itself.
    """
    with at_rest(path) as connection:
        found, odd = damage(connection), odd_parts(connection)
        version = schema_version(connection)
        if found:
            msg = f"the copy of the store is damaged: {found}"
            raise StoreError(msg)
        if version is None or odd:
            what = f"it holds {odd[0][:80]!a}" if odd else "it has no version"
            msg = f"the store in it is none of Watchfloor: {what}"
            raise StoreError(msg)
        if version > HEAD:
            msg = (
                f"the store in it has schema version {version}, this Watchfloor "
                f"knows {HEAD}. Use the newer Watchfloor that wrote it"
            )
            raise StoreError(msg)
        head = chain_head(connection)
    return AboutStore(head.instance, version, head.number, head.hash.hex())


def uploads_in(path: Path) -> list[Upload]:
    """Return the uploads of all runs of a store that ``stored_in`` found sound."""
    with at_rest(path) as connection:
        return every_upload(connection)


def campaigns_in(path: Path) -> list[Frozen]:
    """Return what the runs of a store that ``stored_in`` found sound send by."""
    with at_rest(path) as connection:
        return frozen_campaigns(connection)
