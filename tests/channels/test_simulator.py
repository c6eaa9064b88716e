from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from watchfloor.channels.control_file import REREAD_S, ControlFile
from watchfloor.channels.simulator import SimulatorChannel
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import Delivery, OutcomeClass

ALL_SHARES = {"transient": 0.2, "permanent": 0.1, "callback": 0.1, "ambiguous": 0.1}


def simulator(**settings):
    return SimulatorChannel(settings, clock=lambda: 1_000.0)


async def test_delivers_by_default(dispatch):
    outcome = await simulator().deliver(dispatch())

    assert outcome.outcome_class is OutcomeClass.DELIVERED


async def test_does_not_suspend_when_nothing_asks_it_to_wait(dispatch):
    attempt = simulator(shares=ALL_SHARES).deliver(dispatch())

    with pytest.raises(StopIteration):
        attempt.send(None)


async def test_first_attempts_end_in_the_shares_of_the_settings(dispatch):
    channel = simulator(shares=ALL_SHARES)
    seen = Counter(
        [
            (await channel.deliver(dispatch(f"+1202{n:07}"))).outcome_class.word
            for n in range(10_000)
        ]
    )

    for word, share in {**ALL_SHARES, "delivered": 0.5}.items():
        assert seen[word] == pytest.approx(10_000 * share, rel=0.1)


async def test_another_seed_is_another_world(dispatch):
    contacts = [dispatch(f"p{n}") for n in range(100)]
    one, two = (simulator(seed=seed, shares=ALL_SHARES) for seed in (1, 2))

    assert [await one.deliver(c) for c in contacts] != [
        await two.deliver(c) for c in contacts
    ]


async def test_a_permanent_failure_stays_permanent(dispatch):
    channel = simulator(shares=ALL_SHARES)
    for n in range(200):
        classes = {
            (await channel.deliver(dispatch(f"p{n}", number))).outcome_class
            for number in range(1, 6)
        }
        assert classes == {OutcomeClass.PERMANENT} or (
            OutcomeClass.PERMANENT not in classes
        )


async def test_a_retry_of_a_transient_failure_usually_succeeds(dispatch):
    channel = simulator(shares={"transient": 0.2})
    busy = [
        f"p{n}"
        for n in range(1_000)
        if (await channel.deliver(dispatch(f"p{n}"))).outcome_class
        is OutcomeClass.TRANSIENT
    ]
    again = [
        (await channel.deliver(dispatch(one, number=2))).outcome_class for one in busy
    ]

    assert 0.1 < again.count(OutcomeClass.TRANSIENT) / len(busy) < 0.3


async def test_a_callback_is_due_after_the_time_in_the_settings(dispatch):
    channel = simulator(shares={"callback": 1.0}, callback_after="2m")

    outcome = await channel.deliver(dispatch())

    assert outcome.outcome_class is OutcomeClass.CALLBACK
    assert outcome.due_at_ms == 1_000_000 + 120_000


async def test_a_script_rules_attempt_by_attempt_and_its_last_word_repeats(dispatch):
    channel = simulator(script={"p1": ["transient", "ambiguous", "delivered"]})

    words = [
        (await channel.deliver(dispatch("p1", number))).outcome_class.word
        for number in (1, 2, 3, 4)
    ]

    assert words == ["transient", "ambiguous", "delivered", "delivered"]


async def test_a_contact_outside_the_script_goes_by_the_shares(dispatch):
    channel = simulator(script={"p1": ["delivered"]}, shares={"permanent": 1.0})

    outcome = await channel.deliver(dispatch("p2"))

    assert outcome.outcome_class is OutcomeClass.PERMANENT


async def test_a_scripted_crash_is_an_exception(dispatch):
    with pytest.raises(RuntimeError, match="crashes attempt 1"):
        await simulator(script={"p1": ["crash"]}).deliver(dispatch("p1"))


@pytest.mark.parametrize(
    "settings",
    [{"script": {"p1": ["hang"]}}, {"latency": "1h"}, {"jitter": "30d", "seed": 4}],
)
async def test_what_outlasts_the_timeout_is_ambiguous(settings, dispatch):
    channel = simulator(timeout="1ms", **settings)

    outcome = await channel.deliver(dispatch("p1"))

    assert (outcome.outcome_class, outcome.code) == (OutcomeClass.AMBIGUOUS, "timeout")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('mode = "ok"', "simulated"),
        ('mode = "fail"', "provider_down"),
        ('mode = "hang"', "timeout"),
        ('mode = "slow"\nlatency = "1h"', "timeout"),
        ('mode = "slow"\nlatency = "1ms"', "simulated"),
        ("mode = ", "simulated"),
        (None, "simulated"),
    ],
)
async def test_a_control_file_makes_the_provider_sick(text, code, tmp_path, dispatch):
    control = tmp_path / "provider.toml"
    if text is not None:
        control.write_text(text)
    channel = simulator(timeout="20ms", control=str(control))

    assert (await channel.deliver(dispatch())).code == code


async def test_a_hanging_provider_that_recovers_answers(tmp_path, dispatch):
    control = tmp_path / "provider.toml"
    control.write_text('mode = "hang"')
    channel = simulator(control=str(control))
    attempt = asyncio.create_task(channel.deliver(dispatch()))
    await asyncio.sleep(0)
    assert not attempt.done()

    control.unlink()

    assert (await attempt).outcome_class is OutcomeClass.DELIVERED


def test_a_control_file_is_read_at_most_so_often_and_a_half_one_changes_nothing(
    tmp_path,
):
    path = tmp_path / "provider.toml"
    path.write_text('mode = "fail"')
    control = ControlFile(str(path))
    assert control.health(0.0).mode == "fail"

    path.write_text('mode = "ok"')
    assert control.health(REREAD_S / 2).mode == "fail"
    assert control.health(REREAD_S).mode == "ok"

    path.write_text('mode = "ha')
    assert control.health(REREAD_S * 2).mode == "ok"


def test_delivery_is_a_setting():
    assert simulator().delivery is Delivery.IDEMPOTENT
    assert simulator(delivery="at_most_once").delivery is Delivery.AT_MOST_ONCE


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"shares": {"transient": 0.7, "permanent": 0.4}}, "shares: add up to 1.1"),
        ({"shares": {"transent": 0.7}}, "shares.transent: .* did you mean 'transient'"),
        ({"shares": {"transient": 2}}, "shares.transient: must be less than or equal"),
        ({"latency": "soon"}, "latency: 'soon' is not a duration; .* 500ms"),
        ({"latency": 5}, "latency: 5 is not a duration"),
        ({"timeout": "0s"}, "timeout: must be longer than nothing"),
        ({"seed": "1"}, "seed: must be a valid integer"),
        ({"script": {"p1": ["deliverd"]}}, r"script.p1\[0\]: 'deliverd' is not known"),
        ({"script": {"p1": []}}, "script.p1: "),
        ({"pigeons": 1}, "pigeons: there is no such setting; known are seed, latency"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_key(settings, sentence):
    with pytest.raises(ConfigError, match=f"^{sentence}"):
        simulator(**settings)


def test_shares_may_fill_the_whole():
    tenths = dict.fromkeys(ALL_SHARES, 0.1) | {"transient": 0.7}

    assert simulator(shares=tenths).placeholders == frozenset()
