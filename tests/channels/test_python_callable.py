from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from watchfloor.channels.python_callable import PythonChannel
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import Delivery, Outcome, OutcomeClass

NOW_S = 1_700_000_000.0
SECRET = "hunter2-hunter2"  # noqa: S105 - a planted one

HEAD = """
import asyncio, datetime, sys
from watchfloor.domain.outcomes import Outcome, OutcomeClass
"""


@pytest.fixture
def python(tmp_path, monkeypatch):
    """Write a module and return the channel of its function ``contact``."""
    monkeypatch.syspath_prepend(tmp_path)

    def build(source, **settings):
        name = f"brought_{uuid4().hex}"
        (tmp_path / f"{name}.py").write_text(HEAD + source, encoding="utf-8")
        return PythonChannel(
            {"call": f"{name}:contact", **settings}, clock=lambda: NOW_S
        )

    return build


@pytest.fixture
def answered(python, dispatch):
    """Make one attempt with a function of this body."""

    async def make(body, **settings):
        source = f"async def contact(record, **given):\n    {body}\n"
        async with python(source, **settings) as channel:
            return await channel.deliver(dispatch(name="Ann"))

    return make


def ended(outcome):
    return outcome.outcome_class.word, outcome.code


# Answers.


@pytest.mark.parametrize("word", ["delivered", "transient", "permanent", "ambiguous"])
async def test_a_bare_word_is_an_answer(answered, word):
    assert ended(await answered(f"return {word!r}")) == (word, word)


async def test_an_outcome_is_handed_on_as_it_is(answered):
    outcome = await answered(
        "return Outcome(outcome_class=OutcomeClass.PERMANENT, code='gone', "
        "suppress='hard bounce')"
    )

    assert outcome == Outcome(
        outcome_class=OutcomeClass.PERMANENT, code="gone", suppress="hard bounce"
    )


async def test_a_dictionary_says_as_much_as_a_webhooks_reply(answered):
    outcome = await answered(
        "return {'outcome': 'transient', 'code': 'Line-Busy', 'detail': 'later', "
        "'id': 42, 'retry_after': 30}"
    )

    assert outcome == Outcome(
        outcome_class=OutcomeClass.TRANSIENT,
        code="line_busy",
        detail="later",
        provider_id="42",
        retry_after_ms=30_000,
    )


@pytest.mark.parametrize(
    "due",
    [
        "'2026-11-23T09:00:00+01:00'",
        "datetime.datetime(2026, 11, 23, 8, tzinfo=datetime.timezone.utc)",
    ],
)
async def test_a_callback_names_its_time(answered, due):
    outcome = await answered(f"return {{'outcome': 'callback', 'due_at': {due}}}")

    assert ended(outcome) == ("callback", "callback")
    assert outcome.due_at_ms == 1_795_420_800_000


async def test_a_callback_without_a_time_is_no_promise(answered):
    assert ended(await answered("return 'callback'")) == ("transient", "bad_due_at")


@pytest.mark.parametrize(
    "nonsense",
    [
        "None",
        "True",
        "42",
        "'yes'",
        "''",
        "{}",
        "{'outcome': ['delivered']}",
        "{'outcome': 'sent'}",
        "{'outcom': 'delivered'}",
        "{'outcome': 'delivered', 'x': object()}",
        "{'outcome': 'delivered', ('a',): 1}",
        "OutcomeClass.DELIVERED",
        "asyncio.sleep",
    ],
)
async def test_an_answer_that_says_nothing_is_ambiguous(answered, nonsense):
    outcome = await answered(f"return {nonsense}")

    assert ended(outcome) == ("ambiguous", "bad_answer")


# Failures: what the function did before it failed is not known.


@pytest.mark.parametrize("delivery", ["at_most_once", "idempotent"])
async def test_an_exception_is_ambiguous(answered, delivery):
    outcome = await answered(
        "raise ValueError('no\\x1b[31m' + 'x' * 2000)", delivery=delivery
    )

    assert ended(outcome) == ("ambiguous", "raised")
    assert outcome.detail.startswith("ValueError: no␛[31m")
    assert len(outcome.detail) <= 500


