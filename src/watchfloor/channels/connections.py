"""Connections to addresses that may be contacted, and to no others.

The address that is judged is the one that is connected to: it is looked at once more
where its socket is made, so that no second look-up can put another in its place.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from watchfloor.channels.hosts import RefusedAddressError, refusal_of_text
from watchfloor.domain.reach import Reach

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


def guarded_connector(
    reach: Callable[[], Reach], *, limit: int = 100, force_close: bool = False
) -> aiohttp.TCPConnector:
    """Return a connector that makes no connection which *reach* refuses.

    Args:
        reach: Asked before every connection: it may change meanwhile.
        limit: Connections at once; 0 for any number.
        force_close: Whether no connection is used twice.
    """

    def made(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        text = str(address[0])
        why = refusal_of_text(reach(), text, text, int(address[1]))
        if why:
            raise RefusedAddressError(why)
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(
        limit=limit,
        force_close=force_close,
        resolver=_Resolver(reach),
        socket_factory=made,
    )


class _Resolver(AbstractResolver):
    """Asks the system, and keeps what may be contacted."""

    def __init__(self, reach: Callable[[], Reach]) -> None:
        self._reach = reach
        self._system = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        reach = self._reach()
        why = reach.refusal_of_host(host, port)
        if why:
            raise RefusedAddressError(why)
        fine = []
        for one in await self._system.resolve(host, port, family):
            refusal = refusal_of_text(reach, host, one["host"], port)
            why = why or refusal
            if not refusal:
                fine.append(one)
        if not fine and why:
            raise RefusedAddressError(why)
        return fine

    async def close(self) -> None:
        await self._system.close()


def refused(error: BaseException) -> RefusedAddressError | None:
    """Return the refusal that a client's error came of; None if it was another."""
    for one in (error, error.__cause__):
        inner = one.os_error if isinstance(one, aiohttp.ClientConnectorError) else one
        if isinstance(inner, RefusedAddressError):
            return inner
    return None
