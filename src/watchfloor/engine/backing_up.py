"""Making a backup beside a running engine: one file, there whole or not at all.

The store is copied first, as it is at one moment. What belongs to it is written before
the store tells of it and never changes afterwards, so it is found then. Of the uploads
only those that it names are taken: whoever may launch lays files there, and none of
them may keep a backup from being made. A purge may take files away at any moment, and
people edit others: where one is not what the head says any more, all is written anew
without it, or as it is now. The inbox is no part of it: what nobody has
taken yet must not be done again from a backup.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from watchfloor.domain.anchors import anchors_in
from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.engine.auditing import known_anchors
from watchfloor.engine.belongings import belongings, lists_of
from watchfloor.engine.looking_over import flaws
from watchfloor.engine.sharing_files import group_of
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.archive.private_files import (
    created,
    opened,
    sealed,
    sha256_of,
)
from watchfloor.store.backups import tape
from watchfloor.store.backups.contents import (
    MANIFEST,
    SETTINGS,
    STATE,
    Manifest,
    Stored,
    is_place,
    written,
)
from watchfloor.store.backups.scratch import give_name, scratch, settled
from watchfloor.store.backups.stores import (
    at_rest,
    campaigns_in,
    stored_in,
    uploads_in,
)
from watchfloor.store.layout import Layout
from watchfloor.store.reads.uploads import Upload
from watchfloor.store.schema import HEAD
from watchfloor.store.sqlite import copy_living

#: Is told what is under way, how much of it is done, and of how much.
OnProgress = Callable[[str, int, int], None]
#: So often a backup is begun anew for files that somebody edits meanwhile.
MOST_EDITS: Final = 5
#: Beyond what is to be written this stays free for the engine.
SPARE_BYTES: Final = 64 * 1024 * 1024


class BackedUp(NamedTuple):
    """What a backup came to.

    Attributes:
        left_out: Files of the workspace that are no part of it: links, odd names, and
            uploads that cannot be read or are not what was launched.
        flaws: What does not hold in its store; it is there as it is.
        lists_left_out: Suppression lists that are no part of it although a run or a
            campaign names them: nobody is contacted without them where it comes back.
        warnings: What else is to be known of the file.
    """

    manifest: Manifest
    bytes: int
    left_out: tuple[str, ...]
    flaws: tuple[str, ...] = ()
    lists_left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def back_up(
    layout: Layout,
    target: Path,
    around: Surroundings,
    host: str,
    on_progress: OnProgress = lambda *_: None,
) -> BackedUp:
    """Make a backup of a workspace; an engine may go on meanwhile.

    Args:
        layout: Whose.
        target: The file to make; it must not be there, nor be within the workspace.
        around: The clock.
        host: On which machine.
        on_progress: See ``OnProgress``.

    Raises:
        NotFoundError: There is no workspace.
        ConfigError: The file is there already or cannot be made; nothing is left.
        StoreError: The store cannot be read, or its copy is damaged; nothing is left.
    """
    layout.check_exists()
    place = _folder_of(layout, target) / target.name
    try:
        with scratch(place) as aside:
            whole, made = _made(layout, aside, around, host, on_progress)
            give_name(whole, place)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        raise _not_made(layout, target, error) from error
    # It is there: what fails from here on takes nothing away from it.
    return made._replace(warnings=settled(place))


def _made(
    layout: Layout,
    aside: Path,
    around: Surroundings,
    host: str,
    on_progress: OnProgress,
) -> tuple[Path, BackedUp]:
    """Make a backup in a folder of one's own; return it, and what it came to."""
    # The copy of the store is there beside the backup until that is whole.
    _check_room(aside.parent, 2 * layout.state.stat().st_size)
    copy, whole = aside / "store", aside / "backup"
    manifest = _copied(layout, copy, around, host, on_progress)
    wrong = _wrong_in(copy, manifest, layout)
    odd, files = belongings(layout)
    lists = lists_of(layout, campaigns_in(copy))
    files = {name: path for name, path in lists.items() if path is not None} | files
    manifest = _whole(manifest, copy, files, on_progress)
    manifest, files, damaged = _with_uploads(
        layout, manifest, files, uploads_in(copy), on_progress
    )
    _check_room(aside.parent, sum(one.bytes for one in manifest.files))
    manifest, altered = _taped(
        layout, whole, manifest, {STATE: copy, **files}, on_progress
    )
    inside = {one.name for one in manifest.files}
    return whole, BackedUp(
        manifest,
        whole.stat().st_size,
        (*(one for one in odd if one not in lists), *damaged, *altered),
        wrong,
        tuple(one for one in lists if one not in inside),
    )