@pytest.mark.parametrize(
    "failure",
    [
        "sys.exit(3)",
        "raise TimeoutError('its own')",
        "raise asyncio.CancelledError",
        "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})",
    ],
)
async def test_no_failure_gets_past_an_attempt(answered, failure):
    assert ended(await answered(failure)) == ("ambiguous", "raised")


async def test_no_answer_in_time_is_ambiguous(answered):
    outcome = await answered("await asyncio.Event().wait()", timeout="50ms")

    assert ended(outcome) == ("ambiguous", "timeout")


async def test_a_cancelled_attempt_is_cancelled(python, dispatch):
    source = "async def contact(record):\n    await asyncio.Event().wait()\n"
    async with python(source) as channel:
        attempt = asyncio.create_task(channel.deliver(dispatch()))
        await asyncio.sleep(0)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt


async def test_a_secret_is_handed_over_and_never_repeated(answered, monkeypatch):
    monkeypatch.setenv("CRM_TOKEN", SECRET)
    given = {"token": "env:CRM_TOKEN", "tries": 3}

    told = await answered("raise ValueError(given['token'])", settings=given)
    assert told.detail == "ValueError: [secret]"

    told = await answered(
        "return {'outcome': 'delivered', 'detail': given['token'], "
        "'id': given['tries']}",
        settings=given,
    )
    assert (told.detail, told.provider_id) == ("[secret]", "3")


# What it is given.


async def test_the_record_cannot_be_changed(answered):
    outcome = await answered("record.fields['name'] = 'Eve'")
    assert "TypeError" in outcome.detail

    outcome = await answered("record.contact = 'eve'")
    assert "FrozenInstanceError" in outcome.detail


def test_renders_what_the_function_is_given(python, dispatch):
    channel = python("", settings={"token": "env:CRM_TOKEN", "tries": 3})

    shown = dict(channel.rendered(dispatch("p1", name="Ann")))

    assert shown.pop("call") == channel.target
    assert shown == {
        "contact": "p1",
        "key": "key-p1",
        "fields": {"name": "Ann"},
        "settings": {"token": "env:CRM_TOKEN", "tries": 3},
    }


# What cannot be called.


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def contact(record): return 'delivered'", "write 'async def'"),
        ("class contact:\n    async def __call__(self, record): ...", "async function"),
        ("contact = 3", "it is no async function"),
        ("", "has no 'contact'"),
        ("import no_such_module_of_ours", "no module 'no_such_module_of_ours'"),
        ("raise ValueError('not today')", "its module fails: ValueError: not today"),
        ("def contact(", "its module fails: SyntaxError"),
        ("sys.exit(3)", "its module fails: SystemExit"),
    ],
)
async def test_what_cannot_be_called_is_told_before_anybody_is_contacted(
    python, source, why
):
    channel = python(source)

    with pytest.raises(ConfigError, match=f"^call: .*{why}.*nobody was contacted"):
        async with channel:
            pass


async def test_an_object_that_is_called_like_a_function_will_do(python, dispatch):
    source = """
class Contact:
    async def __call__(self, record):
        return "delivered"

contact = Contact()
"""
    async with python(source) as channel:
        outcome = await channel.deliver(dispatch())

    assert ended(outcome) == ("delivered", "delivered")


def test_nothing_is_imported_before_the_channel_opens(python):
    python("raise ValueError('imported')")


async def test_a_channel_that_is_not_open_calls_nothing(python, dispatch):
    with pytest.raises(RuntimeError, match="not open"):
        await python("").deliver(dispatch())


@pytest.mark.parametrize("call", ["print", "a:b:c", "a.:b", ":b", "a:", "a/b:c", ""])
def test_a_call_names_a_module_and_a_function(call):
    with pytest.raises(ConfigError, match=r"^call: must name a function"):
        PythonChannel({"call": call})


def test_it_is_at_most_once_unless_the_settings_say_more():
    channel = PythonChannel({"call": "a.b:c", "timeout": "3s"})

    assert channel.delivery is Delivery.AT_MOST_ONCE
    assert 3 < channel.deadline_s < 6
    assert channel.placeholders == frozenset()
    assert PythonChannel({"call": "a:b", "delivery": "idempotent"}).delivery is (
        Delivery.IDEMPOTENT
    )
