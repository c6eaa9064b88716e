"""What a channel that can ask its provider must keep: it says only what is certain."""

from __future__ import annotations

import asyncio
import inspect
import json

import pytest

from watchfloor.channels.base import (
    LookUp,
    NoAnswerError,
    asks_of,
    channel_names,
    load_channel,
)
from watchfloor.channels.simulator import SimulatorChannel
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.domain.resolutions import settled_as

SECRET = "hunter2-hunter2"  # noqa: S105 - a planted one


def told(**body):
    text = json.dumps(body).encode()
    return lambda one: one.reply(200, text)


@pytest.fixture
def asked(webhook, provider, dispatch):
    """Ask a provider with this answer about one key."""

    async def ask(answer, **settings):
        made = await provider(answer)
        url = made.url.replace("/calls", "/calls/${record.key}?by=key")
        async with webhook(made.url, lookup_url=url, **settings) as channel:
            return await channel.look_up(dispatch(key="k/1")), made

    return ask


# --- the contract --------------------------------------------------------------------


@pytest.mark.parametrize("name", channel_names())
def test_a_channel_offers_it_wholly_or_not_at_all(name):
    channel = load_channel(name)

    parts = [hasattr(channel, part) for part in ("look_up", "can_look_up")]

    assert all(parts) or not any(parts)
    if all(parts):
        assert inspect.iscoroutinefunction(getattr(channel, "look_up"))  # noqa: B009 - no channel must have it


@pytest.mark.parametrize(
    ("channel", "settings"),
    [
        ("simulator", {}),
        ("webhook", {"url": "http://127.0.0.1:1/"}),
    ],
)
def test_without_settings_for_it_nobody_is_asked(channel, settings):
    built = load_channel(channel)(settings)

    assert isinstance(built, LookUp)
    assert not built.can_look_up
    assert asks_of(built) is None


async def test_one_that_is_not_open_asks_nobody(webhook, dispatch):
    url = "http://127.0.0.1:1/"
    channel = webhook(url, lookup_url=url + "${record.key}")

    assert asks_of(channel) is not None
    with pytest.raises(RuntimeError, match="not open"):
        await channel.look_up(dispatch())


# --- the webhook ---------------------------------------------------------------------


async def test_the_key_is_asked_about_with_one_get(asked):
    outcome, made = await asked(told(outcome="delivered", id="m-1", detail="at noon"))

    (exchange,) = made.exchanges
    assert exchange.head.startswith("GET /calls/k%2F1?by=key HTTP/1.1\r\n")
    assert exchange.header("Idempotency-Key") == '"k/1"'
    assert exchange.body == b""
    assert outcome == Outcome(
        outcome_class=OutcomeClass.DELIVERED,
        code="",
        detail="at noon",
        provider_id="m-1",
    )


async def test_what_the_provider_says_for_certain_is_believed(asked):
    outcome, _ = await asked(told(outcome="transient", code="QUEUE-LOST"))

    assert outcome.outcome_class is OutcomeClass.TRANSIENT
    assert outcome.code == "queue_lost"
    outcome, _ = await asked(told(outcome="permanent"))
    assert outcome.outcome_class is OutcomeClass.PERMANENT


@pytest.mark.parametrize(
    "answer",
    [
        told(),
        told(outcome="ambiguous"),
        told(outcome="callback", due_in="1h"),
        told(outcome=1),
        told(outcome="Delivered"),
        told(code="busy"),
        lambda one: one.reply(200, b"delivered"),
        lambda one: one.reply(200, b'["delivered"]'),
        lambda one: one.reply(200, b"[" * 50_000),
        lambda one: one.reply(200, b'{"outcome": "delivered"}' + b" " * 65_536),
        lambda one: one.reply(204),
        lambda one: one.reply(404, b'{"outcome": "delivered"}'),
        lambda one: one.reply(410),
    ],
    ids=range(13),
)
async def test_what_is_not_said_for_certain_is_not_known(asked, answer):
    # A code's class is about deliveries: it answers no question about a key.
    outcome, _ = await asked(answer, codes={"busy": "permanent"})

    assert settled_as(outcome) is None
    assert outcome is None


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 429, 500, 503])
async def test_a_provider_that_does_not_answer_the_question_says_nothing(asked, status):
    with pytest.raises(NoAnswerError, match=f"answered {status}"):
        await asked(
            lambda one: one.reply(
                status, b'{"outcome": "delivered"}', Location="http://127.0.0.1:1/"
            )
        )


