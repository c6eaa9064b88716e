"""What every installed channel must keep, whoever wrote it.

A new channel needs its rig in ``RIGS`` and its lines in ``BAD_SETTINGS``: a contact
called ``stalls`` must never be answered, every other one at once.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.support.loopback import loaded_for_loopback

from watchfloor.channels.base import (
    Channel,
    RenderError,
    channel_names,
    load_channel,
)
from watchfloor.domain.errors import ConfigError, NotFoundError
from watchfloor.domain.outcomes import Delivery, Outcome, OutcomeClass


@dataclass
class Rig:
    """A channel's settings, and the far end that they lead to.

    Attributes:
        arrived: Set when an attempt has reached the far end, and ``left`` when one has
            let go of it; with ``tasks``, which are the far end's own.
        sent: What came in, one comparable value per attempt.
        address: Makes a contact of a name.
        agrees: Whether what was rendered is what came in.
    """

    settings: Mapping[str, object]
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    sent: Callable[[], list[Any]] = list
    address: Callable[[str], str] = str
    agrees: Callable[[Mapping[str, object], Any], bool] = lambda _, _sent: True


class Floor(NamedTuple):
    """What a rig is built with."""

    provider: Callable[..., Awaitable[Any]]
    mail_server: Callable[..., Awaitable[Any]]
    folder: Path
    monkeypatch: pytest.MonkeyPatch


async def simulator_rig(floor):
    rig = Rig({"script": {"stalls": ["hang"]}})
    rig.arrived.set()
    rig.left.set()
    return rig


async def webhook_rig(floor):
    async def answer(exchange):
        if b"stalls" in exchange.body:
            await exchange.hang()
        else:
            await exchange.reply(200)

    made = await floor.provider(answer)
    return Rig(
        {"url": made.url, "headers": {"X-Token": "env:CONTRACT_TOKEN"}},
        arrived=made.arrived,
        left=made.left,
        tasks=made.tasks,
        sent=lambda: [exchange.body for exchange in made.exchanges],
        agrees=lambda shown, sent: shown["body"] == json.loads(sent),
    )


async def smtp_rig(floor):
    made = await floor.mail_server(
        EHLO="250-mail.example.test\r\n250 AUTH PLAIN", AUTH="235 2.7.0 welcome"
    )

    def agrees(shown, sent):
        mail = message_from_bytes(sent, policy=policy.default)
        text = mail.get_content()
        return shown == {
            "from": mail["From"],
            "to": mail["To"],
            "subject": mail["Subject"],
            "text": text.rstrip("\r\n"),
            "message_id": mail["Message-ID"],
        }

    return Rig(
        {
            "host": "127.0.0.1",
            "port": made.port,
            "security": "none",
            "from": "desk@example.test",
            "username": "desk",
            "password": "env:CONTRACT_TOKEN",
            "subject": "A visit",
            "text": "See you soon, ${contact}",
        },
        arrived=made.arrived,
        left=made.left,
        tasks=made.tasks,
        # The Date may differ between two attempts.
        sent=lambda: [re.sub(rb"Date: .*\r\n", b"", one) for one in made.mails],
        address=lambda name: f"{name}@example.test",
        agrees=agrees,
    )


CALLABLE = """
import asyncio

arrived, left, seen = asyncio.Event(), asyncio.Event(), []

async def contact(record, greeting, token):
    arrived.set()
    seen.append((record.key, record.contact, dict(record.fields), greeting))
    if record.contact == "stalls":
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
    return "delivered"
