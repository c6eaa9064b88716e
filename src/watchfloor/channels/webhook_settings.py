"""What a webhook's settings may say."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PlainValidator, model_validator
from yarl import URL

from watchfloor.channels.replies import snake_case
from watchfloor.channels.secrets import (
    check_reference,
    has_control_characters,
    is_reference,
)
from watchfloor.channels.settings import (
    DeliveryWord,
    MistakesError,
    OutcomeWord,
    PositiveDurationMs,
    Settings,
)
from watchfloor.channels.templates import BodyTemplate, compiled_body
from watchfloor.domain.reach import Reach

DEFAULT_BODY = compiled_body({"to": "${contact}", "reference": "${record.key}"})

#: What the channel or HTTP itself decides about.
RESERVED_HEADERS = frozenset(
    {"connection", "content-length", "host", "idempotency-key", "transfer-encoding"}
)

#: What stands for the idempotency key in ``lookup_url``.
LOOK_UP_KEY = "${record.key}"

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, token
#: Headers of which the value is what nobody may read in a campaign's text.
_SECRET_NAME = re.compile(r"authorization|cookie|token|secret|password|api-?key")
_STATUS = re.compile(r"[2-5][0-9]{2}")


def checked_address(text: str) -> str:
    """Return *text* if it is a whole http or https URL without credentials.

    Raises:
        ValueError: It is none; the text is not repeated.
    """
    if "${" in text:
        raise ValueError("takes no placeholders; put them into body")
    if has_control_characters(text) or " " in text:
        raise ValueError("must not contain blanks or control characters")
    try:
        url = URL(text)
        port = url.port
    except ValueError:
        raise ValueError("is no URL; write one like https://host/path") from None
    if url.scheme not in {"http", "https"} or not url.host or not port:
        raise ValueError("must be an http or https URL like https://host/path")
    if "@" in url.raw_authority:
        raise ValueError(
            "must not hold credentials; put them into headers, as env:NAME or file:PATH"
        )
    return text


def _look_up_address(text: str) -> str:
    """Return the address that is asked about a key, with the one place for it."""
    if text.count(LOOK_UP_KEY) != 1:
        msg = f"must name the key once, as in https://host/messages/{LOOK_UP_KEY}"
        raise ValueError(msg)
    # The key is of letters and digits: whatever stands for it in a URL is fit for one.
    before, _, after = text.partition(LOOK_UP_KEY)
    if "?" not in before and "/" not in before.partition("://")[2]:
        raise ValueError("must name the key in the path or the query, not in the host")
    checked_address(f"{before}key{after}")
    return text


def checked_headers(headers: dict[str, str]) -> dict[str, str]:
    """Return *headers* if each may be sent, with secrets by reference only.

    Raises:
        MistakesError: With every one that may not.
    """
    mistakes: list[tuple[str, str]] = []
    seen: set[str] = set()
    for name, value in headers.items():
        folded = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            mistakes.append((f".{name!r:.40}", "is no header's name"))
            continue
        if folded in RESERVED_HEADERS:
            mistakes.append((f".{name}", "is set by the channel itself; leave it out"))
        if folded in seen:
            mistakes.append((f".{name}", "is there twice; keep one of them"))
        seen.add(folded)
        if _SECRET_NAME.search(folded) and not is_reference(value):
            told = "may hold a secret; write a reference: env:NAME or file:/path"
            mistakes.append((f".{name}", told))
            continue
        try:
            check_reference(value)
        except ValueError as error:
            mistakes.append((f".{name}", str(error)))
    if mistakes:
        raise MistakesError(mistakes)
    return headers


def _codes(codes: dict[str, OutcomeWord]) -> dict[str, OutcomeWord]:
    folded = {snake_case(code): word for code, word in codes.items()}
    if len(folded) < len(codes):
        raise ValueError(
            "has the same code twice: letters fold to lower case, signs to _"
        )
    return folded


def _statuses(statuses: dict[str, OutcomeWord]) -> dict[str, OutcomeWord]:
    mistakes = [
        (f".{status}", "is no HTTP status; write one from 200 to 599, in quotes")
        for status in statuses
        if not _STATUS.fullmatch(status)
    ]
    if mistakes:
        raise MistakesError(mistakes)
    return statuses


class WebhookSettings(Settings):
    """Where a webhook goes, what it says and how its replies are read."""

    url: Annotated[str, AfterValidator(checked_address)]
    method: Literal["POST", "PUT"] = "POST"
    headers: Annotated[dict[str, str], AfterValidator(checked_headers)] = Field(
        default_factory=dict
    )
    body: Annotated[BodyTemplate, PlainValidator(compiled_body)] = DEFAULT_BODY
    timeout_ms: PositiveDurationMs = Field(default=10_000, alias="timeout")
    connect_timeout_ms: PositiveDurationMs = Field(
        default=5_000, alias="connect_timeout"
    )
    delivery: DeliveryWord = "idempotent"
    lookup_url: Annotated[str, AfterValidator(_look_up_address)] = ""
    codes: Annotated[dict[str, OutcomeWord], AfterValidator(_codes)] = Field(
        default_factory=dict
    )
    statuses: Annotated[dict[str, OutcomeWord], AfterValidator(_statuses)] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _ask_where_it_was_sent(self) -> Self:
        # The headers go there too, and with them the credentials.
        if self.lookup_url and _place(self.lookup_url) != _place(self.url):
            told = "must be at the host of url: it gets the same headers, secrets too"
            raise MistakesError([("lookup_url", told)])
        return self


def host_of(address: str) -> tuple[str, int]:
    """Return the host, as the client connects to it, and the port of a checked URL."""
    url = URL(address)
    return url.raw_host or "", url.port or 0


def refusal_of_url(address: str, reach: Reach) -> str:
    """Return why a checked URL may not be contacted, as far as its text tells."""
    return reach.refusal_of_host(*host_of(address))


def _place(address: str) -> tuple[str, str]:
    return URL(address).scheme, host_of(address)[0]
