"""One mailbox, checked: what a header and an envelope may name."""

from __future__ import annotations

import re
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from watchfloor.channels.secrets import has_control_characters

_NAMED = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>\s]+)>")
_QUOTED = re.compile(r'"([^"\\]*)"')
#: RFC 5321 allows 254 and a display name is a line; more is not read at all.
_MOST_CHARS = 500


class Mailbox(NamedTuple):
    """An address with what stands before it.

    Attributes:
        local: In NFC, never quoted.
        domain: Folded to ASCII (IDNA).
        name: The display name, or empty.
    """

    local: str
    domain: str
    name: str = ""

    @property
    def address(self) -> str:
        """As the envelope names it."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_utf8(self) -> bool:
        """Whether only a server that offers SMTPUTF8 can take it."""
        return not self.local.isascii()

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


def mailbox(text: str) -> Mailbox:
    """Return the one mailbox that *text* is.

    Raises:
        ValueError: It is none, or more than one. The text is not repeated.
    """
    if len(text) > _MOST_CHARS:
        raise ValueError("is too long for a mailbox")
    if has_control_characters(text):
        raise ValueError("must not contain line breaks or control characters")
    try:
        found = validate_email(
            text, check_deliverability=False, test_environment=True, strict=True
        )
    except EmailNotValidError as error:
        # What stands in brackets quotes the address.
        why = str(error).partition(" (")[0].rstrip(".")
    else:
        return Mailbox(found.local_part, found.ascii_domain)
    # Outside the handler, so that the library's error is not carried along.
    msg = f"is not one mailbox: {why[:1].lower()}{why[1:]}"
    raise ValueError(msg)


def named_mailbox(text: str) -> Mailbox:
    """Return the one mailbox that *text* is, which may be ``Name <address>``.

    Raises:
        ValueError: It is none, or more than one.
    """
    named = _NAMED.fullmatch(text.strip(" "))
    if named is None:
        return mailbox(text)
    name = named["name"].strip()
    quoted = _QUOTED.fullmatch(name)
    name = quoted[1] if quoted else name
    if '"' in name or has_control_characters(name):
        raise ValueError("has a display name with quotes or control characters")
    return mailbox(named["address"])._replace(name=name)
