"""What of a workspace's files belongs into a backup, beside its uploads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from watchfloor.domain.errors import ConfigError
from watchfloor.intake.named_lists import named_lists
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.store.archive.places import archives
from watchfloor.store.archive.private_files import opened
from watchfloor.store.backups.contents import is_list_place, is_place
from watchfloor.store.backups.tape import has_room_for
from watchfloor.store.layout import Layout
from watchfloor.store.reads.campaigns import Frozen


def belongings(layout: Layout) -> tuple[list[str], dict[str, Path]]:
    """Return what is to be left out, and the files that belong into a backup, by name.

    Raises:
        ConfigError: The settings are a link.
        OSError: A folder cannot be listed.
    """
    left_out: list[str] = []
    files: dict[str, Path] = {}
    for name, path in _candidates(layout):
        if path.is_symlink() or not _fits(name):
            left_out.append(name)
        else:
            files[name] = path
    if layout.settings.name not in files:
        msg = f"{layout.settings} is a link; no backup was made. Put the file there"
        raise ConfigError(msg)
    return left_out, files


def lists_of(layout: Layout, runs: Iterable[Frozen]) -> dict[str, Path | None]:
    """Return the suppression lists that runs and campaign files name, by name.

    Without one nobody is contacted who is launched over it. One that cannot be taken
    along is told where a run that has not ended names it, or where it is there for a
    campaign file; nobody may make a backup unwell by what is over.

    Args:
        layout: The workspace.
        runs: The campaigns of its runs.

    Returns:
        Where each lies, links within the workspace followed; None for one that cannot
        be taken along.
    """
    live: set[str] = set()
    past: set[str] = set()
    for one in runs:
        (live if one.is_live else past).update(named_lists(one.text))
    filed = {
        name for path in layout.campaigns.glob("*.toml") for name in _named_in(path)
    }
    found = {name: _found(layout, name) for name in sorted(live | past | filed)}
    told = live | {name for name in filed if os.path.lexists(layout.root / name)}
    return {
        name: path for name, path in found.items() if path is not None or name in told
    }


def missing_lists(layout: Layout, campaign: str) -> tuple[str, ...]:
    """Return the lists that a campaign names and that are not there."""
    named = named_lists(campaign)
    return tuple(one for one in named if not (layout.root / one).is_file())


def _named_in(path: Path) -> tuple[str, ...]:
    try:
        return named_lists(read_toml_text(path))
    except ConfigError:
        return ()  # nobody launches it as it is


def _found(layout: Layout, name: str) -> Path | None:
    """Return where a list lies that a backup may hold; None where it may not."""
    if not is_list_place(name) or not _fits(name):
        return None
    try:
        place = (layout.root / name).resolve(strict=True)
        # A pipe is not waited for, and what cannot be read is no reason for no backup.
        opened(place).close()
    except (OSError, RuntimeError):
        return None
    return place if place.is_relative_to(layout.root.resolve()) else None


def _fits(name: str) -> bool:
    return is_place(name) and has_room_for(name)


def _candidates(layout: Layout) -> Iterator[tuple[str, Path]]:
    """Yield every file beside uploads and lists that may belong into it, by name."""
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
