"""A connected socket for a protocol of its own: to a judged address, and no other."""

from __future__ import annotations

import asyncio
import socket

from watchfloor.channels.hosts import RefusedAddressError, refusal_of_text
from watchfloor.domain.reach import Reach


async def judged_socket(reach: Reach, host: str, port: int) -> socket.socket:
    """Return a socket that is connected to the first address that takes it.

    The address that was judged is the one that is connected to: no second look-up can
    put another in its place.

    Raises:
        RefusedAddressError: None of its addresses may be contacted; none was.
        OSError: It leads nowhere, or nobody answers there.
    """
    loop = asyncio.get_running_loop()
    if why := reach.refusal_of_host(host, port):
        raise RefusedAddressError(why)
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    for family, kind, protocol, _, address in found:
        if why := refusal_of_text(reach, host, str(address[0]), port):
            failure = failure or RefusedAddressError(why)
            continue
        made = socket.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            await loop.sock_connect(made, address)
        except OSError as error:
            made.close()
            # That nobody answers where it may go tells more than where it may not.
            failure = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failure or OSError(f"{host} leads nowhere")
