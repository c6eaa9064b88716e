"""Contacting a record by a mail of its own, through one mail server, at most once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from types import TracebackType
from typing import Self

from watchfloor.channels.base import RenderError
from watchfloor.channels.hosts import Hosts, check_hosts
from watchfloor.channels.settings import checked
from watchfloor.channels.smtp_letter import Letter, composed
from watchfloor.channels.smtp_pool import Pool
from watchfloor.channels.smtp_replies import (
    FAULTS,
    MailRules,
    outcome_of_acceptance,
    outcome_of_fault,
)
from watchfloor.channels.smtp_server import ready_server
from watchfloor.channels.smtp_session import Envelope, Progress
from watchfloor.channels.smtp_settings import SmtpSettings
from watchfloor.domain.outcomes import Delivery, Dispatch, Outcome, OutcomeClass
from watchfloor.domain.reach import Reach

MARGIN_S = 2.0


class SmtpChannel:
    """Send one mail per attempt, to one recipient.

    Args:
        settings: See ``SmtpSettings``.
        clock: Seconds since 1970 UTC, for the Date header.
    """

    def __init__(
        self, settings: Mapping[str, object], clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = checked(SmtpSettings, settings)
        self._clock = clock
        self._rules = MailRules()
        self._pool: Pool | None = None
        self._reach: Callable[[], Reach] = Reach

    @property
    def delivery(self) -> Delivery:
        """At most once: a Message-ID keeps no server from delivering twice."""
        return Delivery.AT_MOST_ONCE

    @property
    def deadline_s(self) -> float:
        """The time-out for a free connection, the one for the mail, and a margin."""
        return 2 * self._settings.timeout_ms / 1000 + MARGIN_S

    @property
    def placeholders(self) -> frozenset[str]:
        """The columns that subject, text, html and list_unsubscribe name."""
        return self._settings.placeholders

    #: Whom it may contact is not listed by name: those lists are of webhooks.
    reaches_any_host = True

    @property
    def hosts(self) -> Hosts:
        """The mail server."""
        return {"host": (self._settings.host, self._settings.port)}

    def keep_within(self, reach: Callable[[], Reach]) -> None:
        """Contact no inner address that these do not list."""
        self._reach = lambda: reach().of_any_host()

    @property
    def target(self) -> str:
        """The mail server's host and port."""
        return self._settings.target

    def rendered(self, dispatch: Dispatch) -> Mapping[str, object]:
        """Return the mail: from, to, subject, text, html and what else it carries."""
        return composed(self._settings, dispatch).shown()

    async def __aenter__(self) -> Self:
        check_hosts(self.hosts, self._reach())
        server = await ready_server(self._settings, self._reach)
        self._rules = MailRules(
            target=self._settings.target,
            codes={
                code: OutcomeClass[word.upper()]
                for code, word in self._settings.codes.items()
            },
            secrets=server.secrets,
        )
        timeout_s = self._settings.timeout_ms / 1000
        self._pool = Pool(server, self._settings.connections, timeout_s)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pool, self._pool = self._pool, None
        self._rules = MailRules()
        if pool is not None:
            await pool.close()

    async def deliver(self, dispatch: Dispatch) -> Outcome:
        """Send one mail and read what the server makes of it.

        Raises:
            RuntimeError: The channel is not open; nothing was sent.
        """
        if self._pool is None:
            raise RuntimeError("the smtp channel is not open")
        try:
            letter = composed(self._settings, dispatch)
        except RenderError as error:
            return error.outcome
        progress = Progress()
        try:
            reply = await self._pool.send(self._envelope(letter), progress)
        except FAULTS as error:
            return outcome_of_fault(error, progress.stage, self._rules)
        return outcome_of_acceptance(reply.message, self._rules)

    def _envelope(self, letter: Letter) -> Envelope:
        return Envelope(
            sender=letter.sender.address,
            recipients=(letter.to.address,),
            message=letter.written(formatdate(self._clock())),
            needs_utf8=letter.needs_utf8,
            blames_all=letter.is_utf8_for_all,
        )
