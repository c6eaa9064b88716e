"""One connection to a mail server, driven command by command.

Whether a mail may have been taken is decided by one byte sequence: the final dot. So
the dot is written by itself, after all before it has left, and how far a mail had come
is written down before each step. aiosmtplib sends body and dot in one piece and tells a
lost connection before from one after by nothing, hence its pieces are used here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NoReturn, cast

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from aiosmtplib.protocol import SMTPProtocol

from watchfloor.channels.judged_socket import judged_socket
from watchfloor.channels.smtp_server import Server

GOODBYE_S = 1.0

OK, START_INPUT, WILL_FORWARD, UNAVAILABLE = 250, 354, 251, 421

_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"(?m)^\.")


class Stage(IntEnum):
    """How far an attempt has come; the order matters."""

    QUEUE = 0  #: waiting for a connection to be free
    CONNECT = 1
    STARTTLS = 2
    AUTH = 3
    MAIL = 4
    RCPT = 5
    DATA = 6
    BODY = 7
    DOT = 8  #: the final dot was written: from here on the mail may have been taken


class Progress:
    """One attempt's progress."""

    __slots__ = ("stage",)

    def __init__(self) -> None:
        self.stage = Stage.QUEUE


class UnfitServerError(Exception):
    """The server lacks what the mail needs; nothing of the mail was sent.

    Attributes:
        code: Lower snake case.
        is_for_all: Whether every mail would meet the same.
    """

    def __init__(self, code: str, text: str, *, is_for_all: bool) -> None:
        super().__init__(text)
        self.code = code
        self.is_for_all = is_for_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Who sends what to whom.

    Attributes:
        needs_utf8: Whether the server must offer SMTPUTF8.
        blames_all: Whether that need comes from the sender, thus from every mail.
        message: Its line ends and dots are mended here.
    """

    sender: str
    recipients: Sequence[str]
    message: bytes
    needs_utf8: bool = False
    blames_all: bool = False


class Session:
    """A connection on which mails are sent one after another."""

    def __init__(self, client: SMTP, protocol: SMTPProtocol) -> None:
        self._client = client
        self._protocol = protocol
        self._is_fresh = True

    @classmethod
    async def opened(cls, server: Server, progress: Progress) -> Session:
        """Connect, secure the connection and sign in.

        Raises:
            SMTPException: The connection failed or the server refused.
            OSError: No secure connection could be made.
            UnfitServerError: The server offers no STARTTLS or no way to sign in.
            RefusedAddressError: It has an address that may not be contacted.
        """
        progress.stage = Stage.CONNECT
        made: socket.socket | None = None
        if server.reach is not None:
            made = await judged_socket(server.reach(), server.host, server.port)
        client = SMTP(
            hostname=server.host,
            port=server.port if made is None else None,
            sock=made,
            local_hostname=server.helo,
            timeout=None,
            use_tls=server.security == "tls",
            start_tls=False,
            tls_context=server.context,
        )
        try:
            await client.connect()
            await client.ehlo()
            if server.security == "starttls":
                progress.stage = Stage.STARTTLS
                await _secure(client)
            if server.username:
                progress.stage = Stage.AUTH
                await _sign_in(client, server)
            return cls(client, _living(client))
        except BaseException:
            _abort(client)
            if made is not None:
                made.close()
            raise

    @property
    def is_usable(self) -> bool:
        """Whether the connection lives and nothing on it is left unread."""
        return self._protocol.is_connected and not _has_unread(self._protocol)

    async def begin(self, envelope: Envelope, progress: Progress) -> None:
        """Name the sender; until this returns the server knows nothing of the mail.

        Raises:
            SMTPException: The connection failed or the server refused.
            UnfitServerError: The server does not offer SMTPUTF8.
        """
        progress.stage = Stage.MAIL
        if envelope.needs_utf8 and not self._client.supports_extension("smtputf8"):
            raise UnfitServerError(
                "smtputf8_needed",
                "the address has letters beyond ASCII before the @, and the mail "
                "server does not offer SMTPUTF8",
                is_for_all=envelope.blames_all,
            )
        if not self._is_fresh:
            await self._say(b"RSET")
        self._is_fresh = False
        options = [b"SMTPUTF8"] if envelope.needs_utf8 else []
        if self._client.supports_extension("size"):
            options.insert(0, b"SIZE=%d" % len(envelope.message))
        await self._say(b"MAIL", b"FROM:" + _path(envelope.sender), *options)

    async def finish(
        self, envelope: Envelope, progress: Progress
    ) -> tuple[SMTPResponse, dict[str, SMTPResponse]]:
        """Name the recipients and send the message.

        Returns:
            The reply to the final dot, and the recipients that were refused while
            another was accepted.

        Raises:
            SMTPException: The connection failed or the server refused; *progress* says
                whether the mail may have been taken.
        """
        progress.stage = Stage.RCPT
        refused = await self._named_recipients(envelope.recipients)
        progress.stage = Stage.DATA
        await self._say(b"DATA", expected=(START_INPUT,))
        progress.stage = Stage.BODY
        await self._write_body(envelope.message)
        # No turn of the loop between the look at the connection and the dot.
        progress.stage = Stage.DOT
        self._protocol.write(b".\r\n")
        reply = await self._protocol.read_response()
        if reply.code != OK:
            _refuse(reply)
        # The next mail is a new transaction by the protocol: it needs no reset.
        self._is_fresh = True
        return reply, refused

    async def close(self) -> None:
        """Say goodbye, but wait for no answer longer than a moment."""
        transport = self._client.transport
        try:
            with contextlib.suppress(SMTPException, OSError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._client.quit()
        finally:
            # The library closes politely, which a silent peer can draw out over TLS.
            if transport is not None:
                cast("asyncio.WriteTransport", transport).abort()

    def abort(self) -> None:
        """Let go of the connection at once."""
        _abort(self._client)

    async def _named_recipients(
        self, recipients: Sequence[str]
    ) -> dict[str, SMTPResponse]:
        refused: dict[str, SMTPResponse] = {}
        for recipient in recipients:
            try:
                await self._say(
                    b"RCPT", b"TO:" + _path(recipient), expected=(OK, WILL_FORWARD)
                )
            except SMTPResponseException as error:
                is_last_hope = len(refused) + 1 == len(recipients)
                if is_last_hope or not is_refusal(error.code):
                    raise
                refused[recipient] = SMTPResponse(error.code, error.message)
        return refused

    async def _write_body(self, message: bytes) -> None:
        message = _LINE_END.sub(b"\r\n", message)
        if not message.endswith(b"\r\n"):
            message += b"\r\n"
        transport = cast("asyncio.WriteTransport", self._client.transport)
        transport.set_write_buffer_limits(high=0)
        self._protocol.write(_LEADING_DOT.sub(b"..", message))
        # One turn of the loop, in which a connection that was closed shows.
        await asyncio.sleep(0)
        await self._protocol._drain_helper()  # noqa: SLF001 - what StreamWriter.drain calls; there is no public name for it
        if not self._protocol.is_connected:
            raise SMTPServerDisconnected("the connection was lost")
        if _has_unread(self._protocol):
            raise SMTPException("the server spoke before it was its turn")

    async def _say(
        self, *words: bytes, expected: tuple[int, ...] = (OK,)
    ) -> SMTPResponse:
        reply = await self._client.execute_command(*words)
        if reply.code not in expected:
            _refuse(reply)
        return reply


def is_refusal(code: int) -> bool:
    """Whether a reply is a definite no, for now or for good."""
    return 400 <= code <= 599  # noqa: PLR2004 - RFC 5321, 4.2.1


def _refuse(reply: SMTPResponse) -> NoReturn:
    raise SMTPResponseException(reply.code, reply.message)


async def _secure(client: SMTP) -> None:
    if not client.supports_extension("starttls"):
        raise UnfitServerError(
            "no_starttls",
            "the mail server offers no STARTTLS, and nothing is sent in the clear",
            is_for_all=True,
        )
    await client.starttls()
    await client.ehlo()


async def _sign_in(client: SMTP, server: Server) -> None:
    """Try one method, once: wrong passwords are counted on the other side."""
    ways = {
        "plain": client.auth_plain,
        "login": client.auth_login,
        "cram-md5": client.auth_crammd5,
    }
    for name, way in ways.items():
        if name in client.server_auth_methods:
            try:
                await way(server.username, server.password)
            except ValueError as error:
                # The library cannot decode the server's challenge.
                raise SMTPException("a challenge that is none") from error
            return
    raise UnfitServerError(
        "no_auth",
        "the mail server offers no way to sign in that is known here (PLAIN, LOGIN, "
        "CRAM-MD5)",
        is_for_all=True,
    )


def _abort(client: SMTP) -> None:
    transport = client.transport
    if transport is not None:
        cast("asyncio.WriteTransport", transport).abort()
    client.close()


def _living(client: SMTP) -> SMTPProtocol:
    if client.protocol is None:
        raise SMTPServerDisconnected("the server closed the connection")
    return client.protocol


def _has_unread(protocol: SMTPProtocol) -> bool:
    # A reply too many would be read as the answer to the next command, and in the end
    # as the answer to a final dot.
    return bool(protocol._buffer)  # noqa: SLF001 - there is no public name for it


def _path(address: str) -> bytes:
    return f"<{address}>".encode()
