"""Which mail server takes the mail, and what it must prove and be told."""

from __future__ import annotations

import ipaddress
import re
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
)

from watchfloor.channels.mailbox import Mailbox, named_mailbox
from watchfloor.channels.secrets import (
    check_reference,
    has_control_characters,
    is_reference,
)
from watchfloor.channels.settings import PositiveDurationMs, Settings

SUBMISSION_PORT = 587
SUBMISSION_TLS_PORT = 465

_HOST = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?")


def checked_mailbox(value: object) -> Mailbox:
    """Return the mailbox that a setting holds.

    Raises:
        ValueError: It is no text, or not exactly one mailbox.
    """
    if not isinstance(value, str):
        raise ValueError("must be a text, like 'Name <address>'")  # noqa: TRY004 - pydantic books a ValueError as a mistake
    return named_mailbox(value)


def _host(text: str) -> str:
    if _is_ip(text) or _HOST.fullmatch(text):
        return text
    raise ValueError("is no host; write a name like mail.example.org or an IP address")


def _reference(text: str) -> str:
    check_reference(text)
    if not is_reference(text):
        raise ValueError(
            "must not stand here in the clear; write env:NAME or file:/absolute/path"
        )
    return text


def _plain_or_reference(text: str) -> str:
    check_reference(text)
    return text


def _absolute(text: str) -> str:
    if has_control_characters(text) or not PurePath(text).is_absolute():
        raise ValueError("must be an absolute path to a PEM file")
    return text


class MailSettings(Settings):
    """How mail leaves: through one server, over TLS, from one mailbox."""

    host: Annotated[str, AfterValidator(_host)]
    given_port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        default=None, alias="port"
    )
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Annotated[str, AfterValidator(_plain_or_reference)] | None = None
    password: Annotated[str, AfterValidator(_reference)] | None = Field(
        default=None, validate_default=True
    )
    sender: Annotated[Mailbox, PlainValidator(checked_mailbox)] = Field(alias="from")
    timeout_ms: PositiveDurationMs = Field(default=60_000, alias="timeout")
    ca_file: Annotated[str, AfterValidator(_absolute)] | None = None

    @property
    def port(self) -> int:
        """The port as given, else submission's own: 587, and 465 for TLS."""
        usual = SUBMISSION_TLS_PORT if self.security == "tls" else SUBMISSION_PORT
        return self.given_port or usual

    @property
    def target(self) -> str:
        """The server as ``host:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @field_validator("security")
    @classmethod
    def _stays_at_home(cls, security: str, info: ValidationInfo) -> str:
        host = info.data.get("host")
        if security == "none" and host is not None and not _is_loopback(host):
            raise ValueError(
                "'none' is for a server on this machine only, like 127.0.0.1; use "
                "'starttls' (port 587) or 'tls' (port 465)"
            )
        return security

    @field_validator("password")
    @classmethod
    def _belongs_to_a_name(
        cls, password: str | None, info: ValidationInfo
    ) -> str | None:
        if "username" not in info.data:
            return password
        has_name = info.data["username"] is not None
        if has_name and password is None:
            raise ValueError(
                "is missing; username needs one, as env:NAME or file:/absolute/path"
            )
        if password is not None and not has_name:
            raise ValueError("needs a username beside it")
        return password


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if _is_ip(host):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == "localhost"
