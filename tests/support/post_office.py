"""A post office on the loopback: a real mail server that keeps what it is sent."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"


class Certificate(NamedTuple):
    """A certificate for ``HOST`` that signs itself, and its key."""

    ca_file: Path
    key_file: Path


def new_certificate(folder: Path) -> Certificate:
    """Make one in *folder* with the openssl command; no key lies in the repository."""
    made = Certificate(folder / "post-office.pem", folder / "post-office.key")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-subj", f"/CN={HOST}", *key.split()),
            *("-addext", f"subjectAltName=IP:{HOST}"),
            *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
            *("-keyout", str(made.key_file), "-out", str(made.ca_file)),
        ],
        check=True,
        capture_output=True,
    )
    return made


@dataclass(frozen=True, slots=True)
class Posted:
    """One mail as it was taken.

    Attributes:
        recipients: Of the envelope.
        raw: As it came over the wire, its dots unstuffed.
        is_secured: Whether it came over TLS.
        user: Who had signed in, or empty.
    """

    sender: str
    recipients: list[str]
    raw: bytes
    is_secured: bool
    user: str

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def part(self, kind: str) -> str:
        """Return the part that is ``plain`` or ``html``, its lines ended by LF."""
        found = self.message.get_body((kind,))
        assert isinstance(found, EmailMessage)
        return str(found.get_content()).replace("\r\n", "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """How a post office works.

    Attributes:
        certificate: With it the office offers TLS.
        is_tls_from_the_start: Instead of STARTTLS.
        users: Passwords by name; with any, a sender must sign in.
        takes_utf8: Whether it offers SMTPUTF8.
    """

    certificate: Certificate | None = None
    is_tls_from_the_start: bool = False
    users: Mapping[str, str] = field(default_factory=dict)
    takes_utf8: bool = True

    @property
    def context(self) -> ssl.SSLContext | None:
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        return context


class Counter(SMTP):
    """One connection, which tells when it opens and when it is gone."""

    def __init__(
        self, open_: set[asyncio.Transport], *given: Any, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._open = open_
        self._first: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # With STARTTLS it is called again, with a transport over the first one.
        if self._first is None and isinstance(transport, asyncio.Transport):
            self._first = transport
            self._open.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self._first is not None:
            self._first.abort()
            self._open.discard(self._first)


class PostOffice:
    """Serves on a thread of its own, so that no engine's loop can slow it.

    Attributes:
        posted: Every mail taken, in order.
        replies: What naming a recipient gets, by address, e.g.
            ``"550 5.1.1 no such user"``; everybody else gets 250.
        connections: How many were ever opened.
    """

    def __init__(self, house: House | None = None) -> None:
        self.house = house or House()
        self.posted: list[Posted] = []
        self.replies: dict[str, str] = {}
        self.connections = 0
        self.port = 0
        self._open: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)

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
    def settings(self) -> dict[str, object]:
        """Those of an smtp step that posts here, but for who signs in and the text."""
        found: dict[str, object] = {"host": HOST, "port": self.port, "timeout": "20s"}
        if self.house.certificate is None:
            return {**found, "security": "none"}
        security = "tls" if self.house.is_tls_from_the_start else "starttls"
        ca_file = str(self.house.certificate.ca_file)
        return {**found, "security": security, "ca_file": ca_file}

    # What follows are aiosmtpd's hooks, called by name.

    async def handle_MAIL(  # noqa: N802 - the library's name
        self,
        _server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if self.house.users and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        reply = self.replies.get(address, "250 2.1.5 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        raw = envelope.original_content or b""
        signed: object = session.auth_data
        user = signed.login.decode() if isinstance(signed, LoginPassword) else ""
        is_secured = server.transport is not None and bool(
            server.transport.get_extra_info("sslcontext")
        )
        posted = Posted(
            envelope.mail_from or "", list(envelope.rcpt_tos), raw, is_secured, user
        )
        self.posted.append(posted)
        message_id = str(posted.message["Message-ID"])
        queue_id = hashlib.sha256(message_id.encode()).hexdigest()[:10].upper()
        return f"250 2.0.0 Ok: queued as {queue_id}"

    def _signed_in(
        self,
        _server: SMTP,
        _session: Session,
        _envelope: Envelope,
        _mechanism: str,
        given: Any,
    ) -> AuthResult:
        fits = (
            isinstance(given, LoginPassword)
            and self.house.users.get(given.login.decode()) == given.password.decode()
        )
        return AuthResult(success=fits, handled=False, auth_data=given)

    def _counter(self) -> SMTP:
        """Return the protocol of a new connection."""
        self.connections += 1
        starts_plain = not self.house.is_tls_from_the_start
        return Counter(
            self._open,
            self,
            hostname="post.example.test",
            loop=self._loop,
            enable_SMTPUTF8=self.house.takes_utf8,
            tls_context=self.house.context if starts_plain else None,
            require_starttls=self.house.certificate is not None and starts_plain,
            auth_require_tls=starts_plain,
            authenticator=self._signed_in,
        )

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        from_the_start = self.house.is_tls_from_the_start
        server = await self._loop.create_server(
            self._counter, HOST, 0, ssl=self.house.context if from_the_start else None
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for transport in self._open:
            transport.abort()
        # Turns of the loop in which the aborted connections end.
        for _ in range(10):
            await asyncio.sleep(0)
