"""Notices by e-mail: owed with what they tell, sent after it is stored.

A notice is a row before it is a message, so none is lost with a process. One that was
sent in the moment of a crash is sent again with the same Message-ID.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo

from watchfloor.channels.mail_settings import MailSettings
from watchfloor.channels.mail_transport import send_mail
from watchfloor.channels.settings import checked
from watchfloor.domain.books import STATE_KEYS, Books
from watchfloor.domain.errors import WatchfloorError
from watchfloor.domain.privacy import without_contact
from watchfloor.domain.text import clean
from watchfloor.domain.workspace import NoticePreset, Workspace
from watchfloor.engine.surroundings import Survived, named
from watchfloor.store.handle import Handle
from watchfloor.store.reads.notices import Notice, due_notices, unexplained_notices
from watchfloor.store.writes import notices as writes
from watchfloor.store.writes.runs import add_entry

T = TypeVar("T")

#: One notice takes no longer, whatever the server does.
TIMEOUT_S: Final = 120.0
#: Where a person waits for a verb.
SHORT_TIMEOUT_S: Final = 10.0
FIRST_RETRY_MS: Final = 30_000
LONGEST_RETRY_MS: Final = 3_600_000
GIVE_UP_MS: Final = 24 * 3_600_000

NO_MAIL: Final = (
    "the workspace's watchfloor.toml has no [mail]: the notice is kept and sent once "
    "a mail server is set there; until then tell them"
)


class NoticeKind(StrEnum):
    """What people are told of."""

    EXTRACTION_CANCEL = "extraction_cancel"
    STOP_BEFORE_LAUNCH = "stop_before_launch"
    JOB_CANCEL = "job_cancel"
    AUTO_PAUSE = "auto_pause"
    FAILED = "failed"


class _Words(NamedTuple):
    """What a kind is called in a subject, told in a sentence, and followed by."""

    subject: str
    sentence: str
    next: str


_NOBODY = "Nobody was contacted."
_AGAIN = "To contact these people after all, launch the campaign again."
_WORDS: Final = {
    NoticeKind.EXTRACTION_CANCEL: _Words(
        "cancelled before its launch",
        f"was cancelled before its launch. {_NOBODY}",
        f"Nothing has to be done. {_AGAIN}",
    ),
    NoticeKind.STOP_BEFORE_LAUNCH: _Words(
        "stopped before its launch",
        f"was stopped before its launch. {_NOBODY}",
        f"Nothing has to be done. {_AGAIN}",
    ),
    NoticeKind.JOB_CANCEL: _Words(
        "cancelled",
        "was cancelled after its launch. What was not sent yet will not be sent, "
        "callbacks included.",
        "See who was contacted and who was not: watchfloor records {run}",
    ),
    NoticeKind.AUTO_PAUSE: _Words(
        "paused by the engine",
        "was paused by the engine. No attempt starts until a person resumes it.",
        "See what is behind it: watchfloor show {run}\n"
        "Then: watchfloor resume {run}, or: watchfloor stop {run}",
    ),
    NoticeKind.FAILED: _Words(
        "failed",
        "failed. What was not sent yet will not be sent.",
        "See what is behind it: watchfloor show {run}\n"
        "Mend that, then launch the campaign again.",
    ),
}
_ALWAYS: Final = {NoticeKind.EXTRACTION_CANCEL, NoticeKind.STOP_BEFORE_LAUNCH}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What happened to a run; names and reasons as they came from outside."""

    kind: NoticeKind
    run_id: str
    campaign_id: str
    campaign_name: str
    by: str
    why: str
    books: Books


class Letter(NamedTuple):
    """The words of a notice."""

    subject: str
    body: str


def is_owed(kind: NoticeKind, preset: NoticePreset, *, has_recipients: bool) -> bool:
    """Whether people are told of this kind by e-mail."""
    return has_recipients and (kind in _ALWAYS or preset is NoticePreset.OPS)


