"""A provider on the loopback that can be as broken as real ones are."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from tests.channels.fault_table import NOW_S
from tests.support.loopback import LOOPBACK

from watchfloor.channels.smtp import SmtpChannel
from watchfloor.channels.webhook import WebhookChannel
from watchfloor.domain.outcomes import Dispatch


@dataclass
class Exchange:
    """One request as the provider saw it, and the means to answer it."""

    head: str
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def header(self, name: str) -> str | None:
        for line in self.head.splitlines()[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def reply(self, status, body=b"", **headers) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
        lines += [f"{key.replace('_', '-')}: {headers[key]}" for key in headers]
        await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def hang(self) -> None:
        """Say nothing more until the client goes away."""
        await self.reader.read()

    def reset(self) -> None:
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Answer = Callable[[Exchange], Awaitable[object]]


@dataclass
class Provider:
    """Answers each request with ``answer``; a closed writer ends the connection."""

    answer: Answer
    port: int = 0
    connections: int = 0
    exchanges: list[Exchange] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/calls"

    async def serve(self, reader, writer) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while not writer.is_closing():
                await self._exchange(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self.left.set()

    async def _exchange(self, reader, writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        exchange = Exchange(head, b"", reader, writer)
        length = int(exchange.header("Content-Length") or 0)
        exchange.body = await reader.readexactly(length)
        self.exchanges.append(exchange)
        self.arrived.set()
        await self.answer(exchange)


@pytest.fixture
async def provider():
    opened = []

    async def start(answer: Answer) -> Provider:
        made = Provider(answer)
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0, backlog=1_000)
        made.port = server.sockets[0].getsockname()[1]
        opened.append((made, server))
        return made

    yield start
    for made, server in opened:
        server.close()
        await server.wait_closed()
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)


#: What a fault server does instead of replying.
DROP, RESET, HANG, DRIP = "drop", "reset", "hang", "drip"


@dataclass
class MailServer:
    """A mail server that says what it is told to, or breaks off.

    Attributes:
        replies: By command, besides ``GREETING``, ``BODY`` (the first bytes after 354)
            and ``DOT``; text is sent as it stands, a list is used up one by one.
        commands: What was said to it, all connections together.
        mails: What came before each final dot.
    """

    replies: dict[str, str | list[str]] = field(default_factory=dict)
    port: int = 0
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    USUAL = {  # noqa: RUF012 - never written
        "GREETING": "220 mail.example.test",
        "EHLO": "250-mail.example.test\r\n250 8BITMIME",
        "DATA": "354 go ahead",
        "QUIT": "221 2.0.0 bye",
        "DOT": "250 2.0.0 Ok: queued as 4XyZ",
    }

    async def serve(self, reader, writer) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self._answer("GREETING", reader, writer)
            while not writer.is_closing():
                line = (await reader.readuntil(b"\r\n")).decode().rstrip()
                self.commands.append(line)
                verb = line.partition(" ")[0].upper()
                await self._answer(verb, reader, writer, line)
                if verb == "DATA":
                    await self._take_mail(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self.left.set()

    async def _take_mail(self, reader, writer) -> None:
        if "BODY" in self.replies:
            await reader.read(1)
            await self._answer("BODY", reader, writer)
            return
        mail = await reader.readuntil(b"\r\n.\r\n")
        self.mails.append(mail.removesuffix(b".\r\n"))
        await self._answer("DOT", reader, writer)

    async def _answer(self, verb, reader, writer, line="") -> None:
        self.arrived.set() if verb in {"RCPT", "DOT"} else None
        reply = self.replies.get(verb, self.USUAL.get(verb, "250 2.0.0 OK"))
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        if reply == HANG or (verb == "RCPT" and "stalls" in line):
            await reader.read()
            writer.close()
        elif reply == DRIP:
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(0.01)
        elif reply in {DROP, RESET}:
            if reply == RESET:
                raw = writer.get_extra_info("socket")
                linger = struct.pack("ii", 1, 0)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            writer.close()
        else:
            writer.write(f"{reply}\r\n".encode("utf-8", "surrogateescape"))
            await writer.drain()


@pytest.fixture
async def mail_server():
    opened = []

    async def start(**replies: str | list[str]) -> MailServer:
        made = MailServer(dict(replies))
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0, backlog=1_000)
        made.port = server.sockets[0].getsockname()[1]
        opened.append((made, server))
        return made

    yield start
    for made, server in opened:
        server.close()
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)


@pytest.fixture
def smtp():
    def build(port, /, **settings):
        usual = {
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "from": "Night Desk <desk@example.test>",
            "subject": "Your visit, ${name}",
            "text": "Dear ${name},\nsee you soon.",
            "timeout": "20s",
        }
        channel = SmtpChannel({**usual, **settings}, clock=lambda: NOW_S)
        channel.keep_within(lambda: LOOPBACK)
        return channel

    return build


@pytest.fixture
def mail():
    """A dispatch whose contact is a mailbox."""

    def build(contact="ann@example.org", key="0123abcd", number=1, **fields):
        return Dispatch(
            key=key,
            contact=contact,
            fields={"name": "Ann", **fields},
            number=number,
        )

    return build


@pytest.fixture
def dead_port():
    """A port that refuses connections: bound, not listening."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def dispatch():
    def build(contact="+12025550123", number=1, key="", **fields) -> Dispatch:
        return Dispatch(
            key=key or f"key-{contact}",
            contact=contact,
            fields=fields,
            number=number,
        )

    return build


@pytest.fixture
def webhook():
    def build(url, *, reach=LOOPBACK, **settings):
        channel = WebhookChannel({"url": url, **settings}, clock=lambda: NOW_S)
        channel.keep_within(lambda: reach)
        return channel

    return build


@pytest.fixture
def attempt(webhook, provider, dispatch):
    """Make one attempt at a provider with this answer."""

    async def make(answer, **settings):
        made = await provider(answer)
        async with webhook(made.url, **settings) as channel:
            return await channel.deliver(dispatch()), made

    return make
