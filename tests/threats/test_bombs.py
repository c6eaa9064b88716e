"""What is small and grows, or is long without an end, is given up in little memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from watchfloor.channels.replies import (
    Reply,
    ReplyRules,
    outcome_of_look_up,
    outcome_of_reply,
)
from watchfloor.console.preferences import read_preferences
from watchfloor.domain.campaign import Audience
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.engine.receiver import _heard
from watchfloor.intake.audience_file import AudienceReader
from watchfloor.intake.campaign_file import parse_campaign
from watchfloor.intake.contact_file import ContactFile
from watchfloor.intake.result_file import ResultFile
from watchfloor.intake.workspace_file import parse_workspace
from watchfloor.store.backups.contents import parsed as parsed_manifest
from watchfloor.triage.evidence_file import read_evidence

NOW_MS = 1_795_000_000_000
MIB = 1024 * 1024
DEEP = b"[" * 200_000 + b"]" * 200_000
DEEP_OBJECT = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
SOUND = json.dumps(
    {"event_id": "e1", "key": "ab" * 16, "kind": "delivered", "at": "2026-11-17T09:00Z"}
).encode()


@contextmanager
def in_little_memory(most: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most, f"{peak:,} bytes were taken"


def problems(path: Path) -> tuple[int, list[str]]:
    """Return how many rows of a contact file are sound, and what ails the others."""
    with ContactFile(path) as contacts:
        found = [row.problem for row in contacts.rows()]
    return found.count(""), [one for one in found if one]


# --- contact files -------------------------------------------------------------------


@pytest.mark.parametrize("quoted", [False, True], ids=["bare", "within a quote"])
def test_a_line_as_long_as_a_disk_is_one_reject(tmp_path, quoted):
    """The line is a hole in the file: it takes no disk and is read all the same."""
    path = tmp_path / "upload.csv"
    with path.open("wb") as file:
        file.write(b"phone,name,note\n" + b"+12025550143,Ann,x\n" * 20_000)
        file.write(b'"' if quoted else b"x")
        file.seek(128 * MIB, 1)
        file.write(b"\n+12025550143,Ann,x\n")

    with in_little_memory(4 * MIB):
        sound, wrong = problems(path)

    assert sound == 20_001
    assert len(wrong) == 1
    assert "longer than" in wrong[0]


def test_a_hundred_thousand_columns_are_no_header(tmp_path):
    path = tmp_path / "upload.csv"
    names = ",".join(f"c{number}" for number in range(100_000))
    path.write_text(f"{names}\n1\n", encoding="utf-8")

    with (
        in_little_memory(16 * MIB),
        pytest.raises(ConfigError, match="the header cannot be read: a row longer"),
    ):
        ContactFile(path)


def test_as_many_columns_as_fit_a_line_are_still_too_many(tmp_path):
    path = tmp_path / "upload.csv"
    names = ",".join(f"c{number}" for number in range(10_000))
    path.write_text(f"id,{names}\n1\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="has 10001 columns; at most 500"):
        AudienceReader(path, Audience(contact="id", kind="id"))


@pytest.mark.parametrize(
    "row",
    [b"," * 1_000_000 + b"\n", b'"' * 1_000_001 + b"\n", b'"\n' * 20_001],
    ids=["cells", "quotes in a row", "a quote a line"],
)
def test_a_million_signs_cost_their_own_rows_only(tmp_path, row):
    path = tmp_path / "upload.csv"
    path.write_bytes(b"phone,name,note\n1,a,x\n" + row + b"2,b,x\n" * 1_000)

    with in_little_memory(32 * MIB):
        sound, wrong = problems(path)

    # A quote that is left open may cost the one line that follows it.
    assert sound in {1_000, 1_001}
    assert wrong


# --- JSON ----------------------------------------------------------------------------


@pytest.mark.parametrize("body", [DEEP, DEEP_OBJECT], ids=["lists", "tables"])
def test_a_reply_that_is_nested_without_an_end_says_nothing_more_than_its_status(body):
    outcome = outcome_of_reply(Reply(status=200, body=body), ReplyRules(), 0.0)

    assert outcome.outcome_class is OutcomeClass.DELIVERED
    assert outcome_of_look_up(Reply(status=200, body=body), ReplyRules()) is None


@pytest.mark.parametrize("body", [DEEP, DEEP_OBJECT], ids=["lists", "tables"])
def test_a_report_that_is_nested_without_an_end_is_a_mistake_of_one_line(body):
    alone = _heard(body, NOW_MS)
    among = _heard(SOUND + b"\n" + body + b"\n" + SOUND.replace(b"e1", b"e2"), NOW_MS)

    assert alone.events == []
    assert [event.event_id for event in among.events] == ["e1", "e2"]
    assert len(among.mistakes) == len(alone.mistakes) == 1


def test_so_is_one_in_a_file_of_results(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_bytes(SOUND + b"\n" + b"[" * 60_000 + b"\n" + DEEP + b"\n" + SOUND)

    with in_little_memory(8 * MIB), ResultFile(path) as file:
        batches = list(file.batches(NOW_MS, 10))

    assert sum(len(one.events) for one in batches) == 2
    assert sum(len(one.mistakes) for one in batches) == 2


def test_so_is_evidence_and_what_a_backup_says_of_itself(tmp_path):
    path = tmp_path / "evidence.json"
    path.write_bytes(DEEP)

    with pytest.raises(ConfigError, match="is no JSON; nothing was judged"):
        read_evidence(path)
    with pytest.raises(ConfigError, match="its manifest cannot be read"):
        parsed_manifest(DEEP, "floor.backup")


# --- TOML ----------------------------------------------------------------------------

DEEP_TOML = f"a = {'[' * 50_000}{']' * 50_000}\n"
DEEP_TABLE = f"[{'.'.join('a' * 50_000)}]\n"


@pytest.mark.parametrize("text", [DEEP_TOML, DEEP_TABLE], ids=["lists", "tables"])
@pytest.mark.parametrize("parse", [parse_campaign, parse_workspace])
def test_a_setting_that_is_nested_without_an_end_is_a_mistake(parse, text):
    with pytest.raises(
        ConfigError, match=r"given\.toml: .*(nested too deeply|more than 100 parts)"
    ):
        parse(text, "given.toml")


@pytest.mark.parametrize("text", [DEEP_TOML[:60_000], f"[{'a.' * 2_000}"])
def test_nobody_is_kept_out_of_the_console_by_preferences_without_an_end(
    tmp_path, text
):
    path = tmp_path / "preferences.toml"
    path.write_text(text, encoding="utf-8")

    _, mistakes = read_preferences(path)

    assert mistakes
