from __future__ import annotations

import asyncio
import gzip
import json
from email.utils import formatdate

import pytest

from watchfloor.channels.webhook import REPLY_BYTES
from watchfloor.domain.outcomes import Delivery, OutcomeClass

#: What the webhook's clock shows.
NOW_S = 1_700_000_000.0


def replying(*reply, **headers):
    return lambda one: one.reply(*reply, **headers)


def ended(outcome):
    return outcome.outcome_class.word, outcome.code


# Nothing left the process: a retry is safe in every mode.


async def test_a_refused_connection_is_transient(webhook, dead_port, dispatch):
    async with webhook(f"http://127.0.0.1:{dead_port}/") as channel:
        outcome = await channel.deliver(dispatch())

    assert ended(outcome) == ("transient", "connection_refused")


async def test_a_name_that_does_not_resolve_is_transient(webhook, dispatch):
    async with webhook("http://x.invalid/") as channel:
        outcome = await channel.deliver(dispatch())

    assert ended(outcome) == ("transient", "dns_failed")


async def test_a_port_that_speaks_no_tls_is_transient(webhook, dispatch):
    async def speak_plainly(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, webhook(f"https://127.0.0.1:{port}/") as channel:
        outcome = await channel.deliver(dispatch())

    assert ended(outcome) == ("transient", "tls_failed")


async def test_a_tls_greeting_that_is_never_answered_is_transient(
    webhook, provider, dispatch
):
    made = await provider(replying(200))
    url = made.url.replace("http:", "https:")
    async with webhook(url, connect_timeout="50ms") as channel:
        outcome = await channel.deliver(dispatch())

    assert ended(outcome) == ("transient", "connect_timeout")
    assert made.exchanges == []


# The request left: the effect is not known.


async def test_a_provider_that_never_replies_is_ambiguous(attempt):
    outcome, provider = await attempt(lambda one: one.hang(), timeout="1s")

    assert ended(outcome) == ("ambiguous", "read_timeout")
    assert len(provider.exchanges) == 1
    await provider.left.wait()


async def test_headers_that_never_end_are_ambiguous(attempt):
    async def slowly(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nX-A: b\r\n")
        await exchange.hang()

    outcome, _ = await attempt(slowly, timeout="1s")

    assert ended(outcome) == ("ambiguous", "read_timeout")


async def reset(exchange):
    exchange.reset()


async def close(exchange):
    exchange.writer.close()


async def half_a_reply(exchange):
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-")
    exchange.writer.close()


@pytest.mark.parametrize("answer", [reset, close, half_a_reply])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("delivery", list(Delivery))
async def test_a_broken_connection_is_ambiguous_and_nothing_is_sent_again(
    attempt, answer, method, delivery
):
    outcome, provider = await attempt(answer, method=method, delivery=delivery.value)

    assert ended(outcome) == ("ambiguous", "connection_reset")
    assert len(provider.exchanges) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff lol\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    ],
)
async def test_a_garbage_reply_is_ambiguous(attempt, garbage):
    async def answer(exchange):
        await exchange.send(garbage)
        exchange.writer.close()

    outcome, provider = await attempt(answer)

    assert ended(outcome) == ("ambiguous", "garbage_reply")
    assert len(provider.exchanges) == 1


# A status line was read, and it decides.


@pytest.mark.parametrize(
    ("status", "word", "code"),
    [
        (429, "transient", "http_429"),
        (503, "transient", "http_503"),
        (500, "ambiguous", "http_500"),
        (408, "ambiguous", "http_408"),
        (404, "permanent", "http_404"),
    ],
)
async def test_the_status_decides(attempt, status, word, code):
    outcome, _ = await attempt(replying(status))

    assert ended(outcome) == (word, code)


@pytest.mark.parametrize("wish", ["7", formatdate(NOW_S + 7, usegmt=True)])
async def test_retry_after_is_passed_on(attempt, wish):
    outcome, _ = await attempt(replying(429, Retry_After=wish))

    assert outcome.retry_after_ms == 7_000


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_pause_the_run(attempt, status):
    outcome, _ = await attempt(replying(status))

    assert ended(outcome) == ("permanent", f"http_{status}")
    assert outcome.run_fault


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(attempt, provider, status):
    target = await provider(replying(200))

    outcome, _ = await attempt(replying(status, Location=target.url))

    assert ended(outcome) == ("permanent", "redirect_refused")
    assert target.connections == 0


async def test_a_huge_body_is_not_read(attempt):
    written = 0

    async def bomb(exchange):
        nonlocal written
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(50):
            await exchange.send(b"x" * 1_000_000)
            written += 1_000_000

    outcome, provider = await attempt(bomb)
    await provider.left.wait()

    assert ended(outcome) == ("delivered", "http_200")
    # What the kernel's buffers on both sides take is all that ever left.
    assert written < 20_000_000


async def test_a_packed_body_is_not_unpacked(attempt):
    packed = gzip.compress(b'{"outcome": "permanent"}')

    outcome, _ = await attempt(replying(200, packed, Content_Encoding="gzip"))

    assert ended(outcome) == ("delivered", "http_200")


async def hang_in_body(exchange):
    await exchange.send(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"outcome": ')
    await exchange.hang()


async def reset_in_body(exchange):
    await exchange.send(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"outcome": ')
    exchange.reset()


async def short_body(exchange):
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc")
    exchange.writer.close()


@pytest.mark.parametrize("answer", [hang_in_body, reset_in_body, short_body])
async def test_a_2xx_is_delivered_whatever_its_body_does(attempt, answer):
    outcome, _ = await attempt(answer, timeout="1s")

    assert ended(outcome) == ("delivered", "http_200")


async def test_a_body_cut_short_at_the_limit_says_nothing(attempt):
    told = b'{"outcome": "permanent"}'
    whole = told + b" " * (REPLY_BYTES - len(told))

    at_limit, _ = await attempt(replying(200, whole))
    beyond, _ = await attempt(replying(200, whole + b" "))

    assert at_limit.outcome_class is OutcomeClass.PERMANENT
    assert beyond.outcome_class is OutcomeClass.DELIVERED


async def test_a_body_may_say_more(attempt):
    told = {
        "outcome": "callback",
        "code": "ASKED-LATER",
        "id": "p-1",
        "due_at": "2026-11-23T09:00:00+01:00",
        "detail": "after nine",
    }

    outcome, _ = await attempt(replying(200, json.dumps(told).encode()))

    assert ended(outcome) == ("callback", "asked_later")
    assert outcome.due_at_ms == 1_795_420_800_000
    assert (outcome.provider_id, outcome.detail) == ("p-1", "after nine")


async def test_the_maps_of_the_campaign_are_used(attempt):
    codes, statuses = {"NO-ANSWER": "transient"}, {"404": "transient"}

    by_code, _ = await attempt(replying(200, b'{"code": "no_answer"}'), codes=codes)
    by_status, _ = await attempt(replying(404), statuses=statuses)

    assert ended(by_code) == ("transient", "no_answer")
    assert ended(by_status) == ("transient", "http_404")
