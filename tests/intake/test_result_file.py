from __future__ import annotations

import gzip
import json
import os
import tracemalloc

import pytest

from watchfloor.domain.errors import ConfigError
from watchfloor.intake import result_file
from watchfloor.intake.result_file import MAX_LINE_BYTES, ResultFile

NOW_MS = 1_795_000_000_000


def line(number, **changed):
    event = {
        "event_id": f"e{number}",
        "key": "ab" * 16,
        "kind": "delivered",
        "at": "2026-11-17T09:00:00Z",
    }
    return json.dumps({**event, **changed}).encode() + b"\n"


@pytest.fixture
def written(tmp_path):
    def write(content, name="results.jsonl"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def batches(path, most=500):
    with ResultFile(path) as file:
        return list(file.batches(NOW_MS, most))


def ids(found):
    return [event.event_id for batch in found for event in batch.events]


def mistakes(found):
    return [mistake for batch in found for mistake in batch.mistakes]


def test_every_line_is_an_event_in_order(written):
    found = batches(written(b"".join(line(n) for n in range(1, 8))), most=3)

    assert ids(found) == [f"e{n}" for n in range(1, 8)]
    assert [batch.line_no for batch in found] == [3, 6, 7]
    assert mistakes(found) == []


def test_a_bad_line_is_named_and_the_others_are_taken(written):
    bad = [
        b"{\n",
        b"[1]\n",
        b"\xff\xfe{}\n",
        b'{"event_id": "\\ud800"}\n',
        b"[" * 60_000 + b"\n",
        line(3, kind="open"),
        b"nan\n",
    ]
    found = batches(written(line(1) + b"".join(bad) + line(2)))

    assert ids(found) == ["e1", "e2"]
    assert [one.line_no for one in mistakes(found)] == [2, 3, 4, 5, 6, 7, 8]
    assert mistakes(found)[0].why == "is no JSON"
    assert "did you mean opened?" in mistakes(found)[5].why


def test_a_line_that_is_too_long_is_one_mistake(written):
    long = b'{"event_id": "' + b"x" * (3 * MAX_LINE_BYTES) + b'"}\n'
    found = batches(written(line(1) + long + line(2)))

    assert ids(found) == ["e1", "e2"]
    [one] = mistakes(found)
    assert one.line_no == 2
    assert one.why == "is longer than 65,536 bytes"


def test_blank_lines_a_mark_and_a_missing_end_do_no_harm(written):
    content = b"\xef\xbb\xbf" + line(1) + b"\n  \r\n" + line(2).strip()

    found = batches(written(content))

    assert ids(found) == ["e1", "e2"]
    assert mistakes(found) == []
    assert found[-1].line_no == 4


def test_a_gzipped_file_is_read_whatever_it_is_called(written):
    found = batches(written(gzip.compress(line(1) + line(2)), "results.txt"))

    assert ids(found) == ["e1", "e2"]


def test_the_lines_before_a_torn_end_are_taken(written):
    packed = gzip.compress(b"".join(line(n) for n in range(2_000)), compresslevel=1)
    path = written(packed[: len(packed) // 2])

    with ResultFile(path) as file:
        found = file.batches(NOW_MS, 50)
        first = next(found)
        with pytest.raises(ConfigError, match="ingest it again, nothing counts twice"):
            list(found)

    assert ids([first]) == [f"e{n}" for n in range(50)]


def test_a_file_that_grows_beyond_measure_is_given_up_in_little_memory(
    written, monkeypatch
):
    monkeypatch.setattr(result_file, "FREE_GROWTH_BYTES", 1024 * 1024)
    path = written(gzip.compress(b"x" * 20_000_000))

    tracemalloc.start()
    try:
        with pytest.raises(ConfigError, match="grows to more than 200 times"):
            batches(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 3_000_000


def test_equal_lines_have_equal_digests_and_others_have_not(written):
    first = batches(written(line(1) + line(2) + line(3)), most=2)
    again = batches(written(line(1) + line(2) + line(4), "other.jsonl"), most=2)

    assert first[0].digest == again[0].digest
    assert first[1].digest != again[1].digest


def test_an_empty_file_holds_nothing(written):
    assert batches(written(b"")) == []


@pytest.mark.parametrize("what", ["missing", "directory", "pipe"])
def test_what_is_no_file_is_told(tmp_path, what):
    path = tmp_path / what
    if what == "directory":
        path.mkdir()
    if what == "pipe":
        os.mkfifo(path)

    with pytest.raises(ConfigError, match=what):
        ResultFile(path)