def _not_made(layout: Layout, target: Path, error: OSError) -> ConfigError:
    where, way_out = "", ""
    if error.filename:
        where = f"{error.filename}: "
        if layout.root.resolve() in Path(error.filename).resolve().parents:
            way_out = ". Let who makes the backup read it, or move it elsewhere"
    msg = (
        f"the backup {target} cannot be made: {where}{error.strerror}; nothing is left"
    )
    return ConfigError(f"{msg}{way_out}")


def _folder_of(layout: Layout, target: Path) -> Path:
    try:
        folder = target.parent.resolve(strict=True)
        root = layout.root.resolve(strict=True)
    except OSError as error:
        msg = (
            f"the backup {target} cannot be made: {error.filename or target.parent}: "
            f"{error.strerror}; nothing was made. Name a file in a folder that is there"
        )
        raise ConfigError(msg) from error
    if target.is_symlink() or target.exists():
        raise _exists(target)
    if folder == root or root in folder.parents:
        msg = (
            f"{target} is within the workspace, and would be lost with it; no backup "
            "was made. Name a place elsewhere, best on another disk"
        )
        raise ConfigError(msg)
    return folder


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        msg = (
            f"{folder} has {free // 2**20:,} MiB free, and the backup may need "
            f"{(needed + SPARE_BYTES) // 2**20:,}; nothing was made. Make room, or "
            "name a place on another disk"
        )
        raise ConfigError(msg)


def _copied(
    layout: Layout,
    copy: Path,
    around: Surroundings,
    host: str,
    on_progress: OnProgress,
) -> Manifest:
    """Copy the store and look at the copy; what it says of itself is one moment's."""
    made_at_ms = around.now_ms()
    created(copy).close()
    copy_living(
        layout.state,
        copy,
        lambda left, of: on_progress("store", of - left, of),
    )
    about = stored_in(copy)
    return Manifest(
        made_at_ms=made_at_ms,
        instance=about.instance,
        schema=about.schema,
        link=about.link,
        head=about.head,
        host=host,
        root=str(layout.root.absolute()),
        group=group_of(layout),
        files=(),
    )


def _wrong_in(copy: Path, manifest: Manifest, layout: Layout) -> tuple[str, ...]:
    """Return what does not hold; of an older store's form nobody can tell."""
    if manifest.schema != HEAD:
        return ()
    # Beside the store only: what was noted elsewhere is for ``audit verify``.
    noted = anchors_in(known_anchors([layout.anchors]))
    # The engine may have noted links that have come since the copy.
    return flaws(
        partial(at_rest, copy), [one for one in noted if one.link <= manifest.link]
    )


def _whole(
    manifest: Manifest, copy: Path, files: dict[str, Path], on_progress: OnProgress
) -> Manifest:
    stored: list[Stored] = []
    every = {STATE: copy, **files}
    for number, (name, path) in enumerate(every.items(), 1):
        on_progress("checksums", number, len(every))
        try:
            stored.append(_stored(name, path))
        except FileNotFoundError:
            # A purge took it meanwhile; the store of then still names it.
            continue
    _check_settings(stored)
    return replace(manifest, files=tuple(stored))


def _stored(name: str, path: Path) -> Stored:
    about = path.stat()
    is_shared = bool(about.st_mode & stat.S_IRGRP)
    return Stored(name, about.st_size, sha256_of(path), is_shared)


