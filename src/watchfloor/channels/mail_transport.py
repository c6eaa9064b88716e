"""Sending one ready-made mail, such as a notice to operators, through a mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from copy import copy
from email.message import EmailMessage
from email.policy import SMTP

from aiosmtplib import SMTPResponse

from watchfloor.channels.mail_settings import MailSettings
from watchfloor.channels.mailbox import Mailbox, mailbox
from watchfloor.channels.smtp_replies import FAULTS, MailRules, outcome_of_fault
from watchfloor.channels.smtp_server import ready_server
from watchfloor.channels.smtp_session import Envelope, Progress, Session, Stage
from watchfloor.domain.errors import WatchfloorError
from watchfloor.domain.text import clean


class MailError(WatchfloorError):
    """A mail was not sent, or nobody can tell whether it was; the text says which."""


async def send_mail(
    settings: MailSettings, message: EmailMessage, recipients: Sequence[str]
) -> str:
    """Send *message* to *recipients* over a connection of its own.

    Whom the envelope names decides who gets it; Bcc headers are not sent.

    Args:
        settings: The server, and the sender that the envelope names.
        message: Complete with its headers; it is not changed.
        recipients: Addresses without display names.

    Returns:
        The server's reply, and the count of those refused while others were accepted.

    Raises:
        ConfigError: A secret or certificate is missing. Nobody was contacted.
        MailError: Not sent, or not known to be sent; the text says which.
    """
    to = _mailboxes(settings, recipients)
    server = await ready_server(settings)
    envelope = _envelope(settings, message, to)
    progress = Progress()
    try:
        async with asyncio.timeout(settings.timeout_ms / 1000):
            session = await Session.opened(server, progress)
            try:
                await session.begin(envelope, progress)
                reply, refused = await session.finish(envelope, progress)
            except BaseException:
                session.abort()
                raise
    except FAULTS as error:
        rules = MailRules(target=settings.target, secrets=server.secrets)
        raise MailError(_sentence(error, progress.stage, rules)) from error
    await session.close()
    return _told(reply, len(refused))


def _mailboxes(settings: MailSettings, recipients: Sequence[str]) -> list[Mailbox]:
    if not recipients:
        msg = f"no mail was sent through {settings.target}: it names no recipient"
        raise MailError(msg)
    try:
        return [mailbox(one) for one in recipients]
    except ValueError as error:
        msg = (
            f"no mail was sent through {settings.target}: a recipient {error}; mend "
            "the address"
        )
        raise MailError(msg) from error


def _envelope(
    settings: MailSettings, message: EmailMessage, to: Sequence[Mailbox]
) -> Envelope:
    needs_utf8 = any(one.needs_utf8 for one in (settings.sender, *to))
    policy = SMTP.clone(cte_type="7bit", utf8=needs_utf8)
    # Writing may set boundaries, and Bcc is for the envelope alone.
    bare = copy(message)
    del bare["Bcc"]
    return Envelope(
        sender=settings.sender.address,
        recipients=[one.address for one in to],
        message=bare.as_bytes(policy=policy),
        needs_utf8=needs_utf8,
        blames_all=True,
    )


def _sentence(error: BaseException, stage: Stage, rules: MailRules) -> str:
    outcome = outcome_of_fault(error, stage, rules)
    if stage is Stage.DOT and not outcome.code.startswith("smtp_"):
        return (
            f"nobody knows whether the mail through {rules.target} was sent: "
            f"{outcome.detail}; ask a recipient before it is sent again"
        )
    advice = outcome.run_fault or "check the server and its settings, then try again"
    said = outcome.detail or outcome.code
    return f"the mail was not sent through {rules.target}: {said}; {advice}"


def _told(reply: SMTPResponse, refused: int) -> str:
    said = f"{reply.code} {clean(reply.message)}"
    return f"{said}; refused for {refused} recipients" if refused else said
