from __future__ import annotations

import asyncio
import json

import pytest

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import OutcomeClass

SECRET = "hunter2-hunter2"  # noqa: S105 - a planted one


def replying(*reply, **headers):
    return lambda one: one.reply(*reply, **headers)


def ended(outcome):
    return outcome.outcome_class.word, outcome.code


# What is sent.


async def test_posts_the_contact_and_the_key_as_json(attempt):
    outcome, provider = await attempt(replying(200))

    (exchange,) = provider.exchanges
    assert ended(outcome) == ("delivered", "http_200")
    assert exchange.head.startswith("POST /calls HTTP/1.1\r\n")
    assert exchange.header("Content-Type") == "application/json"
    assert exchange.header("Accept-Encoding") == "identity"
    assert json.loads(exchange.body) == {
        "to": "+12025550123",
        "reference": "key-+12025550123",
    }


async def test_the_key_is_a_quoted_header(webhook, provider, dispatch):
    made = await provider(replying(200))
    async with webhook(made.url, method="PUT") as channel:
        await channel.deliver(dispatch(key="abc234"))

    assert made.exchanges[0].head.startswith("PUT ")
    assert made.exchanges[0].header("Idempotency-Key") == '"abc234"'


async def test_retries_carry_the_same_body_and_key(webhook, provider, dispatch):
    made = await provider(replying(503))
    async with webhook(made.url) as channel:
        for number in (1, 2, 3):
            await channel.deliver(dispatch(number=number, key="abc234"))

    seen = {(one.body, one.header("Idempotency-Key")) for one in made.exchanges}
    assert len(made.exchanges) == 3
    assert len(seen) == 1


async def test_the_body_is_filled_from_the_record(webhook, provider, dispatch):
    made = await provider(replying(200))
    body = {"to": "${contact}", "vars": [{"name": "${first_name}"}], "voice": True}
    channel = webhook(made.url, body=body)
    assert channel.placeholders == {"first_name"}
    async with channel:
        await channel.deliver(dispatch(first_name='A"n ${contact}'))

    assert json.loads(made.exchanges[0].body)["vars"] == [{"name": 'A"n ${contact}'}]


async def test_a_record_without_the_column_is_never_sent(webhook, provider, dispatch):
    made = await provider(replying(200))
    async with webhook(made.url, body={"name": "${first_name}"}) as channel:
        outcome = await channel.deliver(dispatch())

    assert ended(outcome) == ("permanent", "missing_field")
    assert "'first_name'" in outcome.detail
    assert made.connections == 0


