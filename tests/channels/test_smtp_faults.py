"""A mail server that breaks off, stalls or talks nonsense at every step.

Before the final dot nothing can have been taken; after it only a reply can tell.
"""

from __future__ import annotations

import asyncio

import pytest

from watchfloor.channels.smtp_replies import DETAIL_LENGTH
from watchfloor.domain.outcomes import OutcomeClass

DROP, RESET, HANG, DRIP = "drop", "reset", "hang", "drip"
BEFORE_THE_DOT = ("GREETING", "EHLO", "MAIL", "RCPT", "DATA")
GARBAGE = "why, hello there"
#: One line without an end, and lines without end.
BOMBS = ("250 " + "x" * 5_000_000, "250-x\r\n" * 700_000 + "250 x")


def ended(outcome):
    return outcome.outcome_class.word, outcome.code


@pytest.fixture
def attempt(smtp, mail_server, mail):
    """Make one attempt at a server with these replies."""

    async def make(settings=None, **replies):
        server = await mail_server(**replies)
        async with smtp(server.port, **(settings or {})) as channel:
            return await channel.deliver(mail()), server

    return make


# Before the final dot.


@pytest.mark.parametrize("stage", BEFORE_THE_DOT)
@pytest.mark.parametrize("fault", [DROP, RESET, GARBAGE, "299 what", "421 4.3.2 bye"])
async def test_what_breaks_before_the_dot_is_transient(attempt, stage, fault):
    outcome, server = await attempt(**{stage: fault})

    assert outcome.outcome_class is OutcomeClass.TRANSIENT
    assert outcome.run_fault == ""
    assert server.mails == []


@pytest.mark.parametrize("stage", BEFORE_THE_DOT)
@pytest.mark.parametrize("fault", [HANG, DRIP])
async def test_silence_before_the_dot_is_transient(attempt, stage, fault):
    outcome, server = await attempt({"timeout": "100ms"}, **{stage: fault})

    assert outcome.outcome_class is OutcomeClass.TRANSIENT
    assert outcome.code in {"connect_timeout", "timeout"}
    await server.left.wait()


@pytest.mark.parametrize("fault", [DROP, RESET])
async def test_a_connection_lost_in_the_body_is_transient(attempt, fault):
    # Larger than what two sockets buffer: the dot cannot have been written.
    outcome, server = await attempt({"text": "word " * 2_000_000}, BODY=fault)

    assert ended(outcome) == ("transient", "connection_lost")
    assert server.mails == []


async def test_a_server_that_stops_reading_in_the_body_never_gets_the_dot(smtp, mail):
    done = asyncio.Event()

    async def stop_reading(reader, writer):
        writer.write(b"220 x\r\n")
        for reply in (b"250 x", b"250 x", b"250 x", b"354 x"):
            await reader.readuntil(b"\r\n")
            writer.write(reply + b"\r\n")
        writer.transport.pause_reading()
        await done.wait()
        writer.transport.abort()

    server = await asyncio.start_server(stop_reading, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    text = "word " * 2_000_000
    async with server:
        async with smtp(port, text=text, timeout="500ms") as channel:
            outcome = await channel.deliver(mail())
        done.set()

    assert ended(outcome) == ("transient", "timeout")


async def test_a_reply_that_comes_before_the_mail_is_never_read_as_its_own(attempt):
    outcome, _ = await attempt(
        DATA="354 go ahead\r\n250 2.0.0 Ok: queued as FORGED", DOT="550 5.6.0 no"
    )

    assert ended(outcome) == ("transient", "garbage_reply")


async def test_a_refused_connection_is_transient(smtp, dead_port, mail):
    async with smtp(dead_port) as channel:
        outcome = await channel.deliver(mail())

    assert ended(outcome) == ("transient", "connection_refused")


async def test_a_name_that_does_not_resolve_is_transient(smtp, mail):
    channel = smtp(2525, host="x.invalid", security="starttls")
    async with channel:
        outcome = await channel.deliver(mail())

    assert ended(outcome) == ("transient", "dns_failed")


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_nothing_is_sent_in_the_clear_where_tls_is_missing(attempt, security):
    outcome, server = await attempt({"security": security, "timeout": "5s"})

    assert outcome.outcome_class is OutcomeClass.TRANSIENT
    assert outcome.code == {"starttls": "no_starttls", "tls": "tls_failed"}[security]
    assert not any(one.startswith(("MAIL", "AUTH")) for one in server.commands)


async def test_a_server_without_starttls_pauses_the_run(attempt):
    outcome, server = await attempt({"security": "starttls"})

    assert "offers no STARTTLS" in outcome.run_fault
    assert "resume" in outcome.run_fault
    assert server.commands == ["EHLO example.test"]


async def test_a_refused_starttls_is_not_gone_on_without(attempt):
    outcome, server = await attempt(
        {"security": "starttls"},
        EHLO="250-x\r\n250 STARTTLS",
        STARTTLS="454 4.7.0 not now",
    )

    assert ended(outcome) == ("transient", "smtp_4_7_0")
    assert server.commands == ["EHLO example.test", "STARTTLS"]


# After the final dot.


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (DROP, "connection_lost"),
        (RESET, "connection_lost"),
        (GARBAGE, "garbage_reply"),
        ("299 what", "garbage_reply"),
        ("354 again", "garbage_reply"),
        ("25", "garbage_reply"),
    ],
)
async def test_what_breaks_after_the_dot_is_ambiguous(attempt, fault, code):
    outcome, server = await attempt(DOT=fault)

    assert ended(outcome) == ("ambiguous", code)
    assert len(server.mails) == 1
    assert server.connections == 1


