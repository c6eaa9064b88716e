"""What every screen of one console shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from watchfloor.console.desk import Desk
from watchfloor.console.handing_over import Bundler
from watchfloor.console.keeper import Keeper
from watchfloor.console.keymap import Keymap
from watchfloor.console.outgoing import Outgoing
from watchfloor.console.preferences import Preferences
from watchfloor.console.safety import SafetyCatch
from watchfloor.console.sight import EngineSight
from watchfloor.domain.roles import Role
from watchfloor.domain.shell_words import Address


@dataclass(slots=True, kw_only=True)
class Session:
    """Who looks at what, with which rights.

    Attributes:
        clock: Milliseconds since 1970, UTC.
        own_pid: This process, to tell its engine from another's.
        wishes: How the operator wants the console.
        outgoing: What was confirmed and can still be taken back.
        sight: What the last poll told of the engine.
        bundler: Writes bundles; None where there is nobody who does.
        keeper: Has the engine of this process; None where there cannot be one.
        role: What the operator is to the workspace, as last told; a viewer's session
            is read only.
        address: How the workspace is named, where a command for a shell is told.
        is_restricted: Whether no file of this machine is looked at or written for them.
    """

    desk: Desk
    workspace_name: str
    operator: str
    clock: Callable[[], int]
    read_only: bool = False
    own_pid: int = 0
    wishes: Preferences = field(default_factory=Preferences)
    catch: SafetyCatch = field(default_factory=SafetyCatch)
    outgoing: Outgoing = field(default_factory=Outgoing)
    sight: EngineSight = field(default_factory=EngineSight)
    bundler: Bundler | None = None
    keeper: Keeper | None = None
    role: Role = Role.ADMIN
    address: Address = field(default_factory=Address)
    is_restricted: bool = False
    _opened: tuple[Role, bool] = field(init=False)

    def __post_init__(self) -> None:
        self._opened = self.role, self.read_only

    @property
    def keymap(self) -> Keymap:
        """The keys in force."""
        return self.wishes.keymap

    def take_role(self, role: Role) -> bool:
        """Take what the operator is now: never more than when this was opened.

        Returns:
            Whether that is another role than before; nothing is armed then.
        """
        before, (most, only_looks) = self.role, self._opened
        self.role = role if most.may(role) else most
        self.read_only = only_looks or self.role is Role.VIEWER
        if self.role is not before:
            self.catch.disarm()
        return self.role is not before

    @property
    def is_armed(self) -> bool:
        """Whether a command passes at this moment."""
        return not self.read_only and self.catch.is_armed(self.clock())