"""


async def python_rig(floor):
    name = f"contract_{floor.folder.name}"
    (floor.folder / f"{name}.py").write_text(CALLABLE, encoding="utf-8")
    floor.monkeypatch.syspath_prepend(floor.folder)
    made = importlib.import_module(name)
    return Rig(
        {
            "call": f"{name}:contact",
            "settings": {"greeting": "Hello", "token": "env:CONTRACT_TOKEN"},
        },
        arrived=made.arrived,
        left=made.left,
        sent=lambda: list(made.seen),
        agrees=lambda shown, sent: (
            (shown["key"], shown["contact"], shown["fields"]) == sent[:3]
        ),
    )


RIGS = {
    "python": python_rig,
    "simulator": simulator_rig,
    "smtp": smtp_rig,
    "webhook": webhook_rig,
}

#: Settings, and the keys that must be complained about.
BAD_SETTINGS: dict[str, tuple[dict[str, object], list[str]]] = {
    "python": (
        {"call": "print", "timout": "1s", "settings": {"a b": 1, "c": "env:"}},
        ["call", "timout", "settings.'a b'", "settings.c"],
    ),
    "simulator": (
        {"latncy": "1s", "jitter": 3, "delivery": "twice"},
        ["latncy", "jitter", "delivery"],
    ),
    "smtp": (
        {
            "host": "mail.example.test",
            "security": "none",
            "from": "a@example.test, b@example.test",
            "subject": "two\nlines",
            "password": "hunter2",
        },
        ["security", "from", "subject", "password", "text"],
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
async def rig(name, provider, mail_server, tmp_path, monkeypatch):
    monkeypatch.setenv("CONTRACT_TOKEN", "a-planted-secret")
    return await RIGS[name](Floor(provider, mail_server, tmp_path, monkeypatch))


@pytest.fixture
async def channel(name, rig):
    async with loaded_for_loopback(name, rig.settings) as opened:
        yield opened


@pytest.fixture
def made(dispatch, rig):
    """A dispatch to somebody whom the channel can address."""

    def build(name="p1", **given):
        return dispatch(rig.address(name), key=given.pop("key", f"k-{name}"), **given)

    return build


async def test_keeps_the_protocol(channel):
    assert isinstance(channel, Channel)
    assert isinstance(channel.delivery, Delivery)
    assert channel.deadline_s > 0
    assert isinstance(channel.placeholders, frozenset)
    assert isinstance(channel.target, str)


async def test_answers_many_attempts_at_once(channel, made):
    outcomes = await asyncio.gather(
        *(channel.deliver(made(f"p{n:04}")) for n in range(200))
    )

    assert [one.outcome_class for one in outcomes] == [OutcomeClass.DELIVERED] * 200


async def test_names_every_outcome_in_lower_snake_case(channel, made):
    outcome = await channel.deliver(made())

    assert isinstance(outcome, Outcome)
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", outcome.code)


async def test_the_same_key_always_carries_the_same_body(channel, made, rig):
    for number in (1, 2, 7):
        await channel.deliver(made(number=number, key="one-key"))

    assert all(one == rig.sent()[0] for one in rig.sent())


async def test_an_outcome_can_be_replayed(channel, made):
    first = [await channel.deliver(made(f"p{n}")) for n in range(20)]
    again = [await channel.deliver(made(f"p{n}")) for n in range(20)]

    assert first == again


async def test_a_cancelled_attempt_leaves_nothing_open(channel, made, rig):
    before = asyncio.all_tasks()
    attempt = asyncio.create_task(channel.deliver(made("stalls")))
    await asyncio.sleep(0)
    await rig.arrived.wait()
    assert not attempt.done()

    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    await rig.left.wait()

    left = {one for one in asyncio.all_tasks() - before if not one.done()}
    assert left - rig.tasks == set()
    after = await channel.deliver(made("p1"))
    assert after.outcome_class is OutcomeClass.DELIVERED


async def test_can_be_opened_again_after_it_was_closed(name, rig, made):
    channel = loaded_for_loopback(name, rig.settings)

    for _ in range(2):
        async with channel:
            outcome = await channel.deliver(made())
            assert outcome.outcome_class is OutcomeClass.DELIVERED


async def test_renders_without_being_opened_and_sends_nothing(
    name, rig, made, monkeypatch
):
    monkeypatch.delenv("CONTRACT_TOKEN")
    channel = loaded_for_loopback(name, rig.settings)

    shown = channel.rendered(made())

    assert shown
    assert json.loads(json.dumps(shown)) == shown
    assert (rig.sent(), rig.arrived.is_set()) == ([], name == "simulator")


async def test_renders_alike_each_time_and_shows_no_secret(channel, made):
    first = channel.rendered(made())
    await channel.deliver(made())

    assert channel.rendered(made()) == first
    assert channel.rendered(made("p2")) != first
    assert "a-planted-secret" not in json.dumps(first)


async def test_delivers_what_was_rendered(channel, made, rig):
    shown = channel.rendered(made())

    await channel.deliver(made())

    assert all(rig.agrees(shown, one) for one in rig.sent())


async def test_changes_no_dispatch_while_rendering(channel, made):
    one = made(name="Ann")
    before = replace(one, fields=dict(one.fields))

    channel.rendered(one)

    assert one == before


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


def test_what_cannot_be_rendered_can_never_be_sent():
    error = RenderError.missing(KeyError("first_name"))

    assert "'first_name'" in str(error)
    assert error.outcome.outcome_class is OutcomeClass.PERMANENT
    assert error.outcome.code == "missing_field"
