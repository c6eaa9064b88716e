"""What every installed channel must keep, whoever wrote it.

A new channel needs its lines in ``SETTINGS`` and ``BAD_SETTINGS``: a contact called
``stalls`` must never be answered, every other one at once.
"""

from __future__ import annotations

import asyncio
import re

import pytest

from watchfloor.channels.base import Channel, channel_names, load_channel
from watchfloor.domain.errors import ConfigError, NotFoundError
from watchfloor.domain.outcomes import Delivery, Outcome, OutcomeClass

SETTINGS: dict[str, dict[str, object]] = {
    "simulator": {"script": {"stalls": ["hang"]}},
    "webhook": {"url": "{url}"},
}
#: Settings, and the keys that must be complained about.
BAD_SETTINGS: dict[str, tuple[dict[str, object], list[str]]] = {
    "simulator": (
        {"latncy": "1s", "jitter": 3, "delivery": "twice"},
        ["latncy", "jitter", "delivery"],
    ),
    "webhook": (
        {"url": "ftp://x/", "timout": "1s", "method": "GET"},
        ["url", "timout", "method"],
    ),
}


@pytest.fixture(params=channel_names())
def name(request):
    return request.param


@pytest.fixture
async def provider_that_stalls(provider):
    async def answer(exchange):
        if b"stalls" in exchange.body:
            await exchange.hang()
        else:
            await exchange.reply(200)

    return await provider(answer)


@pytest.fixture
def settings(name, provider_that_stalls):
    return {
        key: value.format(url=provider_that_stalls.url)
        if isinstance(value, str)
        else value
        for key, value in SETTINGS[name].items()
    }


@pytest.fixture
async def channel(name, settings):
    async with load_channel(name)(settings) as opened:
        yield opened


async def test_keeps_the_protocol(channel):
    assert isinstance(channel, Channel)
    assert isinstance(channel.delivery, Delivery)
    assert channel.deadline_s > 0
    assert isinstance(channel.placeholders, frozenset)


async def test_answers_many_attempts_at_once(channel, dispatch):
    outcomes = await asyncio.gather(
        *(channel.deliver(dispatch(f"+1202555{n:04}")) for n in range(200))
    )

    assert [one.outcome_class for one in outcomes] == [OutcomeClass.DELIVERED] * 200


async def test_names_every_outcome_in_lower_snake_case(channel, dispatch):
    outcome = await channel.deliver(dispatch())

    assert isinstance(outcome, Outcome)
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", outcome.code)


async def test_the_same_key_always_carries_the_same_body(
    channel, dispatch, provider_that_stalls
):
    for number in (1, 2, 7):
        await channel.deliver(dispatch(number=number, key="one-key"))

    bodies = {exchange.body for exchange in provider_that_stalls.exchanges}
    assert len(bodies) <= 1


async def test_an_outcome_can_be_replayed(channel, dispatch):
    first = [await channel.deliver(dispatch(f"p{n}")) for n in range(20)]
    again = [await channel.deliver(dispatch(f"p{n}")) for n in range(20)]

    assert first == again


async def test_a_cancelled_attempt_leaves_nothing_open(
    name, channel, dispatch, provider_that_stalls
):
    before = asyncio.all_tasks()
    attempt = asyncio.create_task(channel.deliver(dispatch("stalls")))
    if name == "simulator":
        await asyncio.sleep(0)
    else:
        await provider_that_stalls.arrived.wait()
    assert not attempt.done()

    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    if name != "simulator":
        await provider_that_stalls.left.wait()

    left = {one for one in asyncio.all_tasks() - before if not one.done()}
    served = provider_that_stalls.tasks
    assert left - served == set()
    after = await channel.deliver(dispatch("p1"))
    assert after.outcome_class is OutcomeClass.DELIVERED


async def test_can_be_opened_again_after_it_was_closed(name, settings, dispatch):
    channel = load_channel(name)(settings)

    for _ in range(2):
        async with channel:
            outcome = await channel.deliver(dispatch())
            assert outcome.outcome_class is OutcomeClass.DELIVERED


def test_complains_about_every_mistake_at_once_and_by_key(name):
    settings, keys = BAD_SETTINGS[name]

    with pytest.raises(ConfigError) as caught:
        load_channel(name)(settings)

    assert sorted(one.partition(":")[0] for one in caught.value.mistakes) == sorted(
        keys
    )


def test_an_unknown_channel_is_answered_with_the_installed_ones():
    with pytest.raises(NotFoundError, match=r"installed: .*simulator.*webhook"):
        load_channel("pigeon")
