from __future__ import annotations

import gzip
import json
import shutil
from contextlib import closing

import pytest
from tests.cli.conftest import replaced
from tests.cli.shell import (
    SpareShell,
    campaign_text,
    carry_out,
    engine_beside,
    people,
)

from watchfloor.cli import compose
from watchfloor.cli.verbs import results as verb
from watchfloor.domain.identity import contact_digest, dedupe_key
from watchfloor.intake.result_file import ResultFile
from watchfloor.store.inbox import Command, Inbox, ask
from watchfloor.store.reading import reading
from watchfloor.store.reads.journal import receipt
from watchfloor.store.reads.suppression import find


@pytest.fixture(scope="session")
def ended_workspace(tmp_path_factory, fresh_workspace):
    folder = tmp_path_factory.mktemp("ended")
    shutil.copytree(fresh_workspace, folder / "floor")
    spare = SpareShell(folder / "floor")
    spare.launched(campaign_text(folder, "autumn"), people(folder / "people.csv", 5))
    carry_out(folder / "floor")
    return folder / "floor"


@pytest.fixture
def ended(shell, ended_workspace):
    """The id of an ended run over c000001 to c000005."""
    return replaced(shell, ended_workspace)


def event(run_id, contact, kind="opened", **changed):
    given = {
        "event_id": f"{contact}-{kind}",
        "key": dedupe_key(run_id, "call", contact_digest("id", contact), 0),
        "kind": kind,
        "at": "2026-11-17T09:00:00Z",
    }
    return {**given, **changed}


@pytest.fixture
def written(tmp_path):
    """Write events, or raw lines, into a file."""

    def write(*lines, name="results.jsonl"):
        path = tmp_path / name
        texts = [one if isinstance(one, str) else json.dumps(one) for one in lines]
        content = "".join(f"{text}\n" for text in texts).encode()
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        return path

    return write


def figures(answer):
    names = ("applied", "repeated", "parked", "late", "suppressed", "unusable")
    return [answer.json[name] for name in names]


def test_a_file_is_taken_and_taking_it_again_changes_nothing(shell, ended, written):
    file = written(
        event(ended, "c000001"), event(ended, "c000002"), event(ended, "c000009")
    )

    first = shell("results", "ingest", file)
    again = shell("results", "ingest", file, "--json")

    assert (first.code, again.code) == (0, 0)
    assert first.out == (
        "3 lines: 2 applied, 0 repeated, 1 parked, 0 late, 0 suppressed, 0 unusable\n"
    )
    assert figures(again) == [0, 3, 0, 0, 0, 0]
    shown = shell("results", "show", ended, "--json").json
    assert shown["counts"] == {"opened": 2}
    assert shown["rates"] == {"opened": 0.4}
    assert shown["results"] == "collecting"
    assert shown["attempted"] == 5


def test_a_line_that_cannot_be_used_is_named_and_the_rest_is_taken(
    shell, ended, written
):
    bad = event(ended, "c000002", kind="open")
    file = written("{oops", event(ended, "c000001"), bad)

    answer = shell("results", "ingest", file)

    assert answer.code == 1
    assert "1 applied" in answer.out
    assert answer.err.splitlines() == [
        "line 1 is no JSON",
        "line 3 kind 'open' is not known; did you mean opened?",
    ]


def test_mistakes_are_told_as_json_too_and_not_without_end(shell, ended, written):
    answer = shell("results", "ingest", written(*(["7"] * 60)), "--json")

    assert answer.code == 1
    assert answer.json["unusable"] == 60
    assert len(answer.json["mistakes"]) == 50
    assert answer.json["mistakes"][0]["line"] == 1
    assert "and 10 more lines" in answer.err


def test_a_hostile_line_does_not_reach_the_terminal(shell, ended, written):
    bad = event(ended, "c000001", kind="\x1b]0;owned\x07\u202e")

    answer = shell("results", "ingest", written(bad))

    assert answer.code == 1
    assert "\x1b" not in answer.out + answer.err
    assert "\u202e" not in answer.out + answer.err


def test_a_long_packed_file_is_taken_in_parts(shell, ended, written, monkeypatch):
    monkeypatch.setattr(verb, "LINES_AT_ONCE", 2)
    monkeypatch.setattr(verb, "_PROGRESS_LINES", 4)
    kinds = ("delivered", "opened", "clicked")
    contacts = [f"c00000{number}" for number in range(1, 4)]
    events = [event(ended, contact, kind) for contact in contacts for kind in kinds]

    answer = shell("results", "ingest", written(*events, name="r.jsonl.gz"), "--json")

    assert answer.code == 0
    assert figures(answer) == [9, 0, 0, 0, 0, 0]
    assert answer.err.splitlines() == ["4 lines so far", "8 lines so far"]


def test_an_engine_takes_what_is_asked(shell, ended, written):
    file = written(event(ended, "c000001", "opted_out"))

    with engine_beside(shell.root):
        answer = shell("results", "ingest", file, "--json")

    assert figures(answer) == [1, 0, 0, 0, 1, 0]
    with reading(shell.layout) as connection:
        assert find(connection, contact_digest("id", "c000001")) == "opted_out"


