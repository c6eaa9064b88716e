"""A provider that breaks its connections in the ways real ones do, and says so.

Written with plain sockets on threads: it can stop, reset and flood where a tidy server
cannot, and takes no memory of its own while it does.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.support.patience import DEADLINE_S


class Wire:
    """One connection as the provider has it.

    Attributes:
        number: 1 for the provider's first connection.
    """

    def __init__(self, provider: FaultyProvider, raw: socket.socket) -> None:
        self.raw = raw
        self.number = provider.connections
        self._provider = provider
        self._unread = b""

    def request(self) -> bytes:
        """Read one request to its end and write it down; return its body.

        Raises:
            ConnectionError: The client went away instead.
        """
        body = self.awaited()
        self._unread = self._unread[self._unread.index(body) + len(body) :]
        self._provider.note(body)
        return body

    def awaited(self) -> bytes:
        """Return the body of the request that ``request`` will read.

        Raises:
            ConnectionError: The client went away instead.
        """
        while b"\r\n\r\n" not in self._unread:
            self._unread += self._more()
        head, _, rest = self._unread.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().splitlines():
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while len(rest) < length:
            rest += self._more()
            self._unread = head + b"\r\n\r\n" + rest
        return rest[:length]

    def send(self, *parts: bytes) -> None:
        """Send the parts, one after the other."""
        for part in parts:
            self.raw.sendall(part)

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer as a provider in good health does."""
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
        lines += [f"{key.replace('_', '-')}: {headers[key]}" for key in headers]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def wait_until_left(self) -> None:
        """Say nothing more until the client has gone away."""
        with contextlib.suppress(ConnectionError):
            while self.raw.recv(65_536):
                pass

    def reset(self) -> None:
        """Break the connection off with a RST, as a machine that crashed does."""
        linger = struct.pack("ii", 1, 0)
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.raw.close()

    def _more(self) -> bytes:
        more = self.raw.recv(65_536)
        if not more:
            raise ConnectionError("the client went away")
        return more


#: What a provider does with a connection. To return is to have done it; what the
#: client spoils by going away is not done.
Act = Callable[[Wire], None]


class FaultyProvider:
    """Does with each connection what its act says, on a thread for each.

    Attributes:
        bodies: Of every request that was read to its end, in order.
        connections: How many were taken.
        done: How many acts were done to their end.
    """

    def __init__(self, act: Act) -> None:
        self._act = act
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._lock = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._wires: list[Wire] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.done = 0
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it takes requests."""
        return f"http://127.0.0.1:{self.port}/calls"

    @property
    def bodies_by_count(self) -> Counter[bytes]:
        """How often each body came."""
        return Counter(self.bodies)

    def note(self, body: bytes) -> None:
        """Write a request down."""
        self.bodies.append(body)

    def wait_until_done(self, count: int = 1) -> None:
        """Wait until so many acts were done to their end: the fault did happen."""
        with self._lock:
            told = self._lock.wait_for(lambda: self.done >= count, DEADLINE_S)
        assert told, f"{self.done} of {count} faults happened"

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._listen, daemon=True)
        self._threads.append(thread)
        thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for raw in (self._listener, *(wire.raw for wire in self._wires)):
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(DEADLINE_S)
            assert not thread.is_alive()
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._listener.accept()
                raw.settimeout(DEADLINE_S)
                self.connections += 1
                wire = Wire(self, raw)
                self._wires.append(wire)
                thread = threading.Thread(target=self._serve, args=(wire,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, wire: Wire) -> None:
        try:
            with contextlib.suppress(OSError):
                self._act(wire)
                with self._lock:
                    self.done += 1
                    self._lock.notify_all()
        finally:
            wire.raw.close()