@pytest.mark.parametrize("bomb", BOMBS, ids=["line", "lines"])
async def test_a_reply_that_is_far_too_long_says_nothing(attempt, bomb):
    before, _ = await attempt(RCPT=bomb)
    after, server = await attempt(DOT=bomb)

    assert ended(before) == ("transient", "garbage_reply")
    assert ended(after) == ("ambiguous", "garbage_reply")
    assert len(server.mails) == 1
    assert len(after.detail) <= DETAIL_LENGTH


@pytest.mark.parametrize("fault", [HANG, DRIP])
async def test_silence_after_the_dot_is_ambiguous(attempt, fault):
    outcome, server = await attempt({"timeout": "300ms"}, DOT=fault)

    assert ended(outcome) == ("ambiguous", "timeout")
    await server.left.wait()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("421 4.3.2 closing", ("transient", "smtp_4_3_2")),
        ("451 4.3.0 later", ("transient", "smtp_4_3_0")),
        ("452 4.2.2 full", ("transient", "smtp_4_2_2")),
        ("552 5.2.2 full", ("permanent", "smtp_5_2_2")),
        ("554 no", ("permanent", "smtp_554")),
        ("250 ok", ("delivered", "smtp_250")),
    ],
)
async def test_a_reply_to_the_dot_decides(attempt, reply, expected):
    outcome, _ = await attempt(DOT=reply)

    assert ended(outcome) == expected
    assert (outcome.run_fault, outcome.suppress) == ("", "")


async def test_a_lost_goodbye_changes_nothing(attempt):
    outcome, _ = await attempt(QUIT=DROP)

    assert ended(outcome) == ("delivered", "smtp_250")


# Refusals.


@pytest.mark.parametrize(
    ("stage", "reply", "expected", "suppress"),
    [
        ("RCPT", "550 5.1.1 unknown", "smtp_5_1_1", "hard bounce 5.1.1"),
        ("RCPT", "550-5.1.1 un\r\n550 5.1.1 known", "smtp_5_1_1", "hard bounce 5.1.1"),
        ("RCPT", "550 no such user", "smtp_550", "hard bounce 550"),
        ("RCPT", "551 moved", "smtp_551", "hard bounce 551"),
        ("RCPT", "553 not allowed", "smtp_553", "hard bounce 553"),
        ("DOT", "550 5.1.10 null MX", "smtp_5_1_10", "hard bounce 5.1.10"),
        ("RCPT", "552 5.2.2 full", "smtp_5_2_2", ""),
        ("RCPT", "550 5.2.1 disabled", "smtp_5_2_1", ""),
        ("RCPT", "552 full", "smtp_552", ""),
        ("RCPT", "554 no", "smtp_554", ""),
        ("DOT", "550 no", "smtp_550", ""),
        ("MAIL", "552 5.3.4 too big", "smtp_5_3_4", ""),
    ],
)
async def test_a_mailbox_that_will_never_take_it_is_permanent(
    attempt, stage, reply, expected, suppress
):
    outcome, _ = await attempt(**{stage: reply})

    assert ended(outcome) == ("permanent", expected)
    assert outcome.suppress == suppress
    assert outcome.run_fault == ""