def owe(
    connection: Handle,
    workspace: Workspace,
    occasion: Occasion,
    recipients: Sequence[str],
    now_ms: int,
) -> bool:
    """Store the notice that an occasion calls for, if it calls for one.

    Args:
        connection: In the transaction that stores what happened.
        workspace: Whose preset and zone.
        occasion: What happened.
        recipients: The campaign's ``notify``, as frozen with the run.
        now_ms: When.

    Returns:
        Whether a notice is owed now.
    """
    kind, has_recipients = occasion.kind, bool(recipients)
    if not is_owed(kind, workspace.notices, has_recipients=has_recipients):
        return False
    told = letter(workspace, occasion, now_ms)
    writes.owe_notice(
        connection,
        run_id=occasion.run_id,
        kind=kind,
        recipients=recipients,
        subject=told.subject,
        body=told.body,
        now_ms=now_ms,
    )
    return True


def letter(workspace: Workspace, occasion: Occasion, at_ms: int) -> Letter:
    """Return the words for an occasion; no contact of anybody stands in them."""
    words, run_id = _WORDS[occasion.kind], occasion.run_id
    name = clean(occasion.campaign_name, 100)
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    local = at.astimezone(ZoneInfo(workspace.zone))
    moment = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    if workspace.zone != "UTC":
        moment = f"{moment} ({local:%Y-%m-%d %H:%M:%S} {workspace.zone})"
    lines = (
        f"The run {run_id} of the campaign {name} {words.sentence}",
        "",
        f"When:       {moment}",
        f"By:         {clean(occasion.by, 100) or 'the engine'}",
        f"Reason:     {discreet(occasion.why) or 'none was given'}",
        f"Books:      {_account(occasion.books)}",
        f"Campaign:   {clean(occasion.campaign_id, 100)}",
        f"Workspace:  {clean(workspace.name, 100)} ({workspace.workspace_id})",
        "",
        words.next.format(run=run_id),
        "",
    )
    subject = f"[Watchfloor] {name}: {words.subject} ({run_id})"
    return Letter(subject, "\n".join(lines))


def discreet(text: str) -> str:
    """Return a text from outside as one clean line; what looks like a contact masked.

    People type reasons and servers write replies, and either may name somebody.
    """
    return without_contact(clean(text))


def retry_in_ms(tries: int) -> int | None:
    """Return how long a notice waits after *tries* failures; None: give it up."""
    waits = [min(FIRST_RETRY_MS << n, LONGEST_RETRY_MS) for n in range(tries)]
    return waits[-1] if sum(waits) <= GIVE_UP_MS else None


class Moment(Protocol):
    """An open transaction of the one writer, as far as a notice needs it."""

    @property
    def connection(self) -> Handle:
        """For ``store.writes``."""
        ...

    @property
    def now_ms(self) -> int:
        """The transaction's moment."""
        ...

    @property
    def epoch(self) -> int:
        """The owner's."""
        ...


class Submit(Protocol):
    """Have a job done in a transaction and return its result after the commit."""

    def __call__(self, job: Callable[[Moment], T]) -> Awaitable[T]:
        """Raise ``StoreError`` where the store took no writes."""
        ...


