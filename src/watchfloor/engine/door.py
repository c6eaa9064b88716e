"""The door at which providers report results, where an engine has one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from watchfloor.channels.secrets import resolved
from watchfloor.engine.committer import Committer, Submit
from watchfloor.engine.surroundings import Surroundings


class Door(NamedTuple):
    """Where providers report results.

    Attributes:
        is_public: Whether it may be reached from other machines.
    """

    host: str
    port: int
    is_public: bool = False


def check_door(door: Door, committer: Committer) -> None:
    """Refuse a door that cannot be opened, before an engine says that it runs.

    Raises:
        ConfigError: There is no token, or the address cannot be had.
    """
    from watchfloor.engine.receiver import check_address  # noqa: PLC0415 - see below

    _token(committer)
    check_address(door.host, door.port, public=door.is_public)


async def opened_door(
    door: Door, committer: Committer, submit: Submit, around: Surroundings
) -> Callable[[], Awaitable[None]]:
    """Open the door; return what shuts it.

    Raises:
        ConfigError: It cannot be opened; nothing was sent.
    """
    # Imported here: most engines have no door, and a web server is heavy.
    from watchfloor.engine.receiver import Receiver  # noqa: PLC0415 - see above

    receiver = Receiver(
        committer.workspace.now().results,
        _token(committer),
        submit,
        around,
        committer.suppressions.add,
    )
    await receiver.start(door.host, door.port, public=door.is_public)
    return receiver.close


def _token(committer: Committer) -> str:
    settings = committer.workspace.now().results
    return resolved(settings.token, "results.token")