@pytest.mark.parametrize(
    ("stage", "reply", "advice"),
    [
        ("RCPT", "550 5.7.1 refused", "matter of policy"),
        ("DOT", "554 5.7.1 spam", "matter of policy"),
        ("RCPT", "550 relaying denied", "matter of policy"),
        ("GREETING", "554 5.7.1 blocked", "matter of policy"),
        ("MAIL", "530 5.7.0 sign in first", "refused the sign-in"),
        ("MAIL", "550 who are you", "refuses the sender"),
        ("RCPT", "553 5.1.8 bad sender", "refuses the sender"),
    ],
)
async def test_what_every_record_would_meet_pauses_the_run(
    attempt, stage, reply, advice
):
    outcome, _ = await attempt(**{stage: reply})

    assert outcome.outcome_class is OutcomeClass.PERMANENT
    assert advice in outcome.run_fault
    assert outcome.run_fault.endswith("then resume")
    assert outcome.suppress == ""


async def test_a_server_that_turns_everybody_away_blames_no_record(attempt):
    outcome, _ = await attempt(GREETING="554 no service here")

    assert ended(outcome) == ("transient", "smtp_554")


async def test_codes_in_the_settings_overrule(attempt):
    codes = {"5.7.1": "transient", "550": "permanent"}

    outcome, _ = await attempt({"codes": codes}, RCPT="550 5.7.1 slow down")
    assert ended(outcome) == ("transient", "smtp_5_7_1")
    assert outcome.run_fault == ""

    outcome, _ = await attempt({"codes": codes}, RCPT="550 5.7.9 policy")
    assert ended(outcome) == ("permanent", "smtp_5_7_9")
    assert outcome.run_fault == ""


async def test_an_enhanced_code_of_another_class_is_not_believed(attempt):
    outcome, _ = await attempt(RCPT="450 5.1.1 odd")

    assert ended(outcome) == ("transient", "smtp_450")
    assert outcome.suppress == ""


async def test_hostile_replies_are_shown_harmless(attempt):
    outcome, _ = await attempt(RCPT="450 4.2.1 \x1b[31m\u202e\udcff" + "x" * 2_000)

    assert ended(outcome) == ("transient", "smtp_4_2_1")
    assert outcome.detail.isprintable()
    assert len(outcome.detail) <= 500
    outcome.detail.encode()


# Signing in.


async def test_a_refused_sign_in_pauses_the_run_and_is_tried_once(attempt, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "hunter2-hunter2")
    outcome, server = await attempt(
        {"username": "desk", "password": "env:MAIL_PASSWORD"},
        EHLO="250-x\r\n250 AUTH LOGIN PLAIN CRAM-MD5",
        AUTH="535 5.7.8 no: AGRlc2sAaHVudGVyMi1odW50ZXIy hunter2-hunter2",
    )

    assert ended(outcome) == ("permanent", "smtp_5_7_8")
    assert "check username and password" in outcome.run_fault
    assert outcome.detail == "5.7.8 no: [secret] [secret]"
    assert [one for one in server.commands if one.startswith("AUTH")] == [
        "AUTH PLAIN AGRlc2sAaHVudGVyMi1odW50ZXIy"
    ]


async def test_a_server_that_knows_no_sign_in_pauses_the_run(attempt, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "hunter2-hunter2")
    outcome, server = await attempt(
        {"username": "desk", "password": "env:MAIL_PASSWORD"}
    )

    assert ended(outcome) == ("transient", "no_auth")
    assert "resume" in outcome.run_fault
    assert server.commands == ["EHLO example.test"]


