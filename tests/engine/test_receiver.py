from __future__ import annotations

import asyncio
import gzip
import json
import os
import time

import aiohttp
import pytest

from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.domain.workspace import ResultsIntake
from watchfloor.engine.collector import Summary
from watchfloor.engine.receiver import MOST_CONNECTIONS, Receiver
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.reads.results import parked

TOKEN = "correct horse"  # noqa: S105 - of these tests
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def event(number, **changed):
    given = {
        "event_id": f"e{number}",
        "key": "ab" * 16,
        "kind": "delivered",
        "at": "2026-11-17T09:00:00Z",
    }
    return {**given, **changed}


class Door:
    """A receiver with a client before it and the engine of a floor behind it."""

    def __init__(self, around, submit):
        self.around = around
        self.submit = submit
        self.suppressed: list[bytes] = []
        self.jobs: list[object] = []
        self.receiver = None
        self.port = 0
        self.client = aiohttp.ClientSession()

    async def open(self, *, patience_s=15.0, **settings):
        given = {"rate_per_s": 100_000.0, **settings}
        self.receiver = Receiver(
            ResultsIntake(**given),
            TOKEN,
            self.submit,
            self.around,
            self.suppressed.extend,
            patience_s=patience_s,
        )
        self.port = await self.receiver.start("127.0.0.1", 0)

    async def post(self, body, *, method="POST", path="/results", headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "application/json", **AUTHORIZED, **(headers or {})}
        told = {name: value for name, value in told.items() if value is not None}
        address = f"http://127.0.0.1:{self.port}{path}"
        async with self.client.request(
            method, address, data=data, headers=told
        ) as answer:
            return answer.status, await answer.json(), answer.headers

    async def raw(self, sent):
        """Send bytes and return all that comes back until the connection closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        try:
            return await reader.read()
        finally:
            writer.close()

    async def close(self):
        await self.client.close()
        if self.receiver is not None:
            await self.receiver.close()


def surroundings():
    return Surroundings(
        lambda: time.time_ns() // 1_000_000, time.monotonic, lambda: 0.5, os.urandom
    )


@pytest.fixture
async def door(floor):
    """A door whose events are stored by a real engine."""
    with floor.engine() as engine:

        async def submit(job):
            return await asyncio.to_thread(engine.do, job)

        made = Door(floor.around, submit)
        yield made
        await made.close()


@pytest.fixture
async def deaf_door():
    """A door before a committer that a test decides about; nothing is stored."""

    async def submit(job):
        made.jobs.append(job)
        return Summary(applied=1)

    made = Door(surroundings(), submit)
    yield made
    await made.close()


@pytest.mark.parametrize(
    "body",
    [
        event(1),
        [event(1)],
        json.dumps(event(1)).encode() + b"\n",
        json.dumps(event(1), indent=2).encode(),
    ],
)
async def test_an_event_is_committed_before_it_is_accepted(floor, door, body):
    await door.open()

    status, told, _ = await door.post(body)

    assert status == 202
    assert told == {
        "applied": 0,
        "repeated": 0,
        "parked": 1,
        "late": 0,
        "suppressed": 0,
        "unusable": 0,
        "mistakes": [],
    }
    assert floor.read(parked).events == 1


async def test_lines_are_events_and_a_bad_one_is_named(floor, door):
    await door.open()
    lines = [json.dumps(event(1)), "{broken", "", json.dumps(event(2, kind="open"))]
    body = "\r\n".join([*lines, json.dumps(event(3))]).encode()

    status, told, _ = await door.post(
        body, headers={"Content-Type": "application/x-ndjson; charset=UTF-8"}
    )

    assert status == 202
    assert (told["parked"], told["unusable"]) == (2, 2)
    assert [one["event"] for one in told["mistakes"]] == [2, 3]
    assert "did you mean opened?" in told["mistakes"][1]["mistake"]
    assert floor.read(parked).events == 2


async def test_an_event_that_is_sent_again_has_one_effect(floor, door):
    await door.open()

    await door.post([event(1), event(2)])
    status, told, _ = await door.post([event(2), event(3)])

    assert status == 202
    assert (told["repeated"], told["parked"]) == (1, 1)
    assert floor.read(parked).events == 3


async def test_a_large_list_is_taken_whole(floor, door):
    await door.open()

    status, told, _ = await door.post([event(number) for number in range(3_500)])

    assert (status, told["parked"]) == (202, 3_500)
    assert floor.read(parked).events == 3_500


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 5_000, b'"text"', b"12"]
)
async def test_a_body_without_a_usable_event_is_a_mistake(deaf_door, body):
    await deaf_door.open()

    status, told, _ = await deaf_door.post(body)

    assert status == 400
    assert told["error"] == "there is no event that can be used"
    assert deaf_door.jobs == []


async def test_only_some_mistakes_are_named_and_all_are_counted(deaf_door):
    await deaf_door.open()

    _, told, _ = await deaf_door.post([event(1), *([{}] * 1_000)])

    assert told["unusable"] == 1_000
    assert len(told["mistakes"]) == 20


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"path": "/"}, 404),
        ({"path": "/results/"}, 404),
        ({"path": "/%2e%2e/state.db", "method": "GET"}, 404),
        ({"method": "GET"}, 405),
        ({"method": "PUT"}, 405),
        ({"headers": {"Authorization": None}}, 401),
        ({"headers": {"Authorization": "Bearer wrong"}}, 401),
        ({"headers": {"Authorization": f"Basic {TOKEN}"}}, 401),
        ({"headers": {"Authorization": TOKEN}}, 401),
        ({"headers": {"Authorization": "Bearer "}}, 401),
        ({"headers": {"Content-Type": "text/html"}}, 415),
        ({"headers": {"Content-Type": "application/json; charset=utf-16"}}, 415),
        ({"headers": {"Content-Encoding": "gzip"}}, 415),
    ],
)
async def test_what_does_not_belong_here_is_declined_by_its_head(
    deaf_door, asked, status
):
    await deaf_door.open()

    found, told, headers = await deaf_door.post(event(1), **asked)

    assert found == status
    assert told["error"]
    assert headers["Connection"] == "close"
    assert deaf_door.jobs == []


async def test_a_wrong_token_is_quoted_nowhere(deaf_door, caplog):
    await deaf_door.open()

    _, told, _ = await deaf_door.post({}, headers={"Authorization": "Bearer s3cr3t"})

    assert "s3cr3t" not in json.dumps(told) + caplog.text
    assert TOKEN not in json.dumps(told) + caplog.text


async def test_a_packed_bomb_is_not_unpacked(deaf_door):
    await deaf_door.open(max_bytes=10_000_000)
    bomb = gzip.compress(b" " * 50_000_000)

    status, _, _ = await deaf_door.post(bomb, headers={"Content-Encoding": "gzip"})

    assert status == 415


async def test_a_body_that_says_it_is_too_large_is_declined(deaf_door):
    await deaf_door.open(max_bytes=1_000)

    status, told, _ = await deaf_door.post(b" " * 1_001)

    assert status == 413
    assert told["error"].startswith("the body is larger than 1,000 bytes")


async def test_a_body_that_grows_too_large_is_declined(deaf_door):
    await deaf_door.open(max_bytes=1_000)

    async def parts():
        for _ in range(20):
            yield b" " * 100

    async with deaf_door.client.post(
        f"http://127.0.0.1:{deaf_door.port}/results",
        data=parts(),
        headers={"Content-Type": "application/json", **AUTHORIZED},
    ) as answer:
        assert answer.status == 413


async def test_a_provider_that_is_too_fast_is_told_when_to_come_back(deaf_door):
    await deaf_door.open(rate_per_s=0.001)

    first, _, _ = await deaf_door.post(event(1))
    second, _, headers = await deaf_door.post(event(2))

    assert (first, second) == (202, 429)
    assert int(headers["Retry-After"]) > 100
    assert len(deaf_door.jobs) == 1


async def test_who_has_no_token_takes_nothing_from_the_pace(deaf_door):
    await deaf_door.open(rate_per_s=0.001)

    for _ in range(5):
        await deaf_door.post(event(1), headers={"Authorization": None})
    status, _, _ = await deaf_door.post(event(1))

    assert status == 202


async def test_a_store_that_takes_no_writes_is_not_an_acceptance(deaf_door):
    async def refuse(_):
        raise StoreError("the store takes no writes: disk full at /var/secret")

    deaf_door.submit = refuse
    await deaf_door.open()

    status, told, headers = await deaf_door.post(event(1))

    assert status == 503
    assert headers["Retry-After"] == "5"
    assert told == {
        "error": "the store takes no writes now; send the same events again later"
    }


async def test_a_mistake_of_our_own_is_no_acceptance_and_quotes_nobody(
    deaf_door, caplog
):
    async def fail(_):
        raise KeyError("+15550100")

    deaf_door.submit = fail
    await deaf_door.open()

    status, told, _ = await deaf_door.post(event(1))

    assert status == 500
    assert "+15550100" not in json.dumps(told) + caplog.text
    assert "KeyError" in caplog.text


async def test_a_head_that_drips_is_cut_off(deaf_door):
    await deaf_door.open(patience_s=0.1)

    assert await deaf_door.raw(b"POST /results HTTP/1.1\r\nHost: a") == b""
    assert await deaf_door.raw(b"") == b""


async def test_a_body_that_drips_is_cut_off(deaf_door):
    await deaf_door.open(patience_s=0.1)
    head = (
        "POST /results HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\n["
    )

    assert (await deaf_door.raw(head.encode())).startswith(b"HTTP/1.1 408 ")
    assert deaf_door.jobs == []


async def test_who_waits_for_a_word_before_the_body_gets_it(deaf_door):
    await deaf_door.open()
    body = json.dumps(event(1)).encode()
    head = (
        "POST /results HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", deaf_door.port)
    writer.write(head.encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)

    assert (await reader.read()).startswith(b"HTTP/1.1 202 ")
    writer.close()


async def test_garbage_is_answered_and_written_to_no_log(deaf_door, caplog):
    await deaf_door.open()

    answer = await deaf_door.raw(b"+15550100 \x00\xff\r\n\r\n")

    assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert caplog.text == ""


async def test_connections_beyond_the_last_are_closed(deaf_door):
    await deaf_door.open()
    many = [
        await asyncio.open_connection("127.0.0.1", deaf_door.port)
        for _ in range(MOST_CONNECTIONS)
    ]
    try:
        assert await deaf_door.raw(b"") == b""
    finally:
        for _, writer in many:
            writer.close()


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.0.2.1", "example.org", ""],  # noqa: S104 - refused
)
async def test_no_address_but_the_loopbacks_is_listened_on(deaf_door, host):
    receiver = Receiver(ResultsIntake(), TOKEN, deaf_door.submit, deaf_door.around)

    with pytest.raises(ConfigError, match="only this machine may reach"):
        await receiver.start(host, 0)


async def test_another_address_must_be_meant(deaf_door):
    receiver = Receiver(ResultsIntake(), TOKEN, deaf_door.submit, deaf_door.around)

    port = await receiver.start("0.0.0.0", 0, public=True)  # noqa: S104 - meant
    await receiver.close()

    assert port > 0


async def test_a_port_that_is_taken_is_told(deaf_door):
    await deaf_door.open()
    other = Receiver(ResultsIntake(), TOKEN, deaf_door.submit, deaf_door.around)

    with pytest.raises(ConfigError, match="Nothing listens there"):
        await other.start("localhost", deaf_door.port)


def test_an_empty_token_is_no_token(floor):
    with pytest.raises(ConfigError, match="token is empty"):
        Receiver(ResultsIntake(), "", None, floor.around)  # type: ignore[arg-type] # not reached


async def test_a_closed_door_takes_nothing_and_can_be_closed_again(deaf_door):
    await deaf_door.open()
    await deaf_door.receiver.close()
    await deaf_door.receiver.close()

    with pytest.raises(aiohttp.ClientConnectionError):
        await deaf_door.post(event(1))