def _check_settings(stored: Sequence[Stored]) -> None:
    if not any(one.name == SETTINGS for one in stored):
        msg = (
            f"{SETTINGS} went away while the backup was made; nothing is left of it. "
            "Put the file back, then make the backup again"
        )
        raise ConfigError(msg)


def _with_uploads(
    layout: Layout,
    manifest: Manifest,
    files: dict[str, Path],
    uploads: Sequence[Upload],
    on_progress: OnProgress,
) -> tuple[Manifest, dict[str, Path], list[str]]:
    """Add the uploads that are what was launched; return also those that are not."""
    stored, left_out, found = list(manifest.files), [], dict(files)
    for number, upload in enumerate(uploads, 1):
        on_progress("uploads", number, len(uploads))
        path = layout.upload(upload.upload_id)
        name = f"{layout.uploads.name}/{path.relative_to(layout.uploads)}"
        try:
            # Looked at before it is read: somebody may have put a far larger one there.
            is_so = is_place(name) and path.lstat().st_size == upload.bytes
            if is_so and (one := _stored(name, path)).sha256 == upload.sha256:
                stored.append(one._replace(bytes=upload.bytes))
                found[name] = path
                continue
        except FileNotFoundError:
            # A purge took it, or it is a retry's, which has none.
            continue
        except OSError:
            pass
        left_out.append(name)
    return replace(manifest, files=tuple(stored)), found, left_out


def _taped(
    layout: Layout,
    aside: Path,
    manifest: Manifest,
    files: Mapping[str, Path],
    on_progress: OnProgress,
) -> tuple[Manifest, list[str]]:
    """Write the backup; return what it holds, and the uploads that are not in it.

    Raises:
        ConfigError: Somebody goes on editing a file.
    """
    left_out: list[str] = []
    edits = 0
    while True:
        with created(aside) as file:
            altered = _write(file, manifest, files, on_progress)
            if altered is None:
                sealed(file)
                return manifest, left_out
        aside.unlink()
        if altered.name == STATE:
            msg = f"the copy of the store changed while {aside.parent} was written to"
            raise StoreError(msg)
        rest = [one for one in manifest.files if one is not altered]
        # Others may be gone with it: a purge takes all that is a run's.
        stored = [one for one in rest if os.path.lexists(files[one.name])]
        if altered.name.startswith(f"{layout.uploads.name}/"):
            if os.path.lexists(files[altered.name]):
                left_out.append(altered.name)
        elif (now := _as_it_is(altered, files[altered.name])) is not None:
            edits += 1
            if edits > MOST_EDITS:
                msg = f"{altered.name} changes all the time; nothing is left. Try again"
                raise ConfigError(msg)
            stored.append(now)
        _check_settings(stored)
        manifest = replace(manifest, files=tuple(stored))


def _as_it_is(before: Stored, path: Path) -> Stored | None:
    """Return a file as it is now; None where a purge took it."""
    try:
        return _stored(before.name, path)
    except FileNotFoundError:
        return None


def _write(
    file: BinaryIO,
    manifest: Manifest,
    files: Mapping[str, Path],
    on_progress: OnProgress,
) -> Stored | None:
    """Write a backup; return what is not as the manifest says, where it ends early."""
    content = written(manifest)
    with BytesIO(content) as head:
        tape.put(file, MANIFEST, len(content), head, manifest.made_at_ms)
    for number, one in enumerate(manifest.files, 1):
        on_progress("files", number, len(manifest.files))
        try:
            source = opened(files[one.name])
        except OSError:
            return one
        with source:
            try:
                found = tape.put(file, one.name, one.bytes, source, manifest.made_at_ms)
            except tape.DamagedError:
                return one
        if found != one.sha256:
            return one
    tape.close(file)
    return None


def _exists(target: Path) -> ConfigError:
    return ConfigError(
        f"{target} exists; no backup was made. Name a file that does not"
    )
