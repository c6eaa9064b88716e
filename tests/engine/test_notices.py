from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from typing import NamedTuple

import pytest
from aiosmtpd.smtp import SMTP
from tests.store.conftest import NOW_MS, made_layout, stored_in

from watchfloor.domain.books import Books
from watchfloor.domain.errors import StoreError
from watchfloor.domain.workspace import NoticePreset, Workspace
from watchfloor.engine.notices import (
    GIVE_UP_MS,
    NO_MAIL,
    NoticeKind,
    Occasion,
    Postman,
    discreet,
    is_owed,
    letter,
    owe,
    retry_in_ms,
    send_owed_now,
)
from watchfloor.store.handle import Handle
from watchfloor.store.reads.journal import events
from watchfloor.store.reads.notices import notices_of
from watchfloor.store.writes.connection import close_writer, open_writer

OPS = ("ops@example.org", "lead@example.org")


class Office:
    """A mail server's handler that keeps what it takes, or refuses it."""

    def __init__(self):
        self.letters = []
        self.envelopes = []
        self.refusal = ""
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - the library's name and shape
        self, _server, _session, envelope, address, _options
    ):
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - likewise
        self.envelopes.append(tuple(envelope.rcpt_tos))
        self.letters.append(message_from_bytes(envelope.content, policy=default))
        return "250 2.0.0 taken"


@asynccontextmanager
async def post_office():
    office = Office()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(office, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    office.port = server.sockets[0].getsockname()[1]
    async with server:
        yield office


class Tx(NamedTuple):
    connection: Handle
    now_ms: int
    epoch: int


class Desk:
    """A store with one run, the clock, and the way to both."""

    def __init__(self, stored):
        self.stored = stored
        self.now_ms = NOW_MS
        self.refuses = 0

    async def submit(self, job):
        if self.refuses:
            self.refuses -= 1
            raise StoreError("the store takes no writes: disk full; nothing was stored")
        connection = self.stored.writer
        with connection.begin():
            return job(Tx(connection, self.now_ms, self.stored.epoch))

    def owe(self, space, kind=NoticeKind.EXTRACTION_CANCEL, recipients=OPS):
        with self.stored.writer.begin():
            return owe(
                self.stored.writer, space, occasion(kind), recipients, self.now_ms
            )

    def notices(self):
        with self.stored.writer.begin():
            return notices_of(self.stored.writer, "run-1")

    def journal(self):
        with self.stored.writer.begin():
            return [
                (one.event, one.detail) for one in events(self.stored.writer, "run-1")
            ]


@pytest.fixture
def desk(tmp_path):
    connection = open_writer(made_layout(tmp_path / "floor"))
    yield Desk(stored_in(connection))
    close_writer(connection)


def workspace(port=None, **values):
    mail = {"host": "127.0.0.1", "security": "none", "from": "Floor <wf@example.org>"}
    sent = {} if port is None else mail | {"port": port}
    return Workspace(workspace_id="front-desk", name="Front desk", mail=sent, **values)


def occasion(kind=NoticeKind.EXTRACTION_CANCEL, **values):
    given = {
        "run_id": "run-1",
        "campaign_id": "autumn-reminder",
        "campaign_name": "Autumn reminder",
        "by": "nora",
        "why": "the wrong list",
        "books": Books(records=1_200, not_attempted=1_100, delivered=100, attempts=107),
    }
    return Occasion(kind=kind, **{**given, **values})


@pytest.mark.parametrize("kind", NoticeKind)
def test_before_the_launch_people_are_always_told_and_later_only_ops(kind):
    early = kind in {NoticeKind.EXTRACTION_CANCEL, NoticeKind.STOP_BEFORE_LAUNCH}

    assert is_owed(kind, NoticePreset.DEFAULT, has_recipients=True) is early
    assert is_owed(kind, NoticePreset.OPS, has_recipients=True)
    assert not is_owed(kind, NoticePreset.OPS, has_recipients=False)


def test_a_letter_says_what_happened_to_what_when_by_whom_and_what_to_do_next():
    told = letter(workspace(zone="Europe/Berlin"), occasion(), NOW_MS)

    assert told.subject == (
        "[Watchfloor] Autumn reminder: cancelled before its launch (run-1)"
    )
    for said in (
        "The run run-1 of the campaign Autumn reminder was cancelled",
        "was cancelled before its launch. Nobody was contacted.",
        "2023-11-14 22:13:20 UTC (2023-11-14 23:13:20 Europe/Berlin)",
        "By:         nora",
        "Reason:     the wrong list",
        "Books:      1,200 records, 107 attempts: 100 delivered, 1,100 not_attempted",
        "Workspace:  Front desk (front-desk)",
        "launch the campaign again",
    ):
        assert said in told.body


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_has_words_of_its_own_and_a_next_step(kind):
    told = letter(workspace(), occasion(kind), NOW_MS)

    assert "{" not in told.body
    assert "\n\n" in told.body.strip()
    launched = kind not in {NoticeKind.EXTRACTION_CANCEL, NoticeKind.STOP_BEFORE_LAUNCH}
    assert ("Nobody was contacted" in told.body) is not launched
    assert ("watchfloor " in told.body) is launched


def test_text_from_outside_stays_one_harmless_line():
    hostile = "a\r\nBcc: all@example.org\x1b]0;x\u202e"

    told = letter(
        workspace(),
        occasion(campaign_name=hostile, by=hostile, why=hostile, campaign_id=hostile),
        NOW_MS,
    )

    assert told.subject.isprintable()
    assert len(told.body.splitlines()) == len(
        letter(workspace(), occasion(), NOW_MS).body.splitlines()
    )
    assert not set(told.body) & set("\r\x1b\u202e")


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("ask mia.meier@example.org", "ask m***@example.org"),
        ("+1 (415) 555-2671 rang", "+1***2671 rang"),
        ("call 415.555.2671", "call 41***71"),
        ("as run 261122-155432-k7q2 was", "as run 261122-155432-k7q2 was"),
        ("launch id 261128-221903-4bswbubq", "launch id 261128-221903-4bswbubq"),
        ("webhook 192.168.100.200:8080", "webhook 192.168.100.200:8080"),
        ("transient 23 % of 412 attempts", "transient 23 % of 412 attempts"),
    ],
)
def test_what_looks_like_a_contact_is_masked_in_a_reason(reason, shown):
    assert discreet(reason) == shown
    assert shown in letter(workspace(), occasion(why=reason), NOW_MS).body


