"""Where a restored workspace is put, and the mark that its backup gets."""

from __future__ import annotations

from pathlib import Path

from watchfloor.domain.errors import ConfigError
from watchfloor.store.archive.private_files import created, sealed, settle_folder
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import is_owned


class Mark:
    """The file beside a backup that tells that it was restored.

    Args:
        backup: Whose.
        again: Whether it may have been restored before.

    Raises:
        ConfigError: It was restored before.
    """

    def __init__(self, backup: Path, *, again: bool) -> None:
        self._backup = backup
        self._path = backup.with_name(f"{backup.name}.restored")
        self._again = again
        self._is_new = False
        if self._path.exists() and not again:
            raise self._restored_before()

    def put(self, told: str) -> tuple[str, ...]:
        """Put it on the disk; return what is to be told where that cannot be.

        Raises:
            ConfigError: Somebody else has put it since.
        """
        try:
            with created(self._path) as file:
                self._is_new = True
                file.write(told.encode(errors="replace"))
                sealed(file)
            settle_folder(self._path.parent)
        except FileExistsError as error:
            if not self._again:
                raise self._restored_before() from error
        except OSError as error:
            # A backup may lie where nothing can be written.
            said = "nothing keeps this backup from being restored once more"
            return (f"{self._path} cannot be kept ({error.strerror}): {said}",)
        return ()

    def take_back(self) -> None:
        """Remove it again, if it was not there before."""
        if self._is_new:
            self._path.unlink(missing_ok=True)

    def _restored_before(self) -> ConfigError:
        return ConfigError(
            f"{self._backup} was restored before, as {self._path} tells; nothing was "
            "done. Two workspaces with one past may contact the same people twice. "
            "Add --again to mean it"
        )


def check_place(root: Path) -> None:
    """Check that a workspace may be restored to a place.

    Raises:
        ConfigError: It may not, for an engine, for what is there, or for what it is.
    """
    if is_owned(Layout(root)):
        msg = (
            f"an engine owns the workspace in {root}; nothing was restored. Restore "
            "into another directory, or stop that engine and move its workspace away"
        )
        raise ConfigError(msg)
    is_folder = root.is_dir() and not root.is_symlink()
    is_empty = is_folder and not any(root.iterdir())
    if (root.exists() or root.is_symlink()) and not is_empty:
        msg = (
            f"{root} is there and is not empty; nothing was restored. Name a directory "
            "that does not exist yet"
        )
        raise ConfigError(msg)
    place = root.resolve()
    if is_folder and (place.is_mount() or place == Path.cwd()):
        why = "is a disk of its own" if place.is_mount() else "is where you are"
        msg = (
            f"{place} {why}, and nothing can take its place; nothing was restored. "
            f"Name a directory that does not exist yet, as {place / 'floor'}"
        )
        raise ConfigError(msg)


def put_in_place(
    staging: Path, root: Path, mark: Mark, instance: str
) -> tuple[str, ...]:
    """Give a restored workspace its name; return what is to be told of its mark.

    The mark comes first: after a crash in between, a restore has to be meant once more.
    The other way round the same past could come back twice.

    Raises:
        ConfigError: The backup was restored meanwhile.
        OSError: It cannot have the name; there is no new mark.
    """
    unmarked = mark.put(f"restored to {root}, instance {instance}\n")
    try:
        # Onto an empty folder; one that has got something meanwhile is kept.
        staging.rename(root)
    except OSError:
        mark.take_back()
        raise
    return unmarked