def test_what_waits_already_is_asked_for_again_as_it_stands(shell, ended, written):
    file = written(event(ended, "c000001"))
    with ResultFile(file) as opened:
        [batch] = opened.batches(compose.now_ms(), 500)
    waits = Command(
        command_id=f"results-{batch.digest}",
        at_ms=1,
        verb="results",
        run_id="",
        by="somebody else",
        payload={"events": [one.as_dict() for one in batch.events]},
    )
    ask(shell.layout, waits)

    answer = shell("results", "ingest", file, "--json")

    assert figures(answer) == [1, 0, 0, 0, 0, 0]
    with closing(Inbox(shell.layout)) as inbox:
        assert inbox.waiting() == []


def test_what_was_refused_once_may_be_asked_for_again(shell, ended, written):
    file = written(event(ended, "c000001"))
    with ResultFile(file) as opened:
        [batch] = opened.batches(compose.now_ms(), 500)
    command_id = f"results-{batch.digest}"
    refused = Command(
        command_id=command_id, at_ms=1, verb="results", run_id="", by="x", payload={}
    )
    ask(shell.layout, refused)
    shell("results", "ingest", written(event(ended, "c000002"), name="other.jsonl"))
    with reading(shell.layout) as connection:
        found = receipt(connection, command_id)
    assert found is not None
    assert found.state == "refused"

    answer = shell("results", "ingest", file, "--json")

    assert figures(answer) == [1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("takes", ["another verb", "other events", "nothing"])
@pytest.mark.parametrize("is_taken", [True, False], ids=["taken", "waiting"])
def test_another_command_under_the_id_of_a_file_does_not_stand_for_it(
    shell, ended, written, takes, is_taken
):
    file = written(event(ended, "c000001", "opted_out"))
    with ResultFile(file) as opened:
        [batch] = opened.batches(compose.now_ms(), 500)
    asks = {
        "another verb": {"verb": "hide", "run_id": ended},
        "other events": {"payload": {"events": [event(ended, "c000002")]}},
        "nothing": {"payload": {"events": []}},
    }[takes]
    first = {"at_ms": 1, "verb": "results", "run_id": "", "by": "x", **asks}
    ask(shell.layout, Command(command_id=f"results-{batch.digest}", **first))
    if is_taken:
        shell("results", "ingest", written(event(ended, "c000003"), name="o.jsonl"))

    answer = shell("results", "ingest", file, "--json")

    assert figures(answer) == [1, 0, 0, 0, 1, 0]
    with reading(shell.layout) as connection:
        assert find(connection, contact_digest("id", "c000001")) == "opted_out"


def test_a_torn_file_says_how_far_it_was_taken(shell, ended, written, monkeypatch):
    monkeypatch.setattr(verb, "LINES_AT_ONCE", 100)
    events = [event(ended, "c000001", event_id=f"e{n}") for n in range(4_000)]
    file = written(*events, name="r.jsonl.gz")
    file.write_bytes(file.read_bytes()[:2_000])

    answer = shell("results", "ingest", file)

    assert answer.code == 1
    assert "lines: " in answer.out
    assert "nothing counts twice" in answer.err


def test_a_file_that_is_not_there_is_told(shell, ended, tmp_path):
    answer = shell("results", "ingest", tmp_path / "missing.jsonl")

    assert answer.code == 1
    assert "the results cannot be read: no such file" in answer.err


def test_the_counts_of_a_run_are_shown_with_their_share(shell, ended, written):
    events = [event(ended, f"c00000{number}", "clicked") for number in (1, 2)]
    shell("results", "ingest", written(*events, event(ended, "c000001", "bounced")))

    answer = shell("results", "show", ended)

    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0].startswith("results collecting, until 20")
    assert lines[1] == "5 records attempted; accepted is not delivered"
    assert [line.split() for line in lines[2:]] == [
        ["KIND", "RECORDS", "SHARE"],
        ["clicked", "2", "40.0%"],
        ["bounced", "1", "20.0%"],
    ]


def test_a_run_of_which_nothing_was_reported_says_so(shell, queued):
    answer = shell("results", "show", queued)

    assert answer.code == 0
    assert answer.out.splitlines()[0] == "results none"
    assert "Nothing was reported yet" in answer.err
    assert shell("results", "show", "no-such-run").code == 3


def test_parked_events_are_counted(shell, ended, written):
    assert shell("results", "parked").out == "no event waits for its record\n"
    shell("results", "ingest", written(event("elsewhere", "c000001")))

    answer = shell("results", "parked")

    assert answer.out.startswith("1 event waits for its record, since 20")
    told = shell("results", "parked", "--json").json
    assert told["parked"] == 1
    assert told["oldest_at"].endswith("Z")


def test_results_are_closed_once_and_what_comes_later_is_late(shell, ended, written):
    closed = shell("results", "close", ended, "--yes", "--reason", "done")
    again = shell("results", "close", ended, "--yes")
    late = shell("results", "ingest", written(event(ended, "c000001")), "--json")

    assert (closed.code, closed.out) == (0, "close_results settled\n")
    assert again.code == 1
    assert "are closed already; nothing was changed" in again.err
    assert figures(late) == [0, 0, 0, 1, 0, 0]
    assert shell("show", ended, "--json").json["results"] == "closed"


@pytest.mark.parametrize(("word", "state"), [("yes", "closed"), ("y", "collecting")])
def test_closing_asks_a_person_who_is_there(shell, ended, typed, word, state):
    typed(word)

    shell("results", "close", ended)

    assert shell("show", ended, "--json").json["results"] == state


def test_closing_without_a_terminal_must_be_meant(shell, ended):
    answer = shell("results", "close", ended)

    assert answer.code == 1
    assert "Add --yes to mean it" in answer.err