async def test_a_notice_is_sent_once_to_everybody_and_the_journal_says_so(desk):
    async with post_office() as office:
        space = workspace(office.port)
        assert desk.owe(space)
        postman = Postman(space, desk.submit)
        desk.now_ms += 5

        assert await postman.deliver() == ()
        assert await postman.deliver() == ()

    assert office.envelopes == [OPS]
    [sent] = office.letters
    assert sent["From"] == "Floor <wf@example.org>"
    assert sent["To"] == "ops@example.org, lead@example.org"
    assert sent["Subject"].startswith("[Watchfloor] Autumn reminder: cancelled")
    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent["Date"].datetime.timestamp() * 1000 == NOW_MS
    assert "Nobody was contacted." in sent.get_content()
    [kept] = desk.notices()
    assert (kept.state, kept.sent_at_ms) == ("sent", NOW_MS + 5)
    assert "250" in kept.detail
    [(event, detail)] = desk.journal()
    assert event == "notice sent"
    assert detail.startswith("extraction_cancel: to 2 addresses; the mail server said")


async def test_names_of_any_script_arrive(desk):
    async with post_office() as office:
        space = workspace(office.port)
        with desk.stored.writer.begin():
            told = occasion(campaign_name="Grüße 中文", why="läuft schief")
            owe(desk.stored.writer, space, told, OPS, NOW_MS)

        assert await Postman(space, desk.submit).deliver() == ()

    [sent] = office.letters
    assert "Grüße 中文" in sent["Subject"]
    assert "läuft schief" in sent.get_content()


async def test_a_notice_sent_again_after_a_crash_is_recognisable(desk):
    async with post_office() as office:
        space = workspace(office.port)
        desk.owe(space)
        desk.owe(space)
        for _ in range(2):
            # A process that dies between the server's word and the commit.
            dying = Postman(space, desk.submit)
            [first, _] = await desk.submit(
                lambda tx: notices_of(tx.connection, "run-1")
            )
            await dying._sent(first)
        await Postman(space, desk.submit).deliver()

    marks = [sent["Message-ID"] for sent in office.letters]
    assert len(marks) == 4
    assert marks[0] == marks[1] == marks[2] != marks[3]
    assert office.letters[0].as_bytes() == office.letters[1].as_bytes()


async def test_what_was_sent_while_the_store_took_no_writes_is_not_sent_again(desk):
    async with post_office() as office:
        space = workspace(office.port)
        desk.owe(space)
        postman = Postman(space, desk.submit)
        notices = await desk.submit(lambda tx: notices_of(tx.connection, "run-1"))
        desk.refuses = 1
        with pytest.raises(StoreError):
            await postman._deliver(notices[0])

        assert await postman.deliver() == ()

    assert len(office.letters) == 1
    assert desk.notices()[0].state == "sent"


