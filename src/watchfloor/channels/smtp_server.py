"""A mail server as the settings name it, its secrets and certificates read."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

from watchfloor.channels.mail_settings import MailSettings
from watchfloor.channels.secrets import is_reference, resolved
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.reach import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server with its secrets resolved.

    Attributes:
        context: How to trust it; none for a server on this machine.
        helo: The name that this side gives itself.
        is_name_secret: Whether the username was given by reference.
        reach: Returns which inner addresses it may have; None where whoever runs the
            workspace named the server.
    """

    host: str
    port: int
    security: str
    context: ssl.SSLContext | None
    helo: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    is_name_secret: bool = False
    reach: Callable[[], Reach] | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Whatever would give the credentials away, were it repeated."""
        plain = f"\0{self.username}\0{self.password}"
        encoded = (
            b64encode(one.encode()).decode()
            for one in (plain, self.username, self.password)
        )
        name = (self.username,) if self.is_name_secret else ()
        known = (self.password, *name, *encoded)
        return tuple(one for one in known if self.password and one)


async def ready_server(
    settings: MailSettings, reach: Callable[[], Reach] | None = None
) -> Server:
    """Return the server of *settings*; secrets and certificates are read.

    Args:
        settings: Of a campaign, or of the workspace.
        reach: See ``Server``.

    Raises:
        ConfigError: One of them is missing or unfit. Nobody was contacted.
    """
    return Server(
        host=settings.host,
        port=settings.port,
        security=settings.security,
        context=await asyncio.to_thread(_context, settings),
        helo=settings.sender.domain,
        username=resolved(settings.username or "", "username"),
        password=resolved(settings.password or "", "password"),
        is_name_secret=is_reference(settings.username or ""),
        reach=reach,
    )


def _context(settings: MailSettings) -> ssl.SSLContext | None:
    if settings.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        is_unfit = isinstance(error, ssl.SSLError)
        why = "no certificate in PEM form" if is_unfit else error.strerror
        msg = (
            f"ca_file: {settings.ca_file} cannot be used ({why}); nobody was "
            "contacted; mend it and start again"
        )
        raise ConfigError(msg) from error