async def test_no_redirect_is_followed_and_no_secret_told(asked, monkeypatch):
    monkeypatch.setenv("LOOK_TOKEN", SECRET)
    outcome, made = await asked(
        told(outcome="delivered", detail=f"token {SECRET}", id=SECRET),
        headers={"X-Token": "env:LOOK_TOKEN"},
    )

    assert made.exchanges[0].header("X-Token") == SECRET
    assert SECRET not in outcome.detail + outcome.provider_id


async def test_one_that_hangs_or_breaks_is_no_answer(asked):
    with pytest.raises(NoAnswerError):
        await asked(lambda one: one.hang(), timeout="50ms")

    async def reset(one):
        one.reset()

    with pytest.raises(NoAnswerError):
        await asked(reset)


async def test_a_provider_that_is_not_there_is_no_answer(webhook, dispatch, dead_port):
    url = f"http://127.0.0.1:{dead_port}/"
    async with webhook(url, lookup_url=url + "${record.key}") as channel:
        with pytest.raises(NoAnswerError):
            await channel.look_up(dispatch())


async def test_a_look_up_may_be_cancelled_and_leaves_nothing_open(
    webhook, provider, dispatch
):
    made = await provider(lambda one: one.hang())
    async with webhook(made.url, lookup_url=made.url + "/${record.key}") as channel:
        task = asyncio.create_task(channel.look_up(dispatch()))
        await made.arrived.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await made.left.wait()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1/calls", "lookup_url: must name the key once"),
        ("http://127.0.0.1/${contact}", "lookup_url: must name the key once"),
        (
            "http://127.0.0.1/${record.key}/${record.key}",
            "lookup_url: must name the key once",
        ),
        ("http://${record.key}/", "lookup_url: must name the key in the path"),
        ("ftp://127.0.0.1/${record.key}", "lookup_url: must be an http or https URL"),
        (
            f"http://me:{SECRET}@127.0.0.1/${{record.key}}",
            "lookup_url: must not hold credentials",
        ),
        ("http://127.0.0.1/${record.key}${x}", "lookup_url: takes no placeholders"),
        ("http://other.test/${record.key}", "lookup_url: must be at the host of url"),
        ("https://127.0.0.1/${record.key}", "lookup_url: must be at the host of url"),
    ],
)
def test_an_address_to_ask_at_that_cannot_be_is_refused(webhook, url, sentence):
    with pytest.raises(ConfigError, match=f"^{sentence}") as caught:
        webhook("http://127.0.0.1/", lookup_url=url)

    assert SECRET not in str(caught.value)
    assert len(caught.value.mistakes) == 1


# --- the simulator -------------------------------------------------------------------


async def test_the_simulated_provider_answers_the_same_every_time(dispatch):
    settings = {"look_up": {"delivered": 0.5, "not_delivered": 0.3}}

    async def answers():
        async with SimulatorChannel(settings) as channel:
            return [
                settled_as(await channel.look_up(dispatch(f"c{number}")))
                for number in range(200)
            ]

    found = await answers()

    assert found == await answers()
    assert 80 < found.count("delivered") < 120
    assert 40 < found.count("not-delivered") < 80
    assert found.count(None) == 200 - sum(map(bool, found))


async def test_the_simulators_script_decides_for_a_contact(dispatch, tmp_path):
    script = {"a": "delivered", "b": "not_delivered", "c": "permanent", "d": "unknown"}
    control = tmp_path / "provider.toml"
    settings = {"look_up": {"script": script | {"e": "down"}}, "control": str(control)}
    async with SimulatorChannel(settings) as channel:
        found = [await channel.look_up(dispatch(contact)) for contact in "abcd"]
        with pytest.raises(NoAnswerError):
            await channel.look_up(dispatch("e"))
    control.write_text('mode = "fail"\n')
    async with SimulatorChannel(settings) as channel:
        with pytest.raises(NoAnswerError):
            await channel.look_up(dispatch("a"))

    classes = [one and one.outcome_class.word for one in found]
    assert classes == ["delivered", "transient", "permanent", None]


def test_the_simulators_shares_of_look_ups_must_fit(dispatch):
    with pytest.raises(ConfigError, match=r"look_up: add up to 1\.2"):
        SimulatorChannel({"look_up": {"delivered": 0.7, "not_delivered": 0.5}})
