"""The thirteen ways in which a provider fails, as a table: what it does, what it means.

Those that need a connection of their own kind (a redirect's target, a certificate, a
name, a port, a connection that is kept) are tests of their own beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.support import fault_acts as acts
from tests.support.faulty import Act

from watchfloor.domain.records import RecordState

#: What the channel's clock shows.
NOW_S: Final = 1_700_000_000.0

THIRTEEN: Final = (
    "too many requests",
    "server error",
    "reset",
    "time-out",
    "slow loris",
    "garbage",
    "bomb",
    "redirect",
    "TLS",
    "DNS",
    "refused connection",
    "half a reply",
    "dead kept connection",
)

TRANSIENT = "transient"  #: a definite no, or nothing left: safe in every mode
AMBIGUOUS = (
    "ambiguous"  #: it may have been delivered: unknown, unless keys are honoured
)
PERMANENT, DELIVERED = "permanent", "delivered"

#: What each class makes of a record: where keys are honoured, and where not.
BECOMES: Final = {
    TRANSIENT: (RecordState.RETRY, RecordState.RETRY),
    AMBIGUOUS: (RecordState.RETRY, RecordState.UNKNOWN),
    PERMANENT: (RecordState.FAILED, RecordState.FAILED),
    DELIVERED: (RecordState.DELIVERED, RecordState.DELIVERED),
}

NONE: Final[Mapping[str, object]] = {}
SHORT: Final = {"timeout": "250ms"}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault as a provider has it.

    Attributes:
        kind: Of ``THIRTEEN``.
        case: Which of its kind.
        act: What the provider does.
        word: The outcome's class.
        code: The outcome's code.
        retry_after_ms: When it may be tried again, at the soonest.
        settings: Of the channel.
    """

    kind: str
    case: str
    act: Act
    word: str
    code: str
    retry_after_ms: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)


def fault(  # noqa: PLR0913 - a row of the table
    kind: str,
    case: str,
    act: Act,
    word: str,
    code: str,
    *,
    retry_after_ms: int = 0,
    settings: Mapping[str, object] = NONE,
) -> Fault:
    """Return one row."""
    return Fault(
        kind=kind,
        case=case,
        act=act,
        word=word,
        code=code,
        retry_after_ms=retry_after_ms,
        settings=settings,
    )


def too_many(case: str, act: Act, retry_after_ms: int = 0) -> Fault:
    """Return one row of a provider that has too much to do."""
    return fault(
        "too many requests",
        case,
        act,
        TRANSIENT,
        "http_429",
        retry_after_ms=retry_after_ms,
    )


def loris(case: str, act: Act, word: str, code: str) -> Fault:
    """Return one row of a provider that never comes to an end."""
    return fault("slow loris", case, act, word, code, settings=SHORT)


def bomb(case: str, act: Act, word: str, code: str) -> Fault:
    """Return one row of a provider that says far too much."""
    return fault("bomb", case, act, word, code)


_OK = b"HTTP/1.1 200 OK\r\n"
_HALF_A_BODY = b'Content-Length: 99\r\n\r\n{"outcome": '
_LONG_BODY = _OK + b"Content-Length: 9000\r\n\r\n"
_SAYS_PERMANENT = json.dumps({"outcome": "permanent"}).encode()

#: What is done to a request that came whole.
AFTER_THE_REQUEST: Final = (
    too_many("without a wish", acts.answering(429)),
    too_many("in seconds", acts.answering(429, Retry_After="7"), 7_000),
    too_many("at a date", acts.asking_to_wait_until(NOW_S + 90), 90_000),
    too_many("at a date that is over", acts.asking_to_wait_until(NOW_S - 90)),
    too_many("for ever", acts.answering(429, Retry_After="9" * 19), 86_400_000),
    *(
        fault("server error", f"{status}", acts.answering(status), word, code)
        for status, word, code in (
            (503, TRANSIENT, "http_503"),
            (500, AMBIGUOUS, "http_500"),
            (502, AMBIGUOUS, "http_502"),
            (504, AMBIGUOUS, "http_504"),
            (507, AMBIGUOUS, "http_507"),
            (599, AMBIGUOUS, "http_599"),
        )
    ),
    fault(
        "server error",
        "503 until later",
        acts.answering(503, Retry_After="3"),
        TRANSIENT,
        "http_503",
        retry_after_ms=3_000,
    ),
    fault("reset", "after the request", acts.resetting, AMBIGUOUS, "connection_reset"),
    fault(
        "time-out", "reading", acts.silent, AMBIGUOUS, "read_timeout", settings=SHORT
    ),
    loris(
        "in the status line",
        acts.dripping(b"", acts.bytewise(b"HTTP/1.1 200 " + b"O" * 4_000)),
        AMBIGUOUS,
        "read_timeout",
    ),
    loris(
        "in the headers",
        acts.dripping(_OK, acts.bytewise(b"X-A: b\r\n")),
        AMBIGUOUS,
        "read_timeout",
    ),
    loris("in promises", acts.endless_promises, AMBIGUOUS, "read_timeout"),
    loris("in the body", acts.dripping(_LONG_BODY, [b"x"]), DELIVERED, "http_200"),
    *(
        fault("garbage", case, acts.saying(said), AMBIGUOUS, "garbage_reply")
        for case, said in (
            ("bytes", b"\x00\xff lol\r\n\r\n"),
            ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
            ("a length that is none", _OK + b"Content-Length: many\r\n\r\n"),
        )
    ),
    fault(
        "garbage",
        "in the body",
        acts.answering(200, b"<html>\xff\x00" + _SAYS_PERMANENT),
        DELIVERED,
        "http_200",
    ),
    bomb("50 MB", acts.endless_body, DELIVERED, "http_200"),
    bomb("50 MB in chunks", acts.endless_chunks, DELIVERED, "http_200"),
    bomb("50 MB packed", acts.gzip_bomb, DELIVERED, "http_200"),
    bomb("in headers", acts.endless_headers, AMBIGUOUS, "garbage_reply"),
    bomb("in one header", acts.one_endless_header, AMBIGUOUS, "garbage_reply"),
    fault("half a reply", "nothing", acts.saying(), AMBIGUOUS, "connection_reset"),
    fault(
        "half a reply",
        "half the headers",
        acts.saying(_OK + b"Content-"),
        AMBIGUOUS,
        "connection_reset",
    ),
    fault(
        "half a reply",
        "half the body",
        acts.saying(_OK + _HALF_A_BODY),
        DELIVERED,
        "http_200",
    ),
    fault(
        "half a reply",
        "half the body of a no",
        acts.saying(b"HTTP/1.1 503 Not Now\r\n" + _HALF_A_BODY),
        TRANSIENT,
        "http_503",
    ),
)

#: What is done to a connection before a byte of a request can have come.
BEFORE_THE_REQUEST: Final = (
    fault(
        "reset",
        "before the request",
        acts.resetting_in_greeting,
        TRANSIENT,
        "connect_failed",
    ),
    fault(
        "time-out",
        "greeting",
        acts.never_greeting,
        TRANSIENT,
        "connect_timeout",
        settings={"connect_timeout": "100ms"},
    ),
)
