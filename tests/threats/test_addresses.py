"""Webhooks contact whom they may, whatever a URL, a name server or a reply says."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.support.floor import Floor, ids, webhook
from tests.support.loopback import LOOPBACK
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.channels.base import NoAnswerError
from watchfloor.channels.hook_settings import HookError, WebhookHookSettings
from watchfloor.channels.hook_webhook import told_webhook
from watchfloor.channels.settings import checked
from watchfloor.channels.webhook import WebhookChannel
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import Dispatch, OutcomeClass
from watchfloor.domain.reach import Reach, host_pattern, internal_range
from watchfloor.domain.regions import Gate, RunOutcome, Verb

THIS_MACHINE = 'internal = ["127.0.0.0/8", "::1"]'
PUBLIC = "93.184.215.14"

#: Ways to write this machine, its neighbours, and where a cloud keeps credentials.
SPELLINGS = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "0",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7F.0x0.0x0.0x1",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "\uff11\uff12\uff17.0.0.1",
    "\u2460\u2461\u2466.0.0.1",
    "127\u30020\u30020\u30021",
    "someone@127.0.0.1",
    "calls.example.org@127.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "calls.localhost",
    "\u24dbocalhost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[::1%25lo]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "10.0.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
]

#: Names of somebody else's name server, and what it answers.
LEADING_INWARD = {
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "intranet.example": ["10.20.30.40", "fd00::1"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "link.example": ["fe80::1%1"],
}


@contextmanager
def name_server(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, list[list[str]]]
) -> Iterator[list[str]]:
    """Answer the system's look-ups; of several answers each comes once, the last on."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answered(host, port, *args, **options):
        if host not in answers:
            return real(host, port, *args, **options)
        asked.append(host)
        planned = answers[host]
        found = planned.pop(0) if len(planned) > 1 else planned[0]
        return [_info(address, port) for address in found]

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", answered)
        yield asked


def _info(address: str, port: int):
    if ":" not in address:
        return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
    plain, _, zone = address.partition("%")
    where = (plain, port, 0, int(zone or 0))
    return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", where)


def allow(floor: Floor, line: str) -> None:
    """Let this be all that the workspace says of its webhooks."""
    text = floor.layout.settings.read_text(encoding="utf-8")
    assert THIS_MACHINE in text
    floor.layout.settings.write_text(text.replace(THIS_MACHINE, line), encoding="utf-8")


def to(contact: str = "c1") -> Dispatch:
    return Dispatch(key=f"key-{contact}", contact=contact, fields={})


def delivered_by(
    url: str, reach: Reach, opened_with: Reach | None = None, loop_factory=None
):
    """Open a channel, and make one attempt within *reach*."""
    now = [opened_with or reach]
    channel = WebhookChannel({"url": url, "delivery": "at_most_once"})
    channel.keep_within(lambda: now[0])

    async def attempted():
        async with channel:
            now[0] = reach
            return await channel.deliver(to())

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(attempted())


# --- before a launch -----------------------------------------------------------------


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_an_inner_address_opens_a_channel(host):
    with pytest.raises(ConfigError) as refused:
        delivered_by(f"http://{host}:1/", Reach())

    assert all(one.startswith("url: ") for one in refused.value.mistakes)


@pytest.mark.parametrize("host", SPELLINGS)
def test_what_opened_while_it_was_allowed_connects_nowhere_once_it_is_not(
    host, monkeypatch
):
    everywhere = Reach(internal=(internal_range("0.0.0.0/0"), internal_range("::/0")))
    made: list[object] = []
    monkeypatch.setattr(
        asyncio.SelectorEventLoop, "sock_connect", lambda *a: made.append(a)
    )

    try:
        outcome = delivered_by(f"http://{host}:1/", Reach(), opened_with=everywhere)
    except ConfigError:
        outcome = None  # no address as addresses are written, whatever is allowed

    assert made == []
    if outcome is not None:
        # Or the client itself takes the spelling for no host.
        assert outcome.code in {"address_refused", "connect_failed"}


def test_a_launch_is_refused_with_the_place_and_the_line_to_write(floor, provider):
    allow(floor, "")

    with pytest.raises(ConfigError) as refused:
        floor.prepared(webhook(provider.url, "", name="calls"), ids(1))

    [mistake] = refused.value.mistakes
    assert mistake == (
        "campaign.toml: steps[0].settings.url: 127.0.0.1 is an address of this "
        "machine, and those are not contacted unless they are listed; if it is "
        'meant, add internal = ["127.0.0.1"] to [webhooks] of watchfloor.toml'
    )
    assert floor.views() == ()
    assert list(floor.layout.uploads.iterdir()) == []


