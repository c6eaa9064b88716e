"""A few connections to one mail server, kept open between mails.

Keeping them is safe, unlike an HTTP connection's: a mail is taken only after many
replies, so a connection that died while it was idle shows before anything is at stake.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from aiosmtplib import SMTPResponse, SMTPResponseException, SMTPServerDisconnected

from watchfloor.channels.smtp_server import Server
from watchfloor.channels.smtp_session import (
    UNAVAILABLE,
    Envelope,
    Progress,
    Session,
    UnfitServerError,
    is_refusal,
)

#: One that was idle for longer may be dead without showing it, and is not trusted.
IDLE_S = 60.0


class _Idle(NamedTuple):
    session: Session
    since_s: float


class Pool:
    """Connections for many mails at once; a mail that finds all busy waits.

    Args:
        server: Where they go.
        size: The most that are open together.
        timeout_s: How long a mail may wait for one, and how long it may then take.
    """

    def __init__(self, server: Server, size: int, timeout_s: float) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._places = asyncio.Semaphore(size)
        self._idle: list[_Idle] = []
        self._is_closed = False

    async def send(self, envelope: Envelope, progress: Progress) -> SMTPResponse:
        """Send one mail to its one recipient.

        Returns:
            The reply to the final dot, which is 250.

        Raises:
            SMTPException: The connection failed or the server refused.
            OSError: The connection failed, or took too long (``TimeoutError``).
            UnfitServerError: The server lacks what the mail needs.
        """
        async with asyncio.timeout(self._timeout_s):
            await self._places.acquire()
        try:
            async with asyncio.timeout(self._timeout_s):
                session = await self._begun(envelope, progress)
                try:
                    reply, _ = await session.finish(envelope, progress)
                except BaseException as error:
                    self._let_go(session, error)
                    raise
        finally:
            self._places.release()
        self._keep(session)
        return reply

    async def close(self) -> None:
        """Close the idle connections; those in use are closed when they come back."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(one.session.close() for one in idle))

    async def _begun(self, envelope: Envelope, progress: Progress) -> Session:
        """Return a connection on which the sender was accepted."""
        while (session := self._taken()) is not None:
            try:
                await self._begin(session, envelope, progress)
            except SMTPServerDisconnected:
                continue
            except SMTPResponseException as error:
                if error.code == UNAVAILABLE:
                    continue
                raise
            return session
        session = await Session.opened(self._server, progress)
        await self._begin(session, envelope, progress)
        return session

    async def _begin(
        self, session: Session, envelope: Envelope, progress: Progress
    ) -> None:
        try:
            await session.begin(envelope, progress)
        except BaseException as error:
            self._let_go(session, error)
            raise

    def _taken(self) -> Session | None:
        """Return the connection used last that is still good, or none."""
        stale_s = asyncio.get_running_loop().time() - IDLE_S
        while self._idle:
            one = self._idle.pop()
            if one.session.is_usable and one.since_s > stale_s:
                return one.session
            one.session.abort()
        return None

    def _keep(self, session: Session) -> None:
        if self._is_closed or not session.is_usable:
            session.abort()
            return
        self._idle.append(_Idle(session, asyncio.get_running_loop().time()))

    def _let_go(self, session: Session, error: BaseException) -> None:
        """Keep a connection on which a mail was plainly refused, drop any other."""
        if _is_in_step(error):
            self._keep(session)
        else:
            session.abort()


def _is_in_step(error: BaseException) -> bool:
    if isinstance(error, SMTPResponseException):
        return is_refusal(error.code) and error.code != UNAVAILABLE
    return isinstance(error, UnfitServerError)
