"""What a provider's HTTP reply means for a record.

The most particular word wins: what the campaign says of the reply's code, then what a
2xx reply's body says, then what the campaign says of the status, then the table below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from watchfloor.channels.secrets import Spelling, redacted, spellings
from watchfloor.domain.measures import duration_ms
from watchfloor.domain.outcomes import Outcome, OutcomeClass

DETAIL_LENGTH = 500
ID_LENGTH = 200
CODE_LENGTH = 64
MAX_RETRY_AFTER_S = 86_400
BAD_DUE_AT = "bad_due_at"

#: A reply came, but a definite refusal: nothing was delivered.
REFUSED_FOR_NOW = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
)
#: A reply came, but whether the work was done behind it is open.
AMBIGUOUS_4XX = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
#: Every record would be answered alike.
RUN_FAULTS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

_SIGNS = re.compile(r"[^a-z0-9]+")
_SECONDS = re.compile(r"[0-9]{1,20}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS = {one.word: one for one in OutcomeClass}
_CERTAIN = {OutcomeClass.DELIVERED, OutcomeClass.TRANSIENT, OutcomeClass.PERMANENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back.

    Attributes:
        retry_after: The header as received, or empty.
        body: Whole, or empty: a body cut short says nothing.
    """

    status: int
    retry_after: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRules:
    """What the campaign says about replies.

    Attributes:
        codes: Classes by code in the reply, the codes in lower snake case.
        statuses: Classes by status.
        secrets: Never to be repeated, should the provider echo them.
        hidden: How they may be spelled.
    """

    codes: Mapping[str, OutcomeClass] = field(default_factory=dict)
    statuses: Mapping[int, OutcomeClass] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    hidden: tuple[Spelling, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Spell the secrets once, not for every reply."""
        object.__setattr__(self, "hidden", spellings(self.secrets))


def outcome_of_reply(reply: Reply, rules: ReplyRules, now_s: float) -> Outcome:
    """Return what *reply* means.

    Args:
        reply: As it came.
        rules: As the campaign says.
        now_s: Seconds since 1970 UTC, for a Retry-After that is a date.
    """
    told = _told(reply.body)
    code = snake_case(_text(told, "code", rules))
    outcome_class = _class(reply.status, code, told, rules)
    due_at_ms = None
    detail = _text(told, "detail", rules)
    run_fault = ""
    if outcome_class is OutcomeClass.CALLBACK:
        due_at_ms = _due_at_ms(told.get("due_at"))
        if due_at_ms is None:
            due_at_ms = _due_in_ms(told.get("due_in"), now_s)
        if due_at_ms is None:
            # A refusal all the same: somebody asked for later, nobody said when.
            outcome_class, code = OutcomeClass.TRANSIENT, BAD_DUE_AT
            detail = "a callback without due_in, and due_at is missing or has no offset"
    if outcome_class is OutcomeClass.PERMANENT and _is_run_fault(
        reply.status, code, rules
    ):
        run_fault = (
            f"the provider answered {reply.status} and refuses every record alike; "
            "check the credentials in the step's headers, then resume"
        )
    return Outcome(
        outcome_class=outcome_class,
        code=code or _status_code(reply.status),
        detail=detail[:DETAIL_LENGTH],
        provider_id=_text(told, "id", rules)[:ID_LENGTH],
        retry_after_ms=_retry_after_ms(reply, outcome_class, now_s),
        due_at_ms=due_at_ms,
        run_fault=run_fault,
    )


def outcome_of_look_up(reply: Reply, rules: ReplyRules) -> Outcome | None:
    """Return what a provider says of a key; None where it does not say for certain.

    Only the word counts that a 2xx reply has as its outcome. A status alone says that
    the question was answered, not what became of the key; what the campaign says of
    codes, it says of deliveries; and that there is no such key may only mean that there
    is none yet.
    """
    if class_of_status(reply.status) is not OutcomeClass.DELIVERED:
        return None
    told = _told(reply.body)
    word = told.get("outcome")
    outcome_class = _WORDS.get(word) if isinstance(word, str) else None
    if outcome_class is None or outcome_class not in _CERTAIN:
        return None
    return Outcome(
        outcome_class=outcome_class,
        code=snake_case(_text(told, "code", rules)),
        detail=_text(told, "detail", rules)[:DETAIL_LENGTH],
        provider_id=_text(told, "id", rules)[:ID_LENGTH],
    )


def class_of_status(status: int) -> OutcomeClass:
    """Return what a status means where nobody says better."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return OutcomeClass.DELIVERED
    if status in REFUSED_FOR_NOW:
        return OutcomeClass.TRANSIENT
    if status in AMBIGUOUS_4XX:
        return OutcomeClass.AMBIGUOUS
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return OutcomeClass.PERMANENT
    return OutcomeClass.AMBIGUOUS


def snake_case(text: str) -> str:
    """Return a provider's word as a code: ``NO-ANSWER`` is ``no_answer``."""
    return _SIGNS.sub("_", text.lower()).strip("_")[:CODE_LENGTH].rstrip("_")


def _class(
    status: int, code: str, told: Mapping[str, object], rules: ReplyRules
) -> OutcomeClass:
    if code in rules.codes:
        return rules.codes[code]
    by_table = class_of_status(status)
    if by_table is OutcomeClass.DELIVERED:
        word = told.get("outcome")
        if isinstance(word, str) and word in _WORDS:
            return _WORDS[word]
    return rules.statuses.get(status, by_table)


def _is_run_fault(status: int, code: str, rules: ReplyRules) -> bool:
    is_explained = code in rules.codes or status in rules.statuses
    return status in RUN_FAULTS and not is_explained


def _status_code(status: int) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "redirect_refused"
    return f"http_{status}"


def _told(body: bytes) -> Mapping[str, object]:
    try:
        told = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _text(told: Mapping[str, object], key: str, rules: ReplyRules) -> str:
    value = told.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value:d}"
    if not isinstance(value, str):
        return ""
    # JSON can spell half a character, which no file and no terminal can hold.
    whole = value.encode("utf-8", "replace").decode()
    return redacted(whole, rules.hidden)


def _due_at_ms(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        due = datetime.fromisoformat(value)
        return None if due.tzinfo is None else _since_epoch_ms(due)
    except (ValueError, OverflowError):
        return None


def _due_in_ms(value: object, now_s: float) -> int | None:
    """Return when a delay such as ``30m`` is over."""
    try:
        return int(now_s * 1000) + duration_ms(value)
    except ValueError:
        return None


def _since_epoch_ms(moment: datetime) -> int:
    return max(round((moment - _EPOCH).total_seconds() * 1000), 0)


def _retry_after_ms(reply: Reply, outcome_class: OutcomeClass, now_s: float) -> int:
    wish = reply.retry_after.strip()
    if outcome_class not in {OutcomeClass.TRANSIENT, OutcomeClass.AMBIGUOUS}:
        return 0
    if _SECONDS.fullmatch(wish):
        return min(int(wish), MAX_RETRY_AFTER_S) * 1000
    try:
        moment = parsedate_to_datetime(wish)
        # The zone -0000 comes back as no zone; HTTP knows no other than UTC.
        at_ms = _since_epoch_ms(moment.replace(tzinfo=moment.tzinfo or UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
    return min(max(at_ms - int(now_s * 1000), 0), MAX_RETRY_AFTER_S * 1000)
