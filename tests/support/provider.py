"""A provider on the loopback: a real HTTP server that writes down what it is sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one request gets. ``drop`` closes the connection instead of answering."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    after_s: float = 0.0
    drop: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as it came in."""

    key: str
    contact: str
    body: bytes
    at_s: float


OK = Reply()


class Provider:
    """Serves on a thread of its own, so that no engine's loop can slow it.

    Attributes:
        replies: For a contact, what its first, second, ... request gets; the last one
            stays. Everybody else gets ``otherwise``.
        arrivals: Every request, in order, from the moment its body was read.
        look_ups: For a contact, what a GET about its key gets; others get 404.
        questions: The key of every GET, in order.
        most_at_once: The most requests that were ever open together.
    """

    def __init__(self, otherwise: Reply | Callable[[], Reply] = OK) -> None:
        self.otherwise = otherwise
        self.replies: dict[str, Sequence[Reply]] = {}
        self.arrivals: list[Arrival] = []
        self.look_ups: dict[str, Reply] = {}
        self.questions: list[str] = []
        self.most_at_once = 0
        self.port = 0
        self._open = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._is_held = False
        self._held: deque[asyncio.Future[None]] = deque()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="provider", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/calls"

    @property
    def look_up_setting(self) -> str:
        """The webhook's setting that asks this provider about keys."""
        return f'lookup_url = "http://127.0.0.1:{self.port}/calls/${{record.key}}"'

    @property
    def at_once(self) -> int:
        """Requests that wait for their answer now."""
        return self._open

    @property
    def connections(self) -> int:
        """Connections that are open: none once what a killed process sent is read."""
        return len(self._tasks)

    def forget(self, *, after: int = 0) -> None:
        """Forget what was asked after so many requests, and how often anybody was."""
        del self.arrivals[after:]
        self.questions.clear()
        self._asked.clear()

    @property
    def keys(self) -> list[str]:
        return [one.key for one in self.arrivals]

    @property
    def contacts(self) -> list[str]:
        return [one.contact for one in self.arrivals]

    @property
    def bodies_by_key(self) -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = defaultdict(set)
        for one in list(self.arrivals):
            found[one.key].add(one.body)
        return dict(found)

    def hold(self) -> None:
        """Leave every request unanswered until ``answer`` or ``let_go``."""

        def hold() -> None:
            self._is_held = True

        self._call(hold)

    def answer(self, most: int) -> int:
        """Answer at most so many of those that are held; return how many."""
        answered = 0

        def answer() -> None:
            nonlocal answered
            while self._held and answered < most:
                held = self._held.popleft()
                # Whoever has hung up waits for no answer.
                if not held.done():
                    held.set_result(None)
                    answered += 1

        self._call(answer)
        return answered

    def let_go(self) -> None:
        """Answer again."""

        def let_go() -> None:
            self._is_held = False

        self._call(let_go)
        self.answer(len(self._held))

    def _call(self, act: Callable[[], None]) -> None:
        done = threading.Event()

        def acted() -> None:
            act()
            done.set()

        self._loop.call_soon_threadsafe(acted)
        done.wait()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        tasks = self._tasks

        async def connected(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._converse(reader, writer)
            finally:
                tasks.discard(task)
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=1_000)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(
            ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
        ):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                body = await reader.readexactly(int(_header(head, "content-length")))
                if not await self._answered(head, body, writer):
                    return

    async def _answered(
        self, head: str, body: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        key = _header(head, "idempotency-key").strip('"')
        if head.startswith("GET "):
            return await self._looked_up(key, writer)
        contact = str(json.loads(body).get("to", ""))
        self.arrivals.append(Arrival(key, contact, body, time.monotonic()))
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            reply = self._reply(contact)
            if reply.after_s:
                await asyncio.sleep(reply.after_s)
            await self._while_held()
        finally:
            self._open -= 1
        return await self._said(reply, writer)

    async def _looked_up(self, key: str, writer: asyncio.StreamWriter) -> bool:
        self.questions.append(key)
        contacts = {one.key: one.contact for one in list(self.arrivals)}
        await self._while_held()
        unknown = Reply(status=404)
        reply = self.look_ups.get(contacts.get(key, ""), unknown)
        return await self._said(reply, writer)

    async def _while_held(self) -> None:
        if self._is_held:
            held = self._loop.create_future()
            self._held.append(held)
            await held

    async def _said(self, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        if reply.drop:
            return False
        told = json.dumps(dict(reply.body)).encode() if reply.body else b""
        lines = [f"HTTP/1.1 {reply.status} Said", f"Content-Length: {len(told)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + told)
        await writer.drain()
        return True

    def _reply(self, contact: str) -> Reply:
        planned = self.replies.get(contact)
        if not planned:
            return (
                self.otherwise
                if isinstance(self.otherwise, Reply)
                else (self.otherwise())
            )
        self._asked[contact] += 1
        return planned[min(self._asked[contact], len(planned)) - 1]


def _header(head: str, name: str) -> str:
    for line in head.splitlines()[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return "0"