class Postman:
    """Sends what is owed, one notice after the other.

    Args:
        workspace: Whose mail settings.
        submit: For reading what is owed and storing what became of it.
        timeout_s: For each notice.
    """

    def __init__(
        self, workspace: Workspace, submit: Submit, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        #: Writes a mistake of our own down, and returns it as a cause.
        self.survived: Survived = named
        self._workspace = workspace
        self._submit = submit
        self._timeout_s = timeout_s
        # The server's replies to what was sent and could not be stored as sent yet.
        self._replies: dict[int, str] = {}

    async def deliver(self, *, stops_at_failure: bool = False) -> tuple[str, ...]:
        """Send every notice that is due.

        Args:
            stops_at_failure: Leave the others for later once one cannot be sent.

        Returns:
            A sentence for each notice that is due and could not be sent.

        Raises:
            StoreError: The store took no writes. What was sent is remembered and
                stored by the next call.
        """
        if not self._workspace.mail:
            return await self._submit(_explain)
        unsent: list[str] = []
        notices = await self._submit(due)
        for place, notice in enumerate(notices, 1):
            why = await self._deliver(notice)
            if why:
                unsent.append(_unsent(notice, why))
            if why and stops_at_failure:
                unsent += [_unsent(one, "not tried") for one in notices[place:]]
                break
        return tuple(unsent)

    async def _deliver(self, notice: Notice) -> str:
        """Send one notice; return why not, or an empty string."""
        number, why = notice.notice_id, ""
        if number not in self._replies:
            try:
                self._replies[number] = await self._sent(notice)
            except TimeoutError:
                why = f"the mail server did not take it within {self._timeout_s:g} s"
            except WatchfloorError as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001 - a notice must not end the engine
                why = self.survived(error)
        if why:
            await self._submit(lambda tx: _note_unsent(tx, notice, discreet(why)))
        else:
            reply = discreet(self._replies[number])
            await self._submit(lambda tx: _note_sent(tx, notice, reply))
            del self._replies[number]
        return discreet(why)

    async def _sent(self, notice: Notice) -> str:
        settings = checked(MailSettings, self._workspace.mail)
        async with asyncio.timeout(self._timeout_s):
            return await send_mail(
                settings, _message(notice, settings), notice.recipients
            )


async def send_owed_now(workspace: Workspace, submit: Submit) -> tuple[str, ...]:
    """Send what is owed for a process that owns the workspace only for a moment.

    It waits for a mail server that fails once, and shortly.

    Returns:
        A sentence for each notice that is still owed; an engine sends it later.
    """
    postman = Postman(workspace, submit, timeout_s=SHORT_TIMEOUT_S)
    return await postman.deliver(stops_at_failure=True)


def _message(notice: Notice, settings: MailSettings) -> EmailMessage:
    """Return the same message for the same notice, however often it is made."""
    message, sender = EmailMessage(), settings.sender
    at = datetime.fromtimestamp(notice.created_at_ms / 1000, UTC)
    message["From"] = Address(sender.name, sender.local, sender.domain)
    message["To"] = ", ".join(notice.recipients)
    message["Subject"] = notice.subject
    message["Date"] = format_datetime(at)
    tail = f"{notice.notice_id}.{notice.created_at_ms}.{notice.run_id}"
    message["Message-ID"] = f"<notice.{tail}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers
    message.set_content(notice.body)
    return message


def due(tx: Moment) -> tuple[Notice, ...]:
    """Return the notices that are to be sent now."""
    return due_notices(tx.connection, tx.now_ms, LONGEST_RETRY_MS)


def _explain(tx: Moment) -> tuple[str, ...]:
    """Say of each notice once why it is not sent; return what is due."""
    for notice in unexplained_notices(tx.connection):
        writes.note_waiting(tx.connection, notice.notice_id, why=NO_MAIL)
        _enter(tx, notice, "notice waits", NO_MAIL)
    return tuple(_unsent(notice, NO_MAIL) for notice in due(tx))


def _note_sent(tx: Moment, notice: Notice, reply: str) -> None:
    number = notice.notice_id
    if writes.note_sent(tx.connection, number, at_ms=tx.now_ms, reply=reply):
        told = f"to {_addresses(notice)}; the mail server said: {reply}"
        _enter(tx, notice, "notice sent", told)


def _note_unsent(tx: Moment, notice: Notice, why: str) -> None:
    number, wait_ms = notice.notice_id, retry_in_ms(notice.tries + 1)
    if wait_ms is not None:
        next_at_ms = tx.now_ms + wait_ms
        writes.note_tried(tx.connection, number, next_at_ms=next_at_ms, why=why)
    elif writes.note_failed(tx.connection, number, why=why):
        told = f"to {_addresses(notice)}, given up after a day; tell them. Last: {why}"
        _enter(tx, notice, "notice failed", told)


def _enter(tx: Moment, notice: Notice, event: str, detail: str) -> None:
    add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": notice.run_id,
            "event": event,
            "by": "engine",
            "detail": f"{notice.kind}: {detail}",
            "epoch": tx.epoch,
        },
    )


def _unsent(notice: Notice, why: str) -> str:
    return (
        f"the notice about run {notice.run_id} ({notice.kind}) to {_addresses(notice)} "
        f"is not sent: {why}"
    )


def _addresses(notice: Notice) -> str:
    count = len(notice.recipients)
    return f"{count} address" if count == 1 else f"{count} addresses"


def _account(books: Books) -> str:
    kept = books.as_dict()
    states = [f"{kept[key]:,} {key}" for key in STATE_KEYS if kept[key]]
    told = f"{books.records:,} records, {books.attempts:,} attempts"
    return f"{told}: {', '.join(states)}" if states else told
