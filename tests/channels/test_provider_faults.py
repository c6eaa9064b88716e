"""Every fault of a provider really happens, and ends as the table says.

The provider itself says that it did: a test waits until it was done to its end.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import tracemalloc
from collections import defaultdict
from pathlib import Path

import aiohttp
import pytest
from tests.channels.fault_table import (
    AFTER_THE_REQUEST,
    AMBIGUOUS,
    BECOMES,
    BEFORE_THE_REQUEST,
    DELIVERED,
    PERMANENT,
    THIRTEEN,
    TRANSIENT,
    Fault,
)
from tests.support import fault_acts as acts
from tests.support.certificates import Certificates, new_certificates, showing
from tests.support.faulty import FaultyProvider

from watchfloor.domain.outcomes import Delivery, Outcome
from watchfloor.domain.records import Circumstances, judge
from watchfloor.domain.retries import RetryPolicy

BOMBS = tuple(one for one in AFTER_THE_REQUEST if one.kind == "bomb")
PAGE = Path(__file__).parents[2] / "docs" / "guides" / "provider-faults.md"
#: Far less than a bomb, and more than what tells that there is one.
MOST_MEMORY = 3_000_000


def name_of(fault: Fault) -> str:
    return f"{fault.kind}: {fault.case}"


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return new_certificates()


def assert_becomes(outcome: Outcome, word: str, code: str) -> None:
    """Check the outcome, and what it makes of a record in both modes."""
    assert (outcome.outcome_class.word, outcome.code) == (word, code)
    seen = Circumstances(tries=1, first_at_ms=0, now_ms=1_000)
    modes = (Delivery.IDEMPOTENT, Delivery.AT_MOST_ONCE)
    states = [judge(outcome, RetryPolicy(), one, seen).state for one in modes]
    assert tuple(states) == BECOMES[word]
    assert outcome.run_fault == ""


async def happened(provider: FaultyProvider, count: int = 1) -> None:
    await asyncio.to_thread(provider.wait_until_done, count)


@pytest.mark.parametrize("fault", AFTER_THE_REQUEST, ids=name_of)
async def test_what_a_provider_does_to_a_request_decides(webhook, dispatch, fault):
    with FaultyProvider(fault.act) as provider:
        async with webhook(provider.url, **fault.settings) as channel:
            outcome = await channel.deliver(dispatch())
            await happened(provider)

    assert_becomes(outcome, fault.word, fault.code)
    assert outcome.retry_after_ms == fault.retry_after_ms
    # Nothing is sent again by the client.
    assert (provider.connections, len(provider.bodies)) == (1, 1)


@pytest.mark.parametrize("fault", BEFORE_THE_REQUEST, ids=name_of)
async def test_what_happens_before_the_request_is_safe(webhook, dispatch, fault):
    with FaultyProvider(fault.act) as provider:
        url = provider.url.replace("http:", "https:")
        async with webhook(url, **fault.settings) as channel:
            outcome = await channel.deliver(dispatch())
            await happened(provider)

    assert_becomes(outcome, fault.word, fault.code)
    assert (provider.connections, provider.bodies) == (1, [])


async def test_time_out_a_connection_that_is_never_taken(webhook, dispatch):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        with socket.create_connection(address):
            url = f"http://127.0.0.1:{address[1]}/"
            async with webhook(url, connect_timeout="100ms") as channel:
                outcome = await channel.deliver(dispatch())

    assert_becomes(outcome, TRANSIENT, "connect_timeout")


@pytest.mark.parametrize("fault", BOMBS, ids=name_of)
async def test_bomb_the_memory_stays_flat(webhook, dispatch, fault):
    with FaultyProvider(fault.act) as provider:
        async with webhook(provider.url) as channel:
            acts.packed_bomb()  # what packing takes is the provider's
            gc.collect()
            tracemalloc.start()
            try:
                outcome = await channel.deliver(dispatch())
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            await happened(provider)

    assert_becomes(outcome, fault.word, fault.code)
    assert peak < MOST_MEMORY


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_refused_and_its_target_never_asked(
    webhook, dispatch, status
):
    with FaultyProvider(acts.answering(200)) as target:
        there = acts.answering(status, Location=target.url)
        with FaultyProvider(there) as provider:
            async with webhook(provider.url) as channel:
                outcome = await channel.deliver(dispatch())
                await happened(provider)

    assert_becomes(outcome, PERMANENT, "redirect_refused")
    assert (len(provider.bodies), target.connections) == (1, 0)


@pytest.mark.parametrize("shown", ["strange", "wrong_host", "expired"])
async def test_tls_a_certificate_that_is_not_trusted_gets_no_request(
    webhook, dispatch, certificates, monkeypatch, shown
):
    # As if the machine trusted the authority: only what is wrong remains.
    monkeypatch.setattr(
        aiohttp.connector, "_SSL_CONTEXT_VERIFIED", certificates.trusting()
    )
    context = showing(getattr(certificates, shown))
    with FaultyProvider(acts.secured(context, acts.answering(200))) as provider:
        url = provider.url.replace("http:", "https:")
        async with webhook(url) as channel:
            outcome = await channel.deliver(dispatch())
            await happened(provider)

    assert_becomes(outcome, TRANSIENT, "tls_failed")
    assert (provider.connections, provider.bodies) == (1, [])


async def test_tls_a_certificate_that_is_trusted_gets_the_request(
    webhook, dispatch, certificates, monkeypatch
):
    monkeypatch.setattr(
        aiohttp.connector, "_SSL_CONTEXT_VERIFIED", certificates.trusting()
    )
    context = showing(certificates.good)
    with FaultyProvider(acts.secured(context, acts.answering(200))) as provider:
        url = provider.url.replace("http:", "https:")
        async with webhook(url) as channel:
            outcome = await channel.deliver(dispatch())

    assert_becomes(outcome, DELIVERED, "http_200")
    assert len(provider.bodies) == 1


@pytest.mark.parametrize(
    "number", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL]
)
async def test_dns_a_name_that_does_not_resolve_sends_nothing(
    webhook, dispatch, monkeypatch, number
):
    asked = []

    def failing(host, *_, **__):
        asked.append(host)
        raise socket.gaierror(number, "as the resolver says")

    monkeypatch.setattr(socket, "getaddrinfo", failing)
    async with webhook("https://provider.example.org/calls") as channel:
        outcome = await channel.deliver(dispatch())

    assert_becomes(outcome, TRANSIENT, "dns_failed")
    assert asked == ["provider.example.org"]


async def test_refused_connection_sends_nothing(webhook, dispatch, dead_port):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", dead_port))
    async with webhook(f"http://127.0.0.1:{dead_port}/") as channel:
        outcome = await channel.deliver(dispatch())

    assert_becomes(outcome, TRANSIENT, "connection_refused")


TWICE = [(DELIVERED, "http_200")] * 2
DYING = [
    (
        "idempotent",
        acts.dying_when_used_again,
        [(DELIVERED, "http_200"), (AMBIGUOUS, "connection_reset")],
        1,
    ),
    # Each attempt has a connection of its own: none can die under it unseen.
    ("at_most_once", acts.dying_when_used_again, TWICE, 2),
    ("idempotent", acts.dying_while_idle, TWICE, 2),
    ("at_most_once", acts.dying_while_idle, TWICE, 2),
]


@pytest.mark.parametrize(("delivery", "act", "ends", "connections"), DYING)
async def test_dead_kept_connection_is_told_from_a_lost_reply(
    webhook, dispatch, delivery, act, ends, connections
):
    with FaultyProvider(act) as provider:
        async with webhook(provider.url, delivery=delivery) as channel:
            first = await channel.deliver(dispatch("+12025550123"))
            if act is acts.dying_while_idle:
                await happened(provider)
                await asyncio.sleep(0.05)  # the client is told that it is closed
            second = await channel.deliver(dispatch("+12025550124"))
            await happened(provider)

    for outcome, (word, code) in zip((first, second), ends, strict=True):
        assert_becomes(outcome, word, code)
    assert (provider.connections, len(provider.bodies)) == (connections, 2)


def test_all_thirteen_are_here():
    in_table = {one.kind for one in (*AFTER_THE_REQUEST, *BEFORE_THE_REQUEST)}
    by_name = {
        kind
        for kind in THIRTEEN
        for name in globals()
        if name.startswith(f"test_{kind.replace(' ', '_').replace('-', '_').lower()}_")
    }

    assert len(set(THIRTEEN)) == 13
    assert in_table | by_name == set(THIRTEEN)


def test_the_operators_page_has_all_thirteen_with_their_codes():
    rows = PAGE.read_text(encoding="utf-8").partition("## Clocks")[0].splitlines()
    kind = ""
    codes: defaultdict[str, str] = defaultdict(str)
    for row in rows:
        if row.startswith("|"):
            first, second = (cell.strip() for cell in row.split("|")[1:3])
            kind = first or kind
            codes[kind] += second

    assert set(THIRTEEN) == set(codes) - {"fault", "---"}
    for fault in (*AFTER_THE_REQUEST, *BEFORE_THE_REQUEST):
        is_named = f"`{fault.code}`" in codes[fault.kind]
        is_any = "..." in codes[fault.kind] or "status decides" in codes[fault.kind]
        assert is_named or is_any, name_of(fault)