async def test_a_server_that_refuses_is_tried_again_later_and_then_takes_it(desk):
    async with post_office() as office:
        space = workspace(office.port)
        desk.owe(space)
        postman = Postman(space, desk.submit)
        office.refusal = "451 4.3.0 come back later"

        [told] = await postman.deliver()
        assert "the notice about run run-1 (extraction_cancel) to 2 addresses" in told
        assert "come back later" in told
        office.refusal = ""
        assert await postman.deliver() == ()
        assert office.letters == []

        desk.now_ms += 30_000
        assert await postman.deliver() == ()

    assert len(office.letters) == 1
    [kept] = desk.notices()
    assert (kept.state, kept.tries) == ("sent", 1)


async def test_after_a_day_without_success_it_is_given_up_and_the_journal_says_so(desk):
    async with post_office() as office:
        space = workspace(office.port)
        desk.owe(space)
        postman = Postman(space, desk.submit)
        office.refusal = "550 5.1.1 ops@example.org unknown"

        while desk.notices()[0].state == "owed":
            desk.now_ms = desk.notices()[0].next_at_ms
            assert len(await postman.deliver()) == 1

        assert await postman.deliver() == ()

    assert 23 * 3_600_000 <= desk.now_ms - NOW_MS <= GIVE_UP_MS
    assert desk.notices()[0].state == "failed"
    [(event, detail)] = desk.journal()
    assert event == "notice failed"
    assert "to 2 addresses, given up after a day; tell them" in detail
    assert "ops@example.org" not in detail


def test_retries_come_less_and_less_often_and_end_within_a_day():
    waits = [wait for tries in range(1, 100) if (wait := retry_in_ms(tries))]

    assert waits[:4] == [30_000, 60_000, 120_000, 240_000]
    assert waits == sorted(waits)
    assert waits[-1] == 3_600_000
    assert GIVE_UP_MS - 3_600_000 < sum(waits) <= GIVE_UP_MS


async def test_without_a_mail_server_it_stays_owed_and_the_journal_says_so_once(desk):
    desk.owe(workspace())
    postman = Postman(workspace(), desk.submit)

    for _ in range(3):
        [told] = await postman.deliver()
        assert "has no [mail]" in told
        desk.now_ms += 10**9
    await Postman(workspace(), desk.submit).deliver()

    assert desk.journal() == [("notice waits", f"extraction_cancel: {NO_MAIL}")]
    async with post_office() as office:
        await Postman(workspace(office.port), desk.submit).deliver()
    assert len(office.letters) == 1
    assert desk.notices()[0].state == "sent"


async def test_wrong_mail_settings_keep_it_owed_and_name_the_mistake(desk):
    space = Workspace(workspace_id="f", name="F", mail={"host": "127.0.0.1"})
    desk.owe(space)

    [told] = await Postman(space, desk.submit).deliver()

    assert "from" in told
    assert desk.notices()[0].state == "owed"


async def test_a_server_that_hangs_is_left_in_time(desk):
    async def hang(reader, writer):
        try:
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        space = workspace(server.sockets[0].getsockname()[1])
        desk.owe(space)

        [told] = await Postman(space, desk.submit, timeout_s=0.05).deliver()

    assert "did not take it within 0.05 s" in told
    assert desk.notices()[0].tries == 1


async def test_for_a_moment_what_is_owed_is_sent_and_what_is_not_is_told(desk):
    async with post_office() as office:
        space = workspace(office.port)
        desk.owe(space)
        assert await send_owed_now(space, desk.submit) == ()
        assert len(office.letters) == 1

        desk.owe(space)
        desk.owe(space)
        office.refusal = "451 4.3.0 come back later"
        told = await send_owed_now(space, desk.submit)

    assert len(told) == 2
    assert "come back later" in told[0]
    assert "not tried" in told[1]
    assert [one.tries for one in desk.notices()] == [0, 1, 0]


async def test_nothing_is_owed_where_nobody_is_to_be_told(desk):
    assert not desk.owe(workspace(), recipients=())
    assert not desk.owe(workspace(), NoticeKind.JOB_CANCEL)
    assert desk.owe(workspace(notices=NoticePreset.OPS), NoticeKind.JOB_CANCEL)

    [kept] = desk.notices()
    assert kept.kind == "job_cancel"