@pytest.mark.parametrize("name", LEADING_INWARD)
def test_a_launch_looks_names_up(floor, monkeypatch, name):
    allow(floor, "")

    with (
        name_server(monkeypatch, {name: [LEADING_INWARD[name]]}),
        pytest.raises(ConfigError, match=f"{name} leads to .* are not contacted"),
    ):
        floor.prepared(webhook(f"http://{name}/"), ids(1))


def test_the_engine_looks_once_more_at_what_was_asked_for(floor, provider):
    launch = floor.prepared(webhook(provider.url), ids(1))
    allow(floor, "")

    answer = floor.asked(launch.command)

    assert answer.state == "refused"
    assert "an address of this machine" in answer.detail
    assert floor.views() == ()


def test_only_listed_hosts_are_contacted_where_there_is_a_list():
    reach = Reach(
        hosts=(
            host_pattern("calls.example.org"),
            host_pattern("*.example.com:443"),
            host_pattern("Dotted.example.net."),
        )
    )
    asked = {
        "calls.example.org": 80,
        "CALLS.example.org.": 443,
        "a.example.com": 443,
        "b.a.example.com": 443,
        "dotted.example.net": 1,
    }
    unlisted = {
        "example.com": 443,
        "a.example.com": 80,
        "notexample.com": 443,
        "calls.example.org.evil.test": 80,
        "xcalls.example.org": 80,
        PUBLIC: 80,
    }

    told = {host: reach.refusal_of_host(host, port) for host, port in unlisted.items()}

    assert [reach.refusal_of_host(host, port) for host, port in asked.items()] == (
        [""] * len(asked)
    )
    assert all("not among the hosts" in why for why in told.values()), told


def test_a_listed_name_opens_no_inner_address():
    reach = Reach(hosts=(host_pattern("localhost"), host_pattern("127.0.0.1")))

    for host in ("localhost", "127.0.0.1"):
        assert "an address of this machine" in reach.refusal_of_host(host, 80)


# --- at every connection -------------------------------------------------------------


@pytest.mark.parametrize("name", LEADING_INWARD)
def test_a_name_that_leads_inward_is_not_connected_to(monkeypatch, name):
    with name_server(monkeypatch, {name: [LEADING_INWARD[name]]}):
        outcome = delivered_by(f"http://{name}/", Reach())

    assert (outcome.outcome_class, outcome.code) == (
        OutcomeClass.TRANSIENT,
        "address_refused",
    )
    assert name in outcome.run_fault
    assert "[webhooks] of watchfloor.toml" in outcome.run_fault


def test_the_address_that_was_judged_is_the_one_connected_to(monkeypatch, provider):
    """The second answer of the name server comes too late to be anybody's."""
    answers = {"calls.example": [["127.0.0.2", "127.0.0.1"], ["127.0.0.2"]]}
    reach = Reach(internal=(internal_range(f"127.0.0.1:{provider.port}"),))
    with (
        socket.create_server(("127.0.0.2", provider.port)) as inner,
        name_server(monkeypatch, answers) as asked,
    ):
        inner.setblocking(False)
        outcome = delivered_by(f"http://calls.example:{provider.port}/", reach)
        with pytest.raises(BlockingIOError):
            inner.accept()

    assert outcome.outcome_class is OutcomeClass.DELIVERED
    assert asked == ["calls.example"]
    assert provider.contacts == ["c1"]


def test_a_name_that_is_bound_anew_after_the_launch_pauses_the_run_and_loses_nobody(
    floor, monkeypatch, provider
):
    # Its own look-ups ask no name server of a test; without it an engine runs as well.
    monkeypatch.setitem(sys.modules, "uvloop", None)
    allow(floor, "")
    url = f"http://calls.example:{provider.port}/calls"
    with (
        name_server(monkeypatch, {"calls.example": [[PUBLIC], ["127.0.0.1"]]}) as asked,
        floor.engine(),
    ):
        run_id = floor.launched(webhook(url, permits=5), ids(20))
        floor._until(
            lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED or None,
            "the run to pause itself",
        )
        books = floor.assert_books_hold(run_id)
        pauses = {one.why for one in floor.events(run_id) if one.by == "engine"}

        assert asked[0] == "calls.example"
        assert provider.arrivals == []
        assert (books.unknown, books.failed, books.delivered) == (0, 0, 0)
        # Nothing was sent: nobody has spent an attempt, and everybody stands as before.
        assert (books.attempts, books.pending, books.retry) == (0, 20, 0)
        assert any("calls.example leads to 127.0.0.1" in why for why in pauses)
        assert {(one.code, one.attempts) for one in floor.records(run_id)} == {("", 0)}
        assert [one.event for one in floor.journey(run_id, 1).entries] == ["received"]

        text = floor.layout.settings.read_text(encoding="utf-8")
        allowed = text.replace("[webhooks]", '[webhooks]\ninternal = ["127.0.0.1"]\n#')
        floor.layout.settings.write_text(allowed, encoding="utf-8")
        assert floor.steered(Verb.RESUME, run_id).state == "settled"
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(20)
    assert floor.assert_books_hold(run_id).delivered == 20


