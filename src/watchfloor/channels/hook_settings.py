"""What the settings of an alert's hook may say."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator, Field

from watchfloor.channels.mailbox import mailbox
from watchfloor.channels.secrets import check_reference, is_reference
from watchfloor.channels.settings import PositiveDurationMs, Settings
from watchfloor.channels.webhook_settings import checked_address, checked_headers
from watchfloor.domain.errors import WatchfloorError

DEFAULT_TIMEOUT_MS = 10_000


class HookError(WatchfloorError):
    """A hook could not be told, or did not take it; the text says which."""


def _argv(argv: list[str]) -> list[str]:
    if not PurePath(argv[0]).is_absolute():
        raise ValueError("must begin with an absolute path; no shell looks for it")
    if any("\0" in one for one in argv):
        raise ValueError("must not contain NUL characters")
    return argv


def _url(text: str) -> str:
    """Check a URL; one that is a secret is checked once it is read."""
    if is_reference(text):
        check_reference(text)
        return text
    return checked_address(text)


def _recipients(addresses: list[str]) -> list[str]:
    for one in addresses:
        mailbox(one)
    return addresses


class CommandHookSettings(Settings):
    """A program of this machine that reads the alert from its standard input."""

    argv: Annotated[list[str], AfterValidator(_argv)] = Field(
        min_length=1, max_length=64
    )
    timeout_ms: PositiveDurationMs = Field(default=DEFAULT_TIMEOUT_MS, alias="timeout")


class WebhookHookSettings(Settings):
    """Where an alert is posted, as JSON."""

    url: Annotated[str, AfterValidator(_url)]
    headers: Annotated[dict[str, str], AfterValidator(checked_headers)] = Field(
        default_factory=dict
    )
    timeout_ms: PositiveDurationMs = Field(default=DEFAULT_TIMEOUT_MS, alias="timeout")


class MailHookSettings(Settings):
    """Who gets an alert by mail, through the workspace's server."""

    to: Annotated[list[str], AfterValidator(_recipients)] = Field(
        min_length=1, max_length=20
    )
