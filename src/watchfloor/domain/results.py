"""What a provider reports after the attempt: kinds, their rank, an event's form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from hashlib import blake2b

MAX_ID_CHARS = 200
MAX_DETAIL_CHARS = 500

_DAY_MS = 86_400_000
#: No provider reported anything before this (2000-01-01).
_EARLIEST_MS = 946_684_800_000
#: Kinds and times are short; what is longer is not worth reading.
_LONGEST_WORD = 64
_NO_OBJECT = "is no object; an event is one with event_id, kind, at and a key"


class ResultKind(StrEnum):
    """What may be reported, weakest first: a later kind speaks before an earlier one.

    The last word about a contact's will stands above every sign of interest, and what
    a person did above what a machine did. Delivered says least: everything else but a
    failure implies it.
    """

    DELIVERED = "delivered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    ANSWERED = "answered"
    OPENED = "opened"
    CLICKED = "clicked"
    ATTRITION = "attrition"  #: lost to the list, for a reason that is not told
    SUPPRESSED = "suppressed"  #: the provider has a list of its own and did not send
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    OPTED_OUT = "opted_out"

    @property
    def rank(self) -> int:
        """Its place in that order; no two kinds share one."""
        return _RANKS[self]


#: What shows that somebody was reached, whatever the attempt seemed to come to.
REACHED = frozenset(
    {
        ResultKind.DELIVERED,
        ResultKind.VOICEMAIL,
        ResultKind.ANSWERED,
        ResultKind.OPENED,
        ResultKind.CLICKED,
        ResultKind.COMPLAINED,
        ResultKind.OPTED_OUT,
    }
)
_RANKS = {kind: rank for rank, kind in enumerate(ResultKind)}
_WORDS = tuple(kind.value for kind in ResultKind)

#: How a provider says that an address does not exist: in words, or by RFC 3463.
_HARD_BOUNCE = re.compile(
    r"\s*(?:hard|permanent)\b|(?:^|[^\d.])5\.1\.\d", re.IGNORECASE
)


def speaking(kinds: Iterable[ResultKind]) -> ResultKind | None:
    """Return the kind that speaks for a record, in whatever order they came."""
    return max(kinds, key=lambda kind: kind.rank, default=None)


def suppresses(kind: ResultKind, detail: str = "") -> bool:
    """Say whether the contact must not be contacted again, by any run.

    An opt-out and a complaint do. A bounce does only where its detail says that the
    address does not exist: it begins with ``hard`` or ``permanent``, or holds an
    enhanced status of 5.1.x. A full mailbox is no reason to drop somebody for ever.
    ``suppressed`` does not: why a provider keeps a contact on its own list is not
    known here.
    """
    if kind in (ResultKind.OPTED_OUT, ResultKind.COMPLAINED):
        return True
    return kind is ResultKind.BOUNCED and _HARD_BOUNCE.search(detail) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultEvent:
    """One thing that a provider reported.

    Attributes:
        event_id: The provider's own; the same id twice has one effect.
        at_ms: When it happened by the provider's clock, ms since 1970 UTC.
        key: The idempotency key of the attempt, or empty.
        provider_id: The provider's own id of the delivery, or empty; never both empty.
        detail: From outside; at most ``MAX_DETAIL_CHARS``.
    """

    event_id: str
    kind: ResultKind
    at_ms: int
    key: str = ""
    provider_id: str = ""
    detail: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the form that ``parse_event`` reads."""
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC)
        form = {
            "event_id": self.event_id,
            "kind": self.kind.value,
            "at": at.isoformat(timespec="milliseconds"),
            "key": self.key,
            "provider_id": self.provider_id,
            "detail": self.detail,
        }
        return {name: value for name, value in form.items() if value}


def parse_event(raw: object, now_ms: int) -> ResultEvent:
    """Return the event that a provider's object stands for.

    Keys that mean nothing here are ignored: providers add some every year. A detail
    that is too long is cut. A time later than a day from now, or before this century,
    is moved to that bound: an opt-out under a wrong clock is an opt-out.

    Args:
        raw: As parsed from JSON.
        now_ms: When it was received.

    Raises:
        ValueError: It cannot be used; the text says why.
    """
    if not isinstance(raw, Mapping):
        raise ValueError(_NO_OBJECT)  # noqa: TRY004 - one class for every mistake
    event_id = _identifier(raw, "event_id")
    if not event_id:
        raise ValueError("has no event_id; without it the same event counts twice")
    key = _identifier(raw, "key").lower()
    provider_id = _identifier(raw, "provider_id")
    if not key and not provider_id:
        raise ValueError("names neither key nor provider_id; its record is unknown")
    return ResultEvent(
        event_id=event_id,
        kind=_kind(raw),
        at_ms=_moment(raw, now_ms),
        key=key,
        provider_id=provider_id,
        detail=_text(raw, "detail")[:MAX_DETAIL_CHARS],
    )


def _text(raw: Mapping[object, object], name: str) -> str:
    found = raw.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        msg = f"{name} is no text"
        raise ValueError(msg)  # noqa: TRY004 - one class for every mistake
    if "\0" in found or not _is_encodable(found):
        msg = f"{name} holds characters that are none"
        raise ValueError(msg)
    return found


def _identifier(raw: Mapping[object, object], name: str) -> str:
    found = _text(raw, name).strip()
    if len(found) > MAX_ID_CHARS:
        msg = f"{name} is longer than {MAX_ID_CHARS} characters"
        raise ValueError(msg)
    return found


def _kind(raw: Mapping[object, object]) -> ResultKind:
    word = _text(raw, "kind")
    if word in _WORDS:
        return ResultKind(word)
    if not word:
        msg = f"has no kind; it is one of {', '.join(_WORDS)}"
        raise ValueError(msg)
    shown = word[:_LONGEST_WORD]
    near = get_close_matches(shown.lower(), _WORDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(_WORDS)}"
    msg = f"kind {shown!r} is not known; {hint}"
    raise ValueError(msg)


def _moment(raw: Mapping[object, object], now_ms: int) -> int:
    text = _text(raw, "at")
    if not text:
        raise ValueError("has no at; write the time like 2026-11-23T09:00:00+01:00")
    try:
        at = datetime.fromisoformat(text[:_LONGEST_WORD])
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        msg = (
            f"at {text[:_LONGEST_WORD]!r} is no time with an offset from UTC; write it "
            "like 2026-11-23T09:00:00+01:00"
        )
        raise ValueError(msg)
    # Counted from the epoch by hand: timestamp() overflows at the ends of the calendar.
    since = at.replace(tzinfo=None) - datetime(1970, 1, 1)  # noqa: DTZ001 - both naive
    offset = at.utcoffset()
    seconds = since.total_seconds() - (offset.total_seconds() if offset else 0.0)
    return max(_EARLIEST_MS, min(int(seconds * 1000), now_ms + _DAY_MS))


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def events_digest(events: Sequence[object]) -> str:
    """Return which events were asked for, as ``ResultEvent.as_dict`` writes them."""
    told = json.dumps(events, sort_keys=True, separators=(",", ":"))
    return blake2b(told.encode(), digest_size=16).hexdigest()
