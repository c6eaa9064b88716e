"""The workspace's file as it is now: people edit it while the engine runs."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from watchfloor.channels.base import channel_names
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.roles import RoleRules
from watchfloor.domain.workspace import Workspace
from watchfloor.intake.file_marks import FileMarks, marks_of
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.intake.workspace_file import parse_workspace
from watchfloor.store.layout import Layout


def checked_workspace(path: Path) -> Workspace:
    """Return the workspace that a file describes, its channels and hooks checked too.

    Raises:
        ConfigError: With every mistake.
    """
    workspace = parse_workspace(read_toml_text(path), path.name)
    known = channel_names()
    mistakes = []
    for name in sorted(set(workspace.channels) - set(known)):
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        mistakes.append(f"{path.name}: channels.{name}: no such channel; {hint}")
    if workspace.alerts.hooks:
        # Few have any, and every verb that looks would take a fifth longer to begin.
        from watchfloor.engine.alert_hooks import hook_mistakes  # noqa: PLC0415 - see above

        mistakes += [f"{path.name}: {one}" for one in hook_mistakes(workspace)]
    if mistakes:
        raise ConfigError(*mistakes)
    return workspace


class WorkspaceSettings:
    """Reads the file again where it has changed. Any thread.

    Attributes:
        layout: Whose file it is.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._path = layout.settings
        self._known: tuple[FileMarks, Workspace] | None = None

    def now(self) -> Workspace:
        """Return the workspace as its file says.

        Raises:
            ConfigError: The file cannot be used; nothing may be decided without it.
        """
        try:
            marks = marks_of(self._path.stat())
        except OSError as error:
            msg = f"{self._path} cannot be read: {error.strerror}; put it back"
            raise ConfigError(msg) from error
        known = self._known
        if known is None or known[0] != marks:
            # Another thread may just have read what stood there before.
            known = self._known = (marks, checked_workspace(self._path))
        return known[1]

    def last_known(self) -> Workspace:
        """Return the workspace as its file last could be used; never raises.

        For what happens anyway, whatever somebody is writing into the file. Where it
        could never be used, nobody but the owner is more than a viewer.
        """
        try:
            return self.now()
        except ConfigError:
            if self._known:
                return self._known[1]
            roles = RoleRules(are_known=False)
            return Workspace(workspace_id="", name="", roles=roles)
