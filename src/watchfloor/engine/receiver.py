"""The engine's own HTTP door for results: ``POST /results``, on the loopback.

A provider gets a 2xx only when its events are committed; after anything else it sends
them again, and nothing counts twice. What is sent here is written to no log.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
from ipaddress import ip_address
from typing import Any, Final, NamedTuple

import orjson
from aiohttp import web

from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.domain.pacing import Bucket, opened, refilled, take
from watchfloor.domain.results import ResultEvent
from watchfloor.domain.workspace import ResultsIntake
from watchfloor.engine.collector import (
    MOST_EVENTS,
    NoteSuppressed,
    Summary,
    TakeResults,
    judged,
    nobody_is_told,
)
from watchfloor.engine.committer import Submit
from watchfloor.engine.surroundings import Surroundings

log = logging.getLogger(__name__)

#: Where this door is.
PATH: Final = "/results"
#: Connections at once; the next one is closed without a word.
MOST_CONNECTIONS: Final = 100
#: For the head of a request, and for its body.
PATIENCE_S: Final = 15.0
#: For the commit; then the provider is told to send again.
COMMIT_S: Final = 10.0
#: For answers under way when the door closes; who gets none sends again.
CLOSING_S: Final = 2.0
#: What a provider is told to wait while the store takes no writes.
STORE_RETRY_S: Final = 5
#: Mistakes that one answer names; the others are counted.
MOST_MISTAKES: Final = 20

_JSON: Final = frozenset(
    {
        "application/json",
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/json-lines",
        "application/x-jsonlines",
    }
)
#: A body above this is read apart, so that the engine's loop goes on meanwhile.
_APART_BYTES: Final = 16 * 1024
#: The server would write down who sent what it could not read.
_SILENT = logging.getLogger("watchfloor.receiver.http")
_SILENT.disabled = True


class _Heard(NamedTuple):
    """What a body held: events, and of what cannot be used the place and why."""

    events: list[ResultEvent]
    mistakes: list[tuple[int, str]]


class _DeclinedError(Exception):
    """A request that is answered without its events being taken."""

    def __init__(self, status: int, why: str, **headers: str) -> None:
        super().__init__(why)
        self.status = status
        self.headers = headers


def check_address(host: str, port: int, *, public: bool) -> None:
    """Look whether results can be received at an address; it is let go of again.

    Raises:
        ConfigError: The address is not of the loopback, or cannot be had.
    """
    address = _address(host, public=public)
    try:
        is_ipv6 = ip_address(address).version == 6  # noqa: PLR2004 - as it is called
    except ValueError:
        return  # where a name leads is found out when it listens
    family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
    try:
        socket.create_server((address, port), family=family).close()
    except (OSError, OverflowError) as error:
        raise _taken(host, port, error) from error


def _address(host: str, *, public: bool) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    if not public and not _is_loopback(address):
        msg = (
            f"results are not received on {host}: only this machine may reach the "
            "engine. Use 127.0.0.1 and a proxy that speaks TLS in front of it"
        )
        raise ConfigError(msg)
    return address


def _taken(host: str, port: int, error: Exception) -> ConfigError:
    return ConfigError(
        f"results cannot be received on {host}:{port}: {error}. Nothing "
        "listens there; choose another port"
    )


class Receiver:
    """Takes results over HTTP on the engine's loop.

    Args:
        settings: Pace and the largest body.
        token: The bearer token itself.
        submit: Has a job done by the committer; returns after the commit.
        around: The clock.
        on_suppressed: As of ``TakeResults``.
        patience_s: For a head or a body that comes slowly.

    Raises:
        ConfigError: The token is empty.
    """

    def __init__(
        self,
        settings: ResultsIntake,
        token: str,
        submit: Submit,
        around: Surroundings,
        on_suppressed: NoteSuppressed = nobody_is_told,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        if not token:
            raise ConfigError("the results token is empty; nobody could be told apart")
        self._max_bytes = settings.max_bytes
        self._token = token.encode()
        self._submit = submit
        self._around = around
        self._on_suppressed = on_suppressed
        self._patience_s = patience_s
        now_s = around.monotonic_s()
        self._bucket: Bucket = refilled(opened(settings.rate_per_s, now_s - 1), now_s)
        self._server: web.Server | None = None
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int, *, public: bool = False) -> int:
        """Listen; return the port.

        Args:
            host: An address of the loopback, or ``localhost``.
            port: 0 for any that is free.
            public: Listen on any address. The token then crosses the network in the
                clear unless a proxy in front speaks TLS.

        Raises:
            ConfigError: The address is not of the loopback, or cannot be had; nothing
                listens.
        """
        address = _address(host, public=public)
        server = web.Server(
            self._answered,
            access_log=None,
            logger=_SILENT,
            keepalive_timeout=self._patience_s,
            lingering_time=1.0,
            # A packed body is declined; it must not be unpacked first.
            auto_decompress=False,
        )

        def connected() -> asyncio.Protocol:
            full = len(server.connections) >= MOST_CONNECTIONS
            return _Closed() if full else server()

        loop = asyncio.get_running_loop()
        try:
            listening = await loop.create_server(connected, address, port)
        except (OSError, OverflowError) as error:
            raise _taken(host, port, error) from error
        self._server, self._listening = server, listening
        return int(listening.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening, answer what is being committed, close every connection.

        Call it while the committer still works.
        """
        if self._listening is not None and self._server is not None:
            self._listening.close()
            self._server.pre_shutdown()
            await self._server.shutdown(CLOSING_S)
        self._listening = self._server = None

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            self._check(request)
            body = await self._body(request)
            return await self._taken(body)
        except _DeclinedError as declined:
            return _declined(declined)
        except Exception as error:  # noqa: BLE001 - a mistake of our own, told unquoted
            self._around.survived(error)
            log.warning("results could not be taken: %s", type(error).__name__)
            return _declined(_DeclinedError(500, "a mistake of our own; send again"))

    def _check(self, request: web.BaseRequest) -> None:
        """Decline by the head alone; of who may not come in no byte more is read."""
        if request.path != PATH:
            raise _DeclinedError(404, f"there is nothing here; post to {PATH}")
        if request.method != "POST":
            raise _DeclinedError(405, "results are posted", Allow="POST")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        known = given.strip().encode(errors="surrogateescape")
        if not hmac.compare_digest(known, self._token) or scheme.lower() != "bearer":
            asked = {"WWW-Authenticate": "Bearer"}
            raise _DeclinedError(401, "the bearer token is missing or wrong", **asked)
        self._bucket, wait_s = take(self._bucket, self._around.monotonic_s())
        if wait_s:
            wait = {"Retry-After": str(int(wait_s) + 1)}
            raise _DeclinedError(429, "too many requests; send events in lists", **wait)
        if request.content_type not in _JSON or request.headers.get("Content-Encoding"):
            raise _DeclinedError(415, "send plain JSON or JSON lines")
        if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
            raise _DeclinedError(415, "send UTF-8")
        if (request.content_length or 0) > self._max_bytes:
            raise self._too_large()

    async def _body(self, request: web.BaseRequest) -> bytes:
        parts = bytearray()
        try:
            async with asyncio.timeout(self._patience_s):
                if request.headers.get("Expect", "").lower() == "100-continue":
                    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    # The server takes what was sent for the beginning of an answer.
                    request.writer.output_size = 0
                async for part in request.content.iter_any():
                    parts += part
                    if len(parts) > self._max_bytes:
                        raise self._too_large()
        except TimeoutError as error:
            told = f"the body was not complete after {self._patience_s:g} s"
            raise _DeclinedError(408, told) from error
        except web.RequestPayloadError as error:
            raise _DeclinedError(400, "the body is cut off or garbled") from error
        return bytes(parts)

    def _too_large(self) -> _DeclinedError:
        most = f"{self._max_bytes:,} bytes"
        return _DeclinedError(413, f"the body is larger than {most}; send fewer events")

    async def _taken(self, body: bytes) -> web.Response:
        now_ms = self._around.now_ms()
        if len(body) > _APART_BYTES:
            heard = await asyncio.to_thread(_heard, body, now_ms)
        else:
            heard = _heard(body, now_ms)
        told = {
            "unusable": len(heard.mistakes),
            "mistakes": [
                {"event": place, "mistake": why}
                for place, why in heard.mistakes[:MOST_MISTAKES]
            ],
        }
        if not heard.events:
            return _told(400, {"error": "there is no event that can be used", **told})
        total = Summary()
        for first in range(0, len(heard.events), MOST_EVENTS):
            total = total.plus(await self._stored(heard.events[first:][:MOST_EVENTS]))
        return _told(202, {**total.as_dict(), **told})

    async def _stored(self, events: list[ResultEvent]) -> Summary:
        try:
            async with asyncio.timeout(COMMIT_S):
                job = TakeResults(events, "the receiver", self._on_suppressed)
                return await self._submit(job)
        except (StoreError, TimeoutError) as error:
            # Why is for the operator, on the screen; not for whoever sends here.
            again = {"Retry-After": str(STORE_RETRY_S)}
            told = "the store takes no writes now; send the same events again later"
            raise _DeclinedError(503, told, **again) from error


class _Closed(asyncio.Protocol):
    """A connection beyond the last one that is served."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


def _heard(body: bytes, now_ms: int) -> _Heard:
    """Return what a body holds: one event, a list of them, or one on each line."""
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        lines = [line for line in body.splitlines() if line.strip()]
        return _Heard(*judged((_line(line) for line in lines), now_ms))
    return _Heard(*judged(whole if isinstance(whole, list) else [whole], now_ms))


def _line(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        # As no object it is named among the mistakes.
        return None


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _declined(declined: _DeclinedError) -> web.Response:
    response = _told(declined.status, {"error": str(declined)}, declined.headers)
    response.force_close()
    return response


def _told(
    status: int, answer: dict[str, Any], headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(answer),
        content_type="application/json",
        headers=headers,
    )
