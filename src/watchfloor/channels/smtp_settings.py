"""What an SMTP step's settings may say."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
)

from watchfloor.channels.mail_settings import MailSettings, checked_mailbox
from watchfloor.channels.mailbox import Mailbox
from watchfloor.channels.secrets import has_control_characters
from watchfloor.channels.settings import MistakesError
from watchfloor.channels.templates import Text, compiled_text

_CODE = re.compile(r"[45]\d\d|[45]\.\d{1,3}\.\d{1,3}")

#: A refused mail was not delivered, and nobody asked for later.
RefusalWord = Literal["transient", "permanent", "ambiguous"]


def _template(value: object) -> Text:
    if not isinstance(value, str):
        raise ValueError("must be a text, like 'Dear ${first_name}'")  # noqa: TRY004 - pydantic books a ValueError as a mistake
    return compiled_text(value)


def _line(value: object) -> Text:
    if isinstance(value, str) and has_control_characters(value):
        raise ValueError("must be one line without control characters")
    return _template(value)


def _address_template(value: object) -> Text:
    text = _line(value)
    start = text.literals[0].lower()
    if not start.startswith(("https://", "mailto:")):
        raise ValueError("must begin with https:// or mailto:")
    if re.search(r"[\s<>,]", "".join(text.literals)):
        raise ValueError("must be one address without blanks, commas or brackets")
    if not "".join(text.literals).isascii():
        raise ValueError("must be ASCII; write other letters as %XX")
    return text


def _domain(value: str) -> str:
    try:
        return validate_email(
            f"a@{value}", check_deliverability=False, test_environment=True
        ).ascii_domain
    except EmailNotValidError:
        raise ValueError("is no domain; write one like mail.example.org") from None


def _codes(codes: dict[str, RefusalWord]) -> dict[str, RefusalWord]:
    mistakes = [
        (f".{code!r:.40}", "is no refusal's code; write one like '4.2.2' or '550'")
        for code in codes
        if not _CODE.fullmatch(code)
    ]
    if mistakes:
        raise MistakesError(mistakes)
    return codes


class SmtpSettings(MailSettings):
    """What a mail says, through which server it goes and how refusals are read."""

    reply_to: Annotated[Mailbox, PlainValidator(checked_mailbox)] | None = None
    subject: Annotated[Text, PlainValidator(_line)]
    html: Annotated[Text, PlainValidator(_template)] | None = None
    text: Annotated[Text, PlainValidator(_template)] | None = Field(
        default=None, validate_default=True
    )
    list_unsubscribe: Annotated[Text, PlainValidator(_address_template)] | None = None
    given_domain: Annotated[str, AfterValidator(_domain)] | None = Field(
        default=None, alias="message_id_domain"
    )
    connections: Annotated[int, Field(ge=1, le=100)] = 4
    codes: Annotated[dict[str, RefusalWord], AfterValidator(_codes)] = Field(
        default_factory=dict
    )

    @property
    def message_id_domain(self) -> str:
        """What stands behind the key in a Message-ID."""
        return self.given_domain or self.sender.domain

    @property
    def placeholders(self) -> frozenset[str]:
        """The columns that the templates name."""
        templates = (self.subject, self.text, self.html, self.list_unsubscribe)
        return frozenset().union(*(one.placeholders for one in templates if one))

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: Text | None, info: ValidationInfo) -> Text | None:
        if text is None and info.data.get("html", text) is None and "html" in info.data:
            raise ValueError("is missing; write text, html or both")
        return text