def another_beat(floor: Floor) -> Callable[[], bool]:
    """Return whether the engine has stored that it lives once more."""
    before = floor.pulse().heartbeat_at_ms
    return lambda: floor.pulse().heartbeat_at_ms > before


def test_a_record_that_waits_for_its_retry_waits_on_where_its_host_is_struck_off(
    floor, provider
):
    provider.replies = {"c00001": [Reply(status=503), Reply()]}
    once = 'delivery = "at_most_once"'  # each attempt has a connection of its own
    retry = 'backoff = "30s"\nattempts = 2'
    with floor.engine():
        run_id = floor.launched(webhook(provider.url, once, retry=retry), ids(1))
        until(lambda: floor.books(run_id).retry)
        [before] = floor.records(run_id)
        as_it_was = floor.layout.settings.read_text(encoding="utf-8")
        allow(floor, "")
        for _ in range(2):  # the first may have begun before
            until(another_beat(floor))
        floor.clock.ahead_s += 3_600
        floor._until(
            lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED or None,
            "the run to pause itself",
        )
        [after] = floor.records(run_id)
        floor.layout.settings.write_text(as_it_was, encoding="utf-8")
        assert floor.steered(Verb.RESUME, run_id).state == "settled"
        floor.until_ended(run_id)

    assert (after.state, after.attempts, after.code) == (before.state, 1, "http_503")
    assert after.next_at_ms == before.next_at_ms
    # The one attempt that it had left was not spent on what was refused.
    assert len(provider.arrivals) == 2
    assert floor.assert_books_hold(run_id).delivered == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_engines_own_loop_connects_nowhere_else_either(provider, host):
    uvloop = pytest.importorskip("uvloop", reason="not on every platform")
    url = f"http://{host}:{provider.port}/"

    outcome = delivered_by(url, Reach(), LOOPBACK, uvloop.new_event_loop)

    assert outcome.code == "address_refused"
    assert provider.connections == 0


def test_a_run_that_waited_while_its_host_was_struck_off_contacts_nobody(
    floor, provider
):
    run_id = floor.launched(webhook(provider.url), ids(3))
    allow(floor, "")

    with floor.engine():
        run = floor.until_ended(run_id)

    assert run.lifecycle.outcome is RunOutcome.FAILED
    assert "url: 127.0.0.1 is an address of this machine" in run.cause
    assert floor.assert_books_hold(run_id).not_attempted == 3
    assert provider.arrivals == []


def test_no_redirect_leads_inward(provider):
    with Provider() as inner:
        provider.otherwise = Reply(status=307, headers={"Location": inner.url})
        outcome = delivered_by(provider.url, LOOPBACK)

    assert outcome.code == "redirect_refused"
    assert len(provider.arrivals) == 1
    assert inner.arrivals == []


# --- whom else a workspace asks or tells ---------------------------------------------


async def test_a_look_up_goes_nowhere_that_a_delivery_may_not(provider):
    now = [LOOPBACK]
    url = f"http://127.0.0.1:{provider.port}/${{record.key}}"
    channel = WebhookChannel({"url": provider.url, "lookup_url": url})
    channel.keep_within(lambda: now[0])

    async with channel:
        now[0] = Reach()
        with pytest.raises(NoAnswerError, match="an address of this machine"):
            await channel.look_up(to())

    assert provider.questions == []


async def test_an_alert_is_posted_to_no_inner_address(provider, monkeypatch):
    payload = json.dumps({"id": "alert-1"}).encode()
    hook = checked(WebhookHookSettings, {"url": provider.url})
    named = checked(
        WebhookHookSettings, {"url": f"http://chat.example:{provider.port}/"}
    )

    with pytest.raises(HookError, match="an address of this machine"):
        await told_webhook(hook, payload, "alert-1", Reach())
    with (
        name_server(monkeypatch, {"chat.example": [["127.0.0.1"]]}),
        pytest.raises(HookError, match=r"chat\.example leads to 127.0.0.1"),
    ):
        await told_webhook(named, payload, "alert-1", Reach())

    assert provider.arrivals == []


async def test_an_address_that_is_a_secret_is_not_told_when_it_is_refused(monkeypatch):
    monkeypatch.setenv("CHAT_URL", "http://chat.example/T0P-S3CRET")
    hook = checked(WebhookHookSettings, {"url": "env:CHAT_URL"})

    with (
        name_server(monkeypatch, {"chat.example": [["127.0.0.1"]]}),
        pytest.raises(HookError, match="what url refers to") as refused,
    ):
        await told_webhook(hook, b"{}", "alert-1", Reach())

    assert "chat.example" not in str(refused.value)
    assert "S3CRET" not in str(refused.value)
