"""Values as operators write them into campaign and workspace files."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from watchfloor.domain.campaign import RECIPIENT
from watchfloor.domain.filters import FilterError
from watchfloor.domain.measures import duration_ms, duration_text, rate_per_s
from watchfloor.domain.text import clean
from watchfloor.domain.workspace import MOST_PERMITS
from watchfloor.intake.filter_language import parse_filter
from watchfloor.intake.mistakes import sentence
from watchfloor.intake.normalise import UnfitContactError, email
from watchfloor.intake.zones import is_zone

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_HOUR_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_MIDNIGHT = "24:00"
_DAY_MINUTES = 1440
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+")
_MAX_REFERENCE_CHARS = 1_000


def duration_between(least_ms: int, most_ms: int) -> BeforeValidator:
    """Return a check that turns ``500ms 10s 5m 2h 30d`` into milliseconds."""

    def read(text: object) -> int:
        try:
            milliseconds = duration_ms(text, least_ms=0)
        except ValueError as error:
            # Longer than any duration may be: these bounds say more than those.
            if "between" not in str(error):
                raise
            milliseconds = most_ms + 1
        if least_ms <= milliseconds <= most_ms:
            return milliseconds
        least, most = duration_text(least_ms), duration_text(most_ms)
        msg = f"is not between {least} and {most}"
        raise ValueError(msg)

    return BeforeValidator(read)


def zone(name: str) -> str:
    """Return *name* if it is an IANA zone.

    Raises:
        ValueError: It is none.
    """
    if not is_zone(name):
        raise ValueError("is not a time zone")
    return name


def _window_zone(name: str) -> str:
    return name if name == RECIPIENT else zone(name)


def reference(value: object) -> object:
    """Return *value* if it says where a secret is, instead of being the secret.

    Raises:
        PydanticCustomError: It is none; the value, perhaps a secret, is not repeated.
    """
    is_reference = (
        isinstance(value, str)
        and value.isprintable()
        and len(value) <= _MAX_REFERENCE_CHARS
        and _REFERENCE.fullmatch(value)
    )
    if is_reference:
        return value
    raise sentence(
        "must say where the secret is; write env:NAME or file:/absolute/path, and "
        "keep the secret itself out of this file"
    )


def _filter(text: str) -> str:
    try:
        parse_filter(text)
    except FilterError as error:
        raise sentence(clean(error)) from error
    return text


def open_minute(text: object) -> int:
    """Return the minute after midnight of ``09:00``.

    Raises:
        ValueError: It is no time of day.
    """
    found = _HOUR_OF_DAY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("is not a time of day")
    return int(found[1]) * 60 + int(found[2])


def close_minute(text: object) -> int:
    """Return the minute after midnight of ``20:00``; a day ends at ``24:00``.

    Raises:
        ValueError: It is no time of day.
    """
    return _DAY_MINUTES if text == _MIDNIGHT else open_minute(text)


def _mailbox(address: str) -> str:
    # Space and line breaks around an address are forgiven in uploads, not here: what
    # stands in a campaign becomes a header of a notice.
    if address != address.strip():
        raise ValueError("is not an e-mail address")
    try:
        return email(address)
    except UnfitContactError as error:
        raise ValueError("is not an e-mail address") from error


Identity = Annotated[str, Field(pattern=r"\A[a-z0-9-]{1,64}\z")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Rate = Annotated[float, BeforeValidator(rate_per_s)]
Permits = Annotated[int, Field(ge=1, le=MOST_PERMITS)]
ZoneName = Annotated[str, AfterValidator(zone)]
WindowZone = Annotated[str, AfterValidator(_window_zone)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Reference = Annotated[str, BeforeValidator(reference)]
#: A filter without mistakes of form; whether its fields are there is asked elsewhere.
FilterText = Annotated[str, AfterValidator(_filter)]
OpenMinute = Annotated[int, BeforeValidator(open_minute)]
CloseMinute = Annotated[int, BeforeValidator(close_minute)]
