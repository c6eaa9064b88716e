from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

import pytest
from tests.cli.conftest import SPITEFUL


def answered(shell, *arguments):
    """Ask why as JSON; return the exit code and the answer."""
    asked = shell("why", *arguments, "--json")
    return asked.code, json.loads(asked.out)


def test_a_queued_run_without_an_engine_is_unhealthy_and_says_what_to_do(queued, shell):
    asked = shell("why", queued)

    assert asked.code == 4
    assert asked.out.count("\n") == 1
    assert f"Run {queued} of" in asked.out
    assert "no engine" in asked.out
    assert "Next: start an engine: watchfloor engine." in asked.out


def test_why_as_json_tells_the_paragraph_its_parts_and_whom_it_asks(queued, shell):
    code, told = answered(shell, queued)

    assert code == 4
    assert (told["health"], told["needs_somebody"]) == ("blocked", True)
    assert [one["reason"] for one in told["blocked_by"]] == ["no engine"]
    assert told["sentence"] in told["why"]
    assert told["next"] in told["why"]
    assert told["slowdown"] is None


def test_one_record_is_told_with_its_own_reason(rejecting, shell):
    code, told = answered(shell, rejecting, "1")

    assert code == 0
    assert (told["seq"], told["state"], told["blocked_by"]) == (1, "delivered", None)
    assert told["why"].startswith(f"Record 1 of run {rejecting} is delivered")


def test_a_run_of_which_most_fails_is_unhealthy_and_names_the_reason(rejecting, shell):
    with closing(sqlite3.connect(shell.root / "state.db")) as store, store:
        store.execute(
            "UPDATE run SET phase = 'running', outcome = NULL, ended_at_ms = NULL"
        )
        store.execute("UPDATE books SET records = 43, extracted = 47, failed = 40")

    code, told = answered(shell, rejecting)

    assert code == 4
    assert (told["health"], told["needs_somebody"]) == ("ok", True)
    assert "moves, but 40 of 43 fail" in told["sentence"]
    assert told["next"].endswith(f"watchfloor triage {rejecting}")
    assert told["failing"] == {"records": 40, "of": 43, "most": None}


def test_an_ended_run_of_which_most_failed_is_unhealthy(rejecting, shell):
    with closing(sqlite3.connect(shell.root / "state.db")) as store, store:
        store.execute("UPDATE books SET records = 43, extracted = 47, failed = 40")

    asked = shell("why", rejecting)

    assert asked.code == 4
    assert "see why 40 failed" in asked.out


def test_an_ended_run_is_told_truthfully_and_is_well(rejecting, shell):
    asked = shell("why", rejecting)

    assert asked.code == 0
    assert "Completed" in asked.out
    assert "3 delivered, 0 failed of 3 records" in asked.out


def test_a_run_or_a_record_that_is_not_there_is_not_found(queued, shell):
    assert shell("why", "no-such").code == 3
    assert shell("why", queued, "999").code == 3


def test_a_seq_that_is_no_number_is_a_usage_mistake(queued, shell):
    assert shell("why", queued, "one").code == 2


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
def test_what_people_wrote_can_neither_mislead_a_terminal_nor_name_anybody(
    queued, shell, as_json
):
    why = f"{SPITEFUL} carol@example.org +4915112345678"
    with closing(sqlite3.connect(shell.root / "state.db")) as store, store:
        store.execute(
            "UPDATE run SET gate = 'paused', gate_by = 'nora', gate_why = ?", (why,)
        )
        # An engine lives, or nothing else would be told.
        beat = (time.time_ns() // 1_000_000,)
        store.execute("UPDATE lease SET released = 0, heartbeat_at_ms = ?", beat)

    said = shell("why", queued, *as_json).out

    assert "paused by nora" in said
    assert "carol@" not in said
    assert "15112345678" not in said
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u200b"} & set(said)


def test_show_tells_the_same_sentence(queued, shell):
    _, told = answered(shell, queued)
    shown = shell("show", queued, "--json").json

    assert shown["sentence"] == told["sentence"]
    assert shown["blocked_by"][0]["reason"] == told["blocked_by"][0]["reason"]
