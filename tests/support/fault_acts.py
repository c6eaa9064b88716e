"""What a provider that fails does with a connection: one act a way of failing."""

from __future__ import annotations

import gzip
import ssl
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from functools import cache
from typing import Final

from tests.support.faulty import Act, Wire

BOMB_BYTES: Final = 50_000_000
_CHUNK: Final = b"x" * 65_536
#: How soon a slow provider sends its next piece: much sooner than any time-out ends.
DRIP_S: Final = 0.01
_TLS_HANDSHAKE: Final = 0x16


def answering(status: int, body: bytes = b"", **headers: str) -> Act:
    """Answer one request so."""

    def act(wire: Wire) -> None:
        wire.request()
        # Not a word too few: a connection that is kept must not die of it.
        wire.reply(status, body, Connection="close", **headers)

    return act


def asking_to_wait_until(at_s: float) -> Act:
    """Answer that there were too many requests, with a moment to come again at."""
    return answering(429, Retry_After=formatdate(at_s, usegmt=True))


def saying(*parts: bytes) -> Act:
    """Send these bytes for an answer, and close."""

    def act(wire: Wire) -> None:
        wire.request()
        wire.send(*parts)

    return act


def resetting(wire: Wire) -> None:
    """Read the request and break off."""
    wire.request()
    wire.reset()


def resetting_in_greeting(wire: Wire) -> None:
    """Break off where TLS is greeted: no byte of a request can have come."""
    assert wire.raw.recv(1)[0] == _TLS_HANDSHAKE
    wire.reset()


def never_greeting(wire: Wire) -> None:
    """Take the greeting of TLS and say nothing."""
    assert wire.raw.recv(1)[0] == _TLS_HANDSHAKE
    wire.wait_until_left()


def silent(wire: Wire) -> None:
    """Read the request and say nothing."""
    wire.request()
    wire.wait_until_left()


def dripping(first: bytes, then: Sequence[bytes]) -> Act:
    """Send *first* at once, and *then* piece by piece, over and over."""

    def act(wire: Wire) -> None:
        wire.request()
        _until_left(wire, lambda: _drip(wire, first, then))

    return act


def _drip(wire: Wire, first: bytes, then: Sequence[bytes]) -> None:
    wire.send(first)
    while True:
        for piece in then:
            wire.send(piece)
            time.sleep(DRIP_S)


def bytewise(text: bytes) -> list[bytes]:
    """Return every byte by itself."""
    return [bytes([byte]) for byte in text]


def flooding(head: bytes, part: bytes) -> Act:
    """Send *head*, then *part* again and again: 50 MB, or until nobody takes it."""

    def act(wire: Wire) -> None:
        wire.request()
        _until_left(wire, lambda: _flood(wire, head, part))

    return act


def _flood(wire: Wire, head: bytes, part: bytes) -> None:
    wire.send(head)
    for _ in range(BOMB_BYTES // len(part) + 1):
        wire.send(part)


def _until_left(wire: Wire, send: Callable[[], None]) -> None:
    """Send until the client goes away; that it does is what is waited for."""
    try:
        send()
    except ConnectionError:
        return
    wire.wait_until_left()


_OK: Final = b"HTTP/1.1 200 OK\r\n"
endless_body: Final = flooding(
    _OK + f"Content-Length: {BOMB_BYTES}\r\n\r\n".encode(), _CHUNK
)
endless_chunks: Final = flooding(
    _OK + b"Transfer-Encoding: chunked\r\n\r\n",
    f"{len(_CHUNK):x}\r\n".encode() + _CHUNK + b"\r\n",
)
endless_headers: Final = flooding(_OK, b"X-More: " + b"y" * 4_000 + b"\r\n")
one_endless_header: Final = flooding(_OK + b"X-Long: ", _CHUNK)
endless_promises: Final = dripping(b"", [b"HTTP/1.1 100 Continue\r\n\r\n"])


@cache
def packed_bomb() -> bytes:
    """Return 50 MB packed into 50 kB."""
    return gzip.compress(bytes(BOMB_BYTES))


def gzip_bomb(wire: Wire) -> None:
    """Answer with what unpacks to 50 MB."""
    wire.request()
    wire.reply(200, packed_bomb(), Content_Encoding="gzip", Connection="close")


def dying_when_used_again(wire: Wire) -> None:
    """Answer once, and break off when the kept connection is used again."""
    wire.request()
    wire.reply(200)
    if wire.number == 1:
        wire.request()
        wire.reset()


def dying_while_idle(wire: Wire) -> None:
    """Answer once and close, though the connection was to be kept."""
    wire.request()
    wire.reply(200)


def secured(context: ssl.SSLContext, act: Act) -> Act:
    """Greet with TLS first; done also where the client breaks the greeting off."""

    def secured_act(wire: Wire) -> None:
        try:
            wire.raw = context.wrap_socket(wire.raw, server_side=True)
        except ssl.SSLError:
            return
        act(wire)

    return secured_act
