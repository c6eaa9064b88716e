"""One record's mail, rendered: plain values first, then the bytes of a message.

A value of the record can reach a header only as the recipient, in the subject and in
the unsubscribe address. Each is checked or encoded for its own place here, and the
headers are written as they stand: the library would read an encoded word in a value.
"""

from __future__ import annotations

import html
import unicodedata
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from functools import lru_cache
from hashlib import sha256
from typing import Self
from urllib.parse import quote

from watchfloor.channels.base import RenderError
from watchfloor.channels.mailbox import Mailbox, mailbox
from watchfloor.channels.smtp_settings import SmtpSettings
from watchfloor.channels.templates import Text
from watchfloor.domain.outcomes import Dispatch

#: RFC 5322 allows lines of 998; a subject beyond a short one is folded.
_SHORT_LINE = 66
_LONGEST_ADDRESS = 900
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})


class _Verbatim(str):
    """A header written as it stands: its maker has encoded and folded it.

    The library's policies take whatever has a name and can fold itself.
    """

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str, value: str) -> Self:
        made = super().__new__(cls, value)
        made.name = name
        return made

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


# Seven bits whatever the server offers: one key has one body.
_POLICY = SMTP.clone(cte_type="7bit")
_POLICY_UTF8 = _POLICY.clone(utf8=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail in plain values.

    Attributes:
        message_id: With its brackets; made of the key.
        text: Or none; then there is ``html``.
        unsubscribe: An address without brackets, or empty.
        boundary: Between the parts; made of the key.
    """

    sender: Mailbox
    reply_to: Mailbox | None
    to: Mailbox
    subject: str
    text: str | None
    html: str | None
    unsubscribe: str
    message_id: str
    boundary: str

    @property
    def is_utf8_for_all(self) -> bool:
        """Whether the settings' own addresses need a server that offers SMTPUTF8."""
        own = (self.sender, self.reply_to)
        return any(one is not None and one.needs_utf8 for one in own)

    @property
    def needs_utf8(self) -> bool:
        """Whether any address needs it."""
        return self.is_utf8_for_all or self.to.needs_utf8

    def shown(self) -> dict[str, object]:
        """Return what a person needs to see of it, fit for JSON."""
        values = {
            "from": str(self.sender),
            "to": self.to.address,
            "reply_to": str(self.reply_to) if self.reply_to else None,
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "list_unsubscribe": self.unsubscribe or None,
            "message_id": self.message_id,
        }
        return {name: value for name, value in values.items() if value is not None}

    def written(self, date: str) -> bytes:
        """Return the message, its lines ended by CRLF.

        Args:
            date: As RFC 5322 writes it. Everything else is the same each time.
        """
        policy = _POLICY_UTF8 if self.needs_utf8 else _POLICY
        message = EmailMessage(policy=policy)
        verbatim = {"From": _folded("From", self.sender, policy)}
        if self.reply_to is not None:
            verbatim["Reply-To"] = _folded("Reply-To", self.reply_to, policy)
        verbatim |= {
            "To": self.to.address,
            "Subject": _encoded(self.subject),
            "Date": date,
            "Message-ID": self.message_id,
            "Auto-Submitted": "auto-generated",
        }
        if self.unsubscribe:
            verbatim["List-Unsubscribe"] = f"<{self.unsubscribe}>"
        if self.unsubscribe.startswith("https:"):
            verbatim["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        for name, value in verbatim.items():
            message[name] = _Verbatim(name, value)
        self._write_body(message)
        return message.as_bytes()

    def _write_body(self, message: EmailMessage) -> None:
        # Quoted-printable writes = as =3D, so no value can spell the boundary.
        if self.text is not None:
            message.set_content(self.text, cte="quoted-printable")
        if self.text is not None and self.html is not None:
            message.make_alternative(boundary=self.boundary)
            message.add_alternative(self.html, subtype="html", cte="quoted-printable")
        elif self.html is not None:
            message.set_content(self.html, subtype="html", cte="quoted-printable")


def composed(settings: SmtpSettings, dispatch: Dispatch) -> Letter:
    """Return the mail for one record.

    Raises:
        RenderError: The contact is not one mailbox, a column is missing, or a value
            would break out of its header.
    """
    try:
        to = mailbox(dispatch.contact)
    except ValueError as error:
        text = f"the contact {error}"
        raise RenderError(text, "unfit_contact") from error
    try:
        return _filled(settings, dispatch, to)
    except KeyError as error:
        raise RenderError.missing(error) from error


def _filled(settings: SmtpSettings, dispatch: Dispatch, to: Mailbox) -> Letter:
    return Letter(
        sender=settings.sender,
        reply_to=settings.reply_to,
        to=to,
        subject=_one_line(settings.subject.filled(dispatch)),
        text=_body(settings.text, dispatch),
        html=_body(settings.html, dispatch, is_html=True),
        unsubscribe=_unsubscribe(settings.list_unsubscribe, dispatch),
        message_id=f"<{dispatch.key}@{settings.message_id_domain}>",
        boundary=f"=_{sha256(dispatch.key.encode()).hexdigest()[:32]}",
    )


def _one_line(subject: str) -> str:
    if any(unicodedata.category(sign) in _BREAKING for sign in subject):
        raise RenderError(
            "the subject would contain a line break or a control character"
        )
    return subject


def _body(
    template: Text | None, dispatch: Dispatch, *, is_html: bool = False
) -> str | None:
    if template is None:
        return None
    body = template.filled(dispatch, html.escape if is_html else str)
    try:
        body.encode()
    except UnicodeEncodeError as error:
        raise RenderError("the body would contain half a character") from error
    return body


def _unsubscribe(template: Text | None, dispatch: Dispatch) -> str:
    if template is None:
        return ""
    address = template.filled(dispatch, _percent_encoded)
    if len(address) > _LONGEST_ADDRESS:
        raise RenderError("the unsubscribe address would be too long for a header")
    return address


def _percent_encoded(value: str) -> str:
    return quote(value, safe="", errors="replace")


@lru_cache(maxsize=64)
def _folded(name: str, one: Mailbox, policy: EmailPolicy) -> str:
    """Return a header's value for one of the settings' few mailboxes.

    The library takes longer over it than over all the rest of a mail.
    """
    address = Address(display_name=one.name, username=one.local, domain=one.domain)
    whole: str = policy.header_factory(name, address).fold(policy=policy)
    return whole.removeprefix(f"{name}: ").removesuffix(policy.linesep)


def _encoded(subject: str) -> str:
    # What looks like an encoded word is encoded once more, to be read as it stands.
    is_plain = subject.isascii() and len(subject) <= _SHORT_LINE
    if is_plain and "=?" not in subject:
        return subject
    return Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")
