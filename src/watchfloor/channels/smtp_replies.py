"""What a mail server's reply, or its silence, means for a record.

Before the final dot nothing can have been taken, so everything but a refusal for good
may be tried again; after it only a reply can tell (RFC 5321, 4.2.5 and 6.1). A refusal
is read by its enhanced code (RFC 3463) and by whom it names: the session and the
sender are the same for every record, only the recipient is this record's own.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiosmtplib import SMTPException, SMTPResponseException, SMTPServerDisconnected

from watchfloor.channels.hosts import RefusedAddressError, outcome_of_refused_address
from watchfloor.channels.secrets import Spelling, redacted, spellings
from watchfloor.channels.smtp_session import OK, Stage, UnfitServerError, is_refusal
from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.domain.text import clean

DETAIL_LENGTH = 500
ID_LENGTH = 200

#: What sending may raise for what the world did; anything else is a bug.
FAULTS = (SMTPException, OSError, UnfitServerError)

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\d)")
_QUEUE_IDS = (
    re.compile(r"\bqueued as ([\w.@+/=-]+)", re.IGNORECASE),
    re.compile(r"\bid=([\w.@+/=-]+)", re.IGNORECASE),
    re.compile(r"(?:2\.0\.0 )?(\S+) message accepted for delivery", re.IGNORECASE),
)
_FOR_GOOD = 500
_NOT_SIGNED_IN = frozenset({530, 534, 535, 538})
_NO_SUCH_MAILBOX = frozenset({550, 551, 553})
_TOO_LARGE = 552
#: Of 5.1.x the two that blame the sender (RFC 3463, 3.2).
_SENDERS_OWN = frozenset({"7", "8"})
_ADDRESS, _MAILBOX, _SYSTEM, _POLICY = "1", "2", "3", "7"
#: A bare 550 is "no such user" and also the usual word for these.
_POLICY_WORDS = re.compile(
    r"relay|authenti|spam|polic|reputation|block(?:ed|list)|blacklist|banned",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRules:
    """What the campaign says about refusals.

    Attributes:
        target: The server as ``host:port``, for sentences.
        codes: Classes by enhanced or basic code, as settings write them.
        secrets: Never to be repeated, should the server echo them.
        hidden: How they may be spelled.
    """

    target: str = "the mail server"
    codes: Mapping[str, OutcomeClass] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    hidden: tuple[Spelling, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Spell the secrets once, not for every reply."""
        object.__setattr__(self, "hidden", spellings(self.secrets))


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: int
    text: str
    stage: Stage
    subject: str
    particular: str

    @property
    def name(self) -> str:
        if self.subject:
            return f"{self.code // 100}.{self.subject}.{self.particular}"
        return f"{self.code}"

    @property
    def is_sign_in(self) -> bool:
        return self.stage is Stage.AUTH or self.code in _NOT_SIGNED_IN

    @property
    def is_policy(self) -> bool:
        if self.subject:
            return self.subject == _POLICY
        return bool(_POLICY_WORDS.search(self.text))

    @property
    def is_about_sender(self) -> bool:
        if self.subject == _ADDRESS and self.particular in _SENDERS_OWN:
            return True
        is_about_size = self.code == _TOO_LARGE or self.subject in {_MAILBOX, _SYSTEM}
        return self.stage is Stage.MAIL and not is_about_size

    @property
    def is_about_recipient(self) -> bool:
        if self.stage < Stage.RCPT or self.is_about_sender or self.is_policy:
            return False
        if self.subject:
            return self.subject == _ADDRESS
        return self.stage is Stage.RCPT and self.code in _NO_SUCH_MAILBOX


def outcome_of_acceptance(text: str, rules: MailRules) -> Outcome:
    """Return what a 250 to the final dot means: taken, under the id it names."""
    said = _said(text, rules)
    found = (pattern.search(said) for pattern in _QUEUE_IDS)
    queue_id = next((match[1] for match in found if match), "")
    return Outcome(
        outcome_class=OutcomeClass.DELIVERED,
        code=f"smtp_{OK}",
        detail=said,
        provider_id=queue_id[:ID_LENGTH],
    )


def outcome_of_fault(error: BaseException, stage: Stage, rules: MailRules) -> Outcome:
    """Return what an unsent mail, or one without a usable reply, means.

    Args:
        error: One of ``FAULTS``.
        stage: How far the mail had come.
        rules: As the campaign says.
    """
    if isinstance(error, SMTPResponseException) and is_refusal(error.code):
        return _outcome_of_refusal(_refusal(error, stage), rules)
    if isinstance(error, UnfitServerError):
        return _outcome_of_unfit(error, rules)
    if isinstance(error, RefusedAddressError):
        return outcome_of_refused_address(error)
    code, detail = _told(error, stage)
    is_open = stage is Stage.DOT
    return Outcome(
        outcome_class=OutcomeClass.AMBIGUOUS if is_open else OutcomeClass.TRANSIENT,
        code=code,
        detail=detail,
    )