async def test_the_environments_proxy_is_not_used(attempt, monkeypatch, dead_port):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{dead_port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{dead_port}")

    outcome, _ = await attempt(replying(200))

    assert outcome.outcome_class is OutcomeClass.DELIVERED


async def test_no_cookie_is_kept(webhook, provider, dispatch):
    made = await provider(replying(200, Set_Cookie="a=b"))
    # A usual jar takes no cookies from a bare address.
    url = made.url.replace("127.0.0.1", "localhost")
    async with webhook(url) as channel:
        await channel.deliver(dispatch())
        await channel.deliver(dispatch())

    assert made.exchanges[1].header("Cookie") is None


# Connections.


async def test_connections_are_kept_alive(webhook, provider, dispatch):
    made = await provider(replying(200, b'{"id": "p"}'))
    async with webhook(made.url) as channel:
        for n in range(20):
            await channel.deliver(dispatch(f"p{n}"))

    assert (made.connections, len(made.exchanges)) == (1, 20)


async def test_every_attempt_has_its_connection_at_once(webhook, provider, dispatch):
    together = asyncio.Event()

    async def answer(exchange):
        if len(made.exchanges) == 150:
            together.set()
        await together.wait()
        await exchange.reply(200)

    made = await provider(answer)
    async with webhook(made.url) as channel:
        outcomes = await asyncio.gather(
            *(channel.deliver(dispatch(f"p{n}")) for n in range(150))
        )

    assert {ended(one) for one in outcomes} == {("delivered", "http_200")}


async def test_at_most_once_never_uses_a_connection_twice(webhook, provider, dispatch):
    made = await provider(replying(200))
    async with webhook(made.url, delivery="at_most_once") as channel:
        for n in range(5):
            await channel.deliver(dispatch(f"p{n}"))

    assert (made.connections, len(made.exchanges)) == (5, 5)


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_kept_connection_that_was_closed_loses_and_doubles_nothing(
    webhook, provider, dispatch, method
):
    async def reply_and_close(exchange):
        await exchange.reply(200)
        exchange.writer.close()

    made = await provider(reply_and_close)
    async with webhook(made.url, method=method) as channel:
        outcomes = [await channel.deliver(dispatch(f"p{n}")) for n in range(50)]

    # An attempt may meet the closing connection; then it says so and was not repeated.
    delivered = [one for one in outcomes if one.outcome_class is OutcomeClass.DELIVERED]
    broken = [one for one in outcomes if one.outcome_class is OutcomeClass.AMBIGUOUS]
    assert len(delivered) + len(broken) == 50
    assert len(made.exchanges) == len(delivered)


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_kept_connection_that_breaks_in_use_is_ambiguous_and_not_repeated(
    webhook, provider, dispatch, method
):
    async def answer(exchange):
        if len(made.exchanges) == 1:
            await exchange.reply(200)
        else:
            exchange.writer.close()

    made = await provider(answer)
    async with webhook(made.url, method=method) as channel:
        outcomes = [await channel.deliver(dispatch(f"p{n}")) for n in range(2)]

    assert [one.outcome_class.word for one in outcomes] == ["delivered", "ambiguous"]
    assert (made.connections, len(made.exchanges)) == (1, 2)


async def test_a_channel_that_is_not_open_sends_nothing(webhook, provider, dispatch):
    made = await provider(replying(200))

    with pytest.raises(RuntimeError, match="not open"):
        await webhook(made.url).deliver(dispatch())

    assert made.connections == 0


# Secrets.


async def test_headers_are_resolved_when_the_channel_opens(
    attempt, monkeypatch, tmp_path
):
    monkeypatch.setenv("CALLS_TOKEN", f"Bearer {SECRET}")
    kept = tmp_path / "key"
    kept.write_text("from-a-file\n")
    kept.chmod(0o600)

    _, provider = await attempt(
        replying(200),
        headers={
            "Authorization": "env:CALLS_TOKEN",
            "X-Key": f"file:{kept}",
            "X-Team": "reminders",
            "user-agent": "ours",
        },
    )

    (exchange,) = provider.exchanges
    assert exchange.header("Authorization") == f"Bearer {SECRET}"
    assert exchange.header("X-Key") == "from-a-file"
    assert exchange.header("X-Team") == "reminders"
    assert exchange.head.lower().count("user-agent: ours") == 1
    assert exchange.head.lower().count("user-agent:") == 1


async def test_a_missing_secret_fails_the_opening_by_its_reference(
    webhook, provider, monkeypatch
):
    monkeypatch.delenv("CALLS_TOKEN", raising=False)
    made = await provider(replying(200))
    channel = webhook(made.url, headers={"Authorization": "env:CALLS_TOKEN"})

    with pytest.raises(ConfigError, match=r"^headers.Authorization: env:CALLS_TOKEN "):
        await channel.__aenter__()

    assert made.connections == 0


@pytest.mark.parametrize(
    "answer",
    [replying(401), lambda one: one.hang(), replying("20O")],
    ids=["refusal", "hang", "garbage"],
)
async def test_a_secret_is_in_no_outcome_and_no_representation(
    webhook, provider, dispatch, monkeypatch, caplog, answer
):
    monkeypatch.setenv("CALLS_TOKEN", SECRET)
    made = await provider(answer)
    headers = {"Authorization": "env:CALLS_TOKEN"}
    async with webhook(made.url, headers=headers, timeout="1s") as channel:
        outcome = await channel.deliver(dispatch())
        shown = f"{outcome!r} {channel!r} {channel._rules!r} {caplog.text}"

    assert made.exchanges[0].header("Authorization") == SECRET
    assert SECRET not in shown


async def test_a_secret_that_the_provider_echoes_is_hidden(attempt, monkeypatch):
    monkeypatch.setenv("CALLS_TOKEN", f"Bearer {SECRET}")
    body = json.dumps({"detail": f"token {SECRET} is expired"}).encode()

    outcome, _ = await attempt(
        replying(401, body), headers={"Authorization": "env:CALLS_TOKEN"}
    )

    assert outcome.detail == "token [secret] is expired"
