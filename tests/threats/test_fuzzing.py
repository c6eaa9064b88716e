"""Anything at all, handed to whatever reads what outsiders wrote."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import tomllib
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.fuzzing import fuzzed
from tests.support.hostile import PAYLOADS, traces
from tests.support.patience import DEADLINE_S

from watchfloor.console.preferences import read_preferences
from watchfloor.console.text import fit, wrapped
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.filters import FilterError, fields_of, written
from watchfloor.domain.results import parse_event
from watchfloor.domain.text import clean
from watchfloor.domain.workspace import ResultsIntake
from watchfloor.engine.campaigns import checked_campaign
from watchfloor.engine.collector import Summary
from watchfloor.engine.receiver import Receiver
from watchfloor.engine.surroundings import Surroundings
from watchfloor.intake.contact_file import ContactFile
from watchfloor.intake.filter_language import parse_filter
from watchfloor.intake.result_file import ResultFile
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.intake.workspace_file import default_workspace_text, parse_workspace

NOW_MS = 1_764_291_000_000

any_text = st.text(st.characters(exclude_categories=()), max_size=120)
#: Hostile texts, and texts around and within them.
texts = st.one_of(
    any_text,
    st.lists(
        st.one_of(st.sampled_from([one.text for one in PAYLOADS]), any_text), max_size=4
    ).map("".join),
)


@fuzzed(150)
@given(texts, st.integers(1, 90))
def test_no_text_gets_through_a_door_as_an_attack(text, width):
    for shown in (clean(text, width), fit(text, width), *wrapped(text, width, 3)):
        assert not traces(shown)
        assert "\n" not in shown


def tried(read, *given, refusal=FilterError):
    """Return what a reader made of something, and the refusal it names instead."""
    try:
        return read(*given), None
    except refusal as error:
        return None, error


#: Pieces of a filter, so that some of what is made of them is one.
_TOKENS = (
    *("a", "call.code", "`x y`", "=", "!=", "<", ">=", "and", "or", "not", "in"),
    *("is", "empty", "contains", "(", ")", ",", '"x"', "'y''z'", "5", "-1.5", "\\"),
    *("1e999", "\x00", "`", '"', "'", "--", ";", "${a}", "\u202e", "\ud800"),
)
filters = st.one_of(
    texts, st.lists(st.sampled_from(_TOKENS), max_size=14).map(" ".join)
)


@fuzzed(150)
@given(filters)
def test_any_text_is_a_filter_or_a_mistake_with_its_column(text):
    wanted, mistake = tried(parse_filter, text)
    if mistake is not None:
        assert 1 <= mistake.column <= len(text) + 1
        assert not traces(clean(mistake))
    else:
        for field in fields_of(wanted):
            assert parse_filter(f"{written(field.name)} = 1") is not None


@st.composite
def contact_files(draw):
    """Bytes that are nearly a contact file: of some encoding, and spoiled."""
    cell = st.sampled_from(
        [
            *("id", "phone", "+4915112345678", "a@b.example", "x y", "", " ", "0"),
            *(
                '"',
                '""',
                '"a,b"',
                '"open',
                "a\nb",
                "\0",
                "\r",
                "\x85",
                "\u2028",
                "\ufeff",
            ),
            *("=1+1", "\ud7ff", "é", "中", "\x1b[2J"),
        ]
    )
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    rows = draw(st.lists(st.lists(cell, max_size=4), max_size=8))
    text = end.join(delimiter.join(row) for row in rows)
    encoding = draw(
        st.sampled_from(
            ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"]
        )
    )
    content = text.encode(encoding, "replace")
    at = draw(st.integers(0, len(content)))
    return content[:at] + draw(st.binary(max_size=6)) + content[at:]


@fuzzed(120)
@given(st.one_of(contact_files(), st.binary(max_size=300)))
@example(b"\xff\xfe")
@example(b"id\n\0\n")
def test_any_bytes_are_rows_in_order_or_a_file_that_is_refused(
    tmp_path_factory, content
):
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_bytes(content)
    found, mistake = tried(_rows_twice, path, refusal=ConfigError)
    if mistake is not None:
        assert not traces(clean(mistake, 2_000))
        return
    width, rows, again = found
    assert rows == again
    assert [row.row_no for row in rows] == list(range(1, len(rows) + 1))
    assert all(row.problem or len(row.cells) == width for row in rows)
    assert all(one.line_no < two.line_no for one, two in pairwise(rows))


def _rows_twice(path):
    with ContactFile(path) as file:
        return len(file.header), list(file.rows()), list(file.rows())


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=8), inner, max_size=3),
    ),
    max_leaves=6,
)
#: What a provider reports, each of its keys with anything as its value, or right.
events = st.fixed_dictionaries(
    {},
    optional={
        "event_id": st.one_of(trees, st.just("e1")),
        "key": st.one_of(trees, st.just("ab" * 16)),
        "provider_id": st.one_of(trees, st.just("p1")),
        "kind": st.one_of(trees, st.sampled_from(["delivered", "opted_out", "open"])),
        "at": st.one_of(trees, st.sampled_from(["2026-11-17T09:00:00Z", "9999", "1"])),
        "detail": st.one_of(trees, texts),
    },
)


@fuzzed(150)
@given(st.one_of(events, trees))
def test_any_object_is_an_event_or_a_mistake_in_a_sentence(told):
    found, mistake = tried(parse_event, told, NOW_MS, refusal=ValueError)
    if mistake is not None:
        assert type(mistake) is ValueError
        assert 0 < len(str(mistake)) < 500
    else:
        assert found.event_id
        assert 0 < found.at_ms <= NOW_MS + 86_400_000


bodies = st.one_of(
    st.binary(max_size=80),
    st.one_of(events, trees).map(json.dumps).map(str.encode),
    st.lists(events, max_size=3).map(json.dumps).map(str.encode),
    st.sampled_from([b"[" * 9_000, b'{"a":' * 9_000, b"1e999999", b"\x1f\x8b\x08x"]),
)


@fuzzed(60)
@given(st.lists(bodies, max_size=4), st.sampled_from([b"\n", b"\r\n", b"\0", b""]))
@example([b"\xef\xbb\xbf"], b"\n")
def test_any_file_of_results_is_lines_each_an_event_or_a_mistake(
    tmp_path_factory, lines, end
):
    path = tmp_path_factory.getbasetemp() / "fuzzed.jsonl"
    content = end.join(lines)
    path.write_bytes(content)
    try:
        with ResultFile(path) as file:
            batches = list(file.batches(NOW_MS, 2))
    except ConfigError:
        assert content.startswith(b"\x1f\x8b")
        return
    counted = sum(len(one.events) + len(one.mistakes) for one in batches)
    whole = content.removeprefix(b"\xef\xbb\xbf")
    filled = sum(1 for line in whole.split(b"\n") if line.strip())
    assert counted <= content.count(b"\n") + 1
    assert content.startswith(b"\x1f\x8b") or counted >= filled


class Listening:
    """A door for results on a thread of its own, and who knocks at it."""

    token = "correct-horse"  # noqa: S105 - of these tests

    def __init__(self) -> None:
        self.jobs = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready, self._done = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(DEADLINE_S)

    def close(self):
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(DEADLINE_S)

    def knock(self, sent, *, hangs_up=False):
        """Return all that is answered to bytes, after which one may say no more."""
        heard = b""
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE_S) as wire:
            wire.sendall(sent)
            try:
                if hangs_up:
                    wire.shutdown(socket.SHUT_WR)
                while part := wire.recv(65_536):
                    heard += part
            except OSError:
                pass  # closed in its face, with bytes of ours unread
        return heard

    def _run(self):
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self):
        async def submit(job):
            self.jobs += 1
            return Summary()

        around = Surroundings(lambda: NOW_MS, lambda: 0.0, lambda: 0.5, bytes)
        receiver = Receiver(
            ResultsIntake(rate_per_s=1e9), self.token, submit, around, patience_s=0.05
        )
        self.port = await receiver.start("127.0.0.1", 0)
        self._ready.set()
        await self._done.wait()
        await receiver.close()


@pytest.fixture(scope="module")
def listening():
    found = Listening()
    yield found
    found.close()


RIGHT = f"Authorization: Bearer {Listening.token}".encode()
heads = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [
                b"Authorization: Bearer wrong",
                b"Authorization: \xff\xfe",
                b"Content-Type: application/json",
                b"Content-Type: \x1b]0;x\x07",
                b"Content-Length: 5",
                b"Content-Length: -1",
                b"Content-Length: 99999999999999999999",
                b"Transfer-Encoding: chunked",
                b"Content-Encoding: gzip",
                b"Expect: 100-continue",
                b"Upgrade: websocket\r\nConnection: Upgrade",
                b"Host: \r\n folded",
                b"X" * 9_000 + b": y",
            ]
        ),
    ),
    max_size=5,
)
firsts = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            b"POST /results HTTP/1.1",
            b"POST /results HTTP/1.0",
            b"GET /../../state.db HTTP/1.1",
            b"PUT /results?token=x HTTP/1.1",
            b"POST http://evil.example/results HTTP/1.1",
            b"PRI * HTTP/2.0",
            b"\x16\x03\x01\x02\x00",
            b"POST /" + b"a" * 9_000 + b" HTTP/1.1",
        ]
    ),
)


@fuzzed(60)
@given(firsts, heads, bodies, st.booleans())
def test_whoever_lacks_the_token_has_no_effect_whatever_bytes_they_send(
    listening, caplog_at_door, first, head, body, hangs_up
):
    before = listening.jobs
    sent = b"\r\n".join([first, *head, b"", b""]) + body
    said = listening.knock(sent, hangs_up=hangs_up)

    assert said == b"" or said.startswith(b"HTTP/1.")
    assert b"Traceback" not in said
    assert b"HTTP/1.1 500" not in said
    assert listening.jobs == before
    assert caplog_at_door == []


@pytest.fixture(scope="module")
def caplog_at_door():
    """Whatever a logger says while strangers knock."""
    said: list[str] = []

    class Noted(logging.Handler):
        def emit(self, record):
            said.append(record.getMessage())

    handler = Noted(logging.WARNING)
    logging.getLogger().addHandler(handler)
    yield said
    logging.getLogger().removeHandler(handler)


@fuzzed(80)
@given(bodies, st.sampled_from([b"application/json", b"application/x-ndjson"]))
def test_any_body_of_who_has_the_token_is_taken_or_declined_in_words(
    listening, caplog_at_door, body, kind
):
    head = [
        b"POST /results HTTP/1.1",
        b"Host: here",
        RIGHT,
        b"Content-Type: " + kind,
        f"Content-Length: {len(body)}".encode(),
        b"Connection: close",
    ]
    said = listening.knock(b"\r\n".join([*head, b"", b""]) + body)

    status = int(said.split(b" ")[1])
    words = said.partition(b"\r\n\r\n")[2].decode()
    told = json.loads(words)
    assert status in (202, 400)
    assert told["mistakes"] or told.get("unusable") == 0
    assert not traces(words)
    assert caplog_at_door == []


CAMPAIGN = """
[campaign]
id = "autumn"
name = "Autumn"
[audience]
contact = "id"
kind = "id"
filter = 'plan = "trial"'
[[steps]]
name = "call"
channel = "webhook"
[steps.settings]
url = "https://calls.example.org/"
timeout = "10s"
headers = { Authorization = "env:TOKEN" }
body = { to = "${contact}" }
[steps.retry]
attempts = 3
backoff = "1m"
[limits]
permits = 5
rate = "10/s"
[window]
zone = "UTC"
"""
_values = st.one_of(
    st.sampled_from(
        [
            *(
                "-1",
                "1e999",
                "nan",
                "[]",
                "{}",
                "true",
                '""',
                '"\\u0000"',
                "1979-05-27",
            ),
            *(
                "'''x\ny'''",
                '"env:"',
                '"file:/"',
                "[[1]]",
                '"${"',
                '"${${x}}"',
                "0x" + "f" * 60,
            ),
        ]
    ),
    st.text(max_size=12),
)


@st.composite
def spoiled(draw, text):
    """A file of TOML in which something is another thing, or nothing."""
    lines = text.split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        key, is_pair, _ = lines[at].partition(" = ")
        kept = f"{key} = {draw(_values)}" if is_pair else draw(st.text(max_size=12))
        lines[at : at + 1] = draw(st.sampled_from([[kept], [], [lines[at]] * 2]))
    return "\n".join(lines)


def told_of_toml(read, text):
    """Return the mistakes that a reader names; none where it takes the text."""
    _, mistake = tried(read, text, "fuzzed.toml", refusal=ConfigError)
    if mistake is None:
        assert isinstance(tomllib.loads(text), dict)
        return ()
    assert mistake.mistakes
    return mistake.mistakes


@fuzzed(80)
@given(st.one_of(spoiled(CAMPAIGN), texts))
def test_any_campaign_is_taken_or_its_mistakes_are_named(text):
    for one in told_of_toml(checked_campaign, text):
        assert "fuzzed.toml" in one
        assert not traces(clean(one, 2_000))


WORKSPACE = default_workspace_text("ws-1", "floor").replace("# ", "", 400)


@fuzzed(60)
@given(st.one_of(spoiled(WORKSPACE), texts))
def test_any_workspace_file_is_taken_or_its_mistakes_are_named(text):
    told_of_toml(parse_workspace, text)


@fuzzed(60)
@given(
    st.one_of(
        spoiled('theme = "dark"\n[keys]\npause = "p"\n').map(str.encode), st.binary()
    )
)
def test_no_file_of_preferences_keeps_anybody_out(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "console.toml"
    path.write_bytes(content)

    found, mistakes = read_preferences(path)

    assert found is not None
    assert all(not traces(clean(one)) for one in mistakes)


@fuzzed(40)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_text_of_toml_or_a_file_that_is_refused(
    tmp_path_factory, content
):
    path = tmp_path_factory.getbasetemp() / "bytes.toml"
    path.write_bytes(content)
    found, mistake = tried(read_toml_text, path, refusal=ConfigError)

    assert (found is None) is (mistake is not None)
    assert found is None or found.encode() in (content, content[3:])