def _outcome_of_refusal(refusal: _Refusal, rules: MailRules) -> Outcome:
    named = (rules.codes.get(refusal.name), rules.codes.get(f"{refusal.code}"))
    explained = next((one for one in named if one is not None), None)
    outcome_class = explained or _class(refusal)
    is_final = outcome_class is OutcomeClass.PERMANENT
    is_hard = is_final and refusal.code >= _FOR_GOOD and refusal.is_about_recipient
    return Outcome(
        outcome_class=outcome_class,
        code=f"smtp_{refusal.name.replace('.', '_')}",
        detail=_said(refusal.text, rules),
        run_fault=_run_fault(refusal, rules) if is_final and not explained else "",
        suppress=f"hard bounce {refusal.name}" if is_hard else "",
    )


def _class(refusal: _Refusal) -> OutcomeClass:
    if refusal.code < _FOR_GOOD:
        return OutcomeClass.TRANSIENT
    # A server that turns the connection away has said nothing about this record.
    is_turned_away = refusal.stage < Stage.AUTH
    if is_turned_away and not (refusal.is_policy or refusal.is_sign_in):
        return OutcomeClass.TRANSIENT
    return OutcomeClass.PERMANENT


def _run_fault(refusal: _Refusal, rules: MailRules) -> str:
    if refusal.is_sign_in:
        return (
            f"{rules.target} refused the sign-in ({refusal.name}); check username and "
            "password in the step's settings, then resume"
        )
    if refusal.is_policy:
        return (
            f"{rules.target} refuses these mails as a matter of policy "
            f"({refusal.name}); check with its operator what this sender may send, "
            "then resume"
        )
    if refusal.is_about_sender:
        return (
            f"{rules.target} refuses the sender ({refusal.name}); check from in the "
            "step's settings, then resume"
        )
    return ""


def _outcome_of_unfit(error: UnfitServerError, rules: MailRules) -> Outcome:
    if error.code == "smtputf8_needed":
        outcome_class = OutcomeClass.PERMANENT
    else:
        outcome_class = OutcomeClass.TRANSIENT
    return Outcome(
        outcome_class=outcome_class,
        code=error.code,
        detail=str(error),
        run_fault=(
            f"{rules.target}: {error}; check host, port and security in the step's "
            "settings, then resume"
            if error.is_for_all
            else ""
        ),
    )


def _refusal(error: SMTPResponseException, stage: Stage) -> _Refusal:
    found = _ENHANCED.match(error.message)
    # A class that contradicts the basic code is no enhanced code (RFC 2034, 4).
    if found and found[1] == f"{error.code}"[0]:
        return _Refusal(error.code, error.message, stage, found[2], found[3])
    return _Refusal(error.code, error.message, stage, "", "")


def _told(error: BaseException, stage: Stage) -> tuple[str, str]:
    """Return a code and a sentence; what the server said is not in it."""
    if stage is Stage.QUEUE:
        return "pool_busy", (
            "no connection to the mail server became free within the time-out; raise "
            "connections or lower permits"
        )
    if stage <= Stage.STARTTLS:
        return _told_of_connecting(error)
    when = "after the final dot" if stage is Stage.DOT else f"at {stage.name}"
    match error:
        case SMTPServerDisconnected() | ConnectionError():
            return "connection_lost", f"the connection broke {when}"
        case TimeoutError():
            return "timeout", f"no reply {when} within the time-out"
        case OSError():
            return "connection_lost", f"the connection failed {when}"
        case _:
            return "garbage_reply", f"a reply {when} that is none of SMTP's"


def _told_of_connecting(error: BaseException) -> tuple[str, str]:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, ssl.SSLError):
        return "tls_failed", _told_of_tls(cause)
    match cause:
        case socket.gaierror():
            return "dns_failed", "the mail server's name could not be resolved"
        case TimeoutError():
            return "connect_timeout", "no greeting from the mail server in time"
        case OSError(errno=errno.ECONNREFUSED):
            return "connection_refused", "the mail server accepts no connections"
        case SMTPResponseException():
            return "garbage_reply", "what answers there does not speak SMTP"
        case _:
            return "connect_failed", _told_of_failure(cause)


def _told_of_failure(error: BaseException) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else "the mail server closed the connection"


def _told_of_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = clean(error.verify_message, 100)
        return f"the mail server's certificate is not to be trusted: {why}"
    return "no secure connection; check port and security"


def _said(text: str, rules: MailRules) -> str:
    return clean(redacted(text, rules.hidden), DETAIL_LENGTH)