async def test_a_challenge_that_is_none_is_transient(attempt, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "hunter2-hunter2")
    outcome, _ = await attempt(
        {"username": "desk", "password": "env:MAIL_PASSWORD"},
        EHLO="250-x\r\n250 AUTH CRAM-MD5",
        AUTH="334 ä",
    )

    assert ended(outcome) == ("transient", "garbage_reply")


async def test_a_busy_sign_in_is_transient(attempt, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "hunter2-hunter2")
    outcome, _ = await attempt(
        {"username": "desk", "password": "env:MAIL_PASSWORD"},
        EHLO="250-x\r\n250 AUTH PLAIN",
        AUTH="454 4.7.0 later",
    )

    assert ended(outcome) == ("transient", "smtp_4_7_0")
    assert outcome.run_fault == ""


# Kept connections.


async def test_connections_are_kept_and_no_more_than_allowed(smtp, mail_server, mail):
    server = await mail_server()
    async with smtp(server.port, connections=2) as channel:
        outcomes = await asyncio.gather(
            *(channel.deliver(mail(key=f"k{n}")) for n in range(30))
        )

    assert {ended(one) for one in outcomes} == {("delivered", "smtp_250")}
    assert (server.connections, len(server.mails)) == (2, 30)


async def test_a_refused_mail_costs_no_connection_and_leaves_no_trace(
    smtp, mail_server, mail
):
    server = await mail_server(
        RCPT=["550 5.1.1 no", "250 ok", "550 5.1.1 no", "250 ok"]
    )
    async with smtp(server.port) as channel:
        outcomes = [await channel.deliver(mail(key=f"k{n}")) for n in range(4)]

    assert [one.outcome_class.word for one in outcomes] == [
        "permanent",
        "delivered",
        "permanent",
        "delivered",
    ]
    assert server.connections == 1
    assert server.commands.count("RSET") == 2


@pytest.mark.parametrize("fault", [DROP, RESET, "421 4.4.2 idle too long"])
async def test_a_kept_connection_that_was_closed_is_opened_again(
    smtp, mail_server, mail, fault
):
    server = await mail_server(MAIL=["250 ok", fault, "250 ok"])
    async with smtp(server.port) as channel:
        outcomes = [await channel.deliver(mail(key=f"k{n}")) for n in range(2)]

    assert {ended(one) for one in outcomes} == {("delivered", "smtp_250")}
    assert (server.connections, len(server.mails)) == (2, 2)


async def test_a_connection_closed_while_idle_is_opened_again(smtp, mail_server, mail):
    server = await mail_server()
    async with smtp(server.port) as channel:
        await channel.deliver(mail(key="k1"))
        for task in server.tasks:
            task.cancel()
        await server.left.wait()
        outcome = await channel.deliver(mail(key="k2"))

    assert ended(outcome) == ("delivered", "smtp_250")
    assert (server.connections, len(server.mails)) == (2, 2)


async def test_no_free_connection_in_time_is_transient(smtp, mail_server, mail):
    server = await mail_server(RCPT=HANG)
    async with smtp(server.port, connections=1, timeout="150ms") as channel:
        outcomes = await asyncio.gather(
            *(channel.deliver(mail(key=f"k{n}")) for n in range(3))
        )

    assert {one.outcome_class.word for one in outcomes} == {"transient"}
    assert "pool_busy" in {one.code for one in outcomes}


async def test_an_attempt_in_flight_at_the_close_drops_its_connection(
    smtp, mail_server, mail
):
    server = await mail_server()
    channel = smtp(server.port)
    async with channel:
        attempt = asyncio.create_task(channel.deliver(mail()))
        await server.arrived.wait()
    outcome = await attempt

    assert ended(outcome) == ("delivered", "smtp_250")
    await server.left.wait()


async def test_a_channel_that_is_not_open_sends_nothing(smtp, mail):
    with pytest.raises(RuntimeError, match="not open"):
        await smtp(2525).deliver(mail())
