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
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from watchfloor.domain.anchors import anchors_in
from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.engine.auditing import known_anchors
from watchfloor.engine.looking_over import flaws
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.archive.places import archives
from watchfloor.store.archive.private_files import (
    created,
    opened,
    sealed,
    settle_folder,
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
from watchfloor.store.backups.stores import at_rest, stored_in, uploads_in
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
    """

    manifest: Manifest
    bytes: int
    left_out: tuple[str, ...]
    flaws: tuple[str, ...] = ()


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
    folder = _folder_of(layout, target)
    mark = secrets.token_hex(6)
    copy = folder / f".{target.name[:80]}.{mark}.store"
    aside = folder / f".{target.name[:80]}.{mark}.partial"
    try:
        # The copy of the store is there beside the backup until that is whole.
        _check_room(folder, 2 * layout.state.stat().st_size)
        manifest = _copied(layout, copy, around, host, on_progress)
        wrong = _wrong_in(copy, manifest, layout)
        left_out, files = _files(layout)
        manifest = _whole(manifest, copy, files, on_progress)
        manifest, files, damaged = _with_uploads(
            layout, manifest, files, uploads_in(copy), on_progress
        )
        left_out += damaged
        _check_room(folder, sum(one.bytes for one in manifest.files))
        manifest, altered = _taped(
            layout, aside, manifest, {STATE: copy, **files}, on_progress
        )
        left_out += altered
        # A name that is there is kept: a link replaces nothing.
        os.link(aside, folder / target.name, follow_symlinks=False)
        settle_folder(folder)
        size = aside.stat().st_size
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        msg = f"the backup {target} cannot be made: {error.strerror}; nothing is left"
        raise ConfigError(msg) from error
    finally:
        for path in (copy, aside, *(Path(f"{copy}{end}") for end in ("-wal", "-shm"))):
            path.unlink(missing_ok=True)
    return BackedUp(manifest, size, tuple(left_out), wrong)


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


def _candidates(layout: Layout) -> Iterator[tuple[str, Path]]:
    """Yield every file beside the uploads that may belong into a backup, by name."""
    yield layout.settings.name, layout.settings
    for folder in (layout.campaigns, archives(layout)):
        for path in sorted(_below(folder)):
            name = path.relative_to(layout.root).as_posix()
            is_draft = any(part.startswith(".") for part in name.split("/"))
            if not is_draft and (path.is_symlink() or path.is_file()):
                yield name, path


def _below(folder: Path) -> Iterator[Path]:
    """Yield what is below a folder; a folder that a purge takes away has nothing."""
    for place, folders, files in os.walk(folder, onerror=_unless_gone):
        yield from (Path(place, name) for name in (*folders, *files))


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _files(layout: Layout) -> tuple[list[str], dict[str, Path]]:
    left_out: list[str] = []
    files: dict[str, Path] = {}
    for name, path in _candidates(layout):
        if path.is_symlink() or not is_place(name):
            left_out.append(name)
        else:
            files[name] = path
    if layout.settings.name not in files:
        msg = f"{layout.settings} is a link; no backup was made. Put the file there"
        raise ConfigError(msg)
    return left_out, files


def _whole(
    manifest: Manifest, copy: Path, files: dict[str, Path], on_progress: OnProgress
) -> Manifest:
    stored: list[Stored] = []
    every = {STATE: copy, **files}
    for number, (name, path) in enumerate(every.items(), 1):
        on_progress("checksums", number, len(every))
        try:
            stored.append(Stored(name, path.stat().st_size, sha256_of(path)))
        except FileNotFoundError:
            # A purge took it meanwhile; the store of then still names it.
            continue
    _check_settings(stored)
    return replace(manifest, files=tuple(stored))


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
            if is_so and sha256_of(path) == upload.sha256:
                stored.append(Stored(name, upload.bytes, upload.sha256))
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
        return Stored(before.name, path.stat().st_size, sha256_of(path))
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
