from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing

import pytest
from tests.cli.shell import campaign_text, carry_out, engine_beside

from watchfloor.cli import compose
from watchfloor.domain.books import REJECT_KEYS, STATE_KEYS
from watchfloor.domain.records import STATE_WORDS
from watchfloor.store.lock_text import TROUBLE_AT, lock_text, owner_in, trouble_text

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

#: What the design promises of ``show --json``; scripts rely on it.
SHOWN = {
    "id",
    "campaign",
    "upload",
    "label",
    "phase",
    "gate",
    "intake",
    "results",
    "history",
    "outcome",
    "cause",
    "launch_id",
    "intent",
    "started_at",
    "ended_at",
    "duration_s",
    "books",
    "health",
    "blocked_by",
}
CAMPAIGNS = ("completed", "promising", "cancelled", "paused", "queued")


def times(value):
    """Yield every key that names a time, wherever it stands, with its value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "at" or key.endswith("_at"):
                yield key, inner
            yield from times(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from times(inner)


def shown(shell, campaign):
    return shell("show", shell.run_of(campaign), "--json").json


def test_runs_are_listed_newest_first(busy):
    runs = busy("runs", "--json").json

    assert [run["campaign"] for run in runs] == [
        "queued",
        "paused",
        "cancelled",
        "promising",
        "completed",
    ]
    lines = busy("runs").out.splitlines()
    assert lines[0].split() == [
        *("RUN", "CAMPAIGN", "STATE", "DONE"),
        *("RECORDS", "FAILED", "UNKNOWN", "TIME"),
    ]
    assert [line.split()[0] for line in lines[1:]] == [run["id"] for run in runs]
    assert "Queued + paused" in lines[2]
    assert re.search(r"Completed \+ collecting +100% +60 +0 +0 +0:00:0\d$", lines[5])


@pytest.mark.parametrize(
    ("done", "share"), [(348, "34%"), (999, "99%"), (1_000, "100%")]
)
def test_the_share_that_is_done_says_100_only_when_nothing_is_left(
    shell, rejecting, done, share
):
    with closing(sqlite3.connect(shell.layout.state)) as connection, connection:
        counts = (done, 1_000 - done)
        connection.execute(
            "UPDATE books SET records = 1000, delivered = ?, failed = 0, "
            "unknown = 0, pending = ?",
            counts,
        )

    [line] = [line for line in shell("runs").out.splitlines() if rejecting in line]

    assert share in line.split()


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_show_has_every_key_that_was_promised(busy, campaign):
    found = shown(busy, campaign)

    assert set(found) >= SHOWN
    assert set(found["books"]) == {
        *("extracted", "unjudged", "records"),
        *REJECT_KEYS,
        *STATE_KEYS,
    }
    assert all(isinstance(number, int) for number in found["books"].values())
    for one in found["blocked_by"]:
        assert set(one) == {"reason", "count", "detail"}


def test_every_time_is_iso_8601_in_utc(busy):
    answers = [busy("runs", "--json").json, busy("status", "--json").json]
    for campaign in CAMPAIGNS:
        run = busy.run_of(campaign)
        answers += [busy(verb, run, "--json").json for verb in ("show", "events")]
    ended = busy.run_of("completed")
    answers += [busy("records", ended, "--json").json]
    answers += [busy("journey", ended, 1, "--json").json]
    found = [(key, time) for answer in answers for key, time in times(answer)]

    assert all(time is None or ISO.fullmatch(time) for _, time in found)
    told = {key for key, time in found if time}
    assert {"at", "created_at", "started_at", "ended_at", "updated_at"} <= told


def test_a_completed_run_is_told_with_its_end_and_balanced_books(busy):
    found = shown(busy, "completed")
    books = found["books"]

    assert (found["phase"], found["outcome"]) == ("ended", "completed")
    assert (found["results"], found["history"]) == ("collecting", "created")
    assert found["label"] == "Completed + collecting"
    assert found["launch_id"]
    assert found["health"] == "ok"
    assert found["blocked_by"] == []
    assert found["duration_s"] >= 0
    assert found["started_at"] <= found["ended_at"]
    assert books["extracted"] == sum(books[key] for key in REJECT_KEYS) + 60
    assert books["records"] == sum(books[key] for key in STATE_KEYS) == 60
    assert (books["delivered"], books["invalid"], books["duplicate"]) == (60, 1, 2)
    assert found["balanced"] is True


def test_a_queued_run_says_that_it_waits_for_an_engine(busy):
    found = shown(busy, "queued")
    (held,) = found["blocked_by"]

    assert (found["phase"], found["health"]) == ("queued", "blocked")
    assert (found["started_at"], found["duration_s"]) == (None, None)
    assert held["reason"] == "no engine"
    assert "watchfloor engine" in held["detail"]


def test_a_paused_run_says_who_paused_it_when_and_why(busy):
    found = shown(busy, "paused")

    assert found["gate"] == "paused"
    assert found["gate_reason"] == "lunch"
    assert found["gate_by"]
    assert ISO.fullmatch(found["gate_at"])


def test_a_run_that_keeps_promises_says_when_the_first_is_due(busy):
    found = shown(busy, "promising")

    assert found["label"] == "Callbacks only"
    assert found["books"]["callback"] > 0
    assert found["next_callback_at"] > found["started_at"]


def test_show_in_words_tells_the_same(busy):
    run = busy.run_of("promising")
    told, found = busy("show", run).out, busy("show", run, "--json").json
    books = found["books"]

    for word, value in (
        ("run", run),
        ("state", "Callbacks only"),
        ("campaign", "Promising (promising)"),
        ("upload", f"people.csv ({found['upload']})"),
        ("launch id", found["launch_id"]),
        ("started", found["started_at"]),
        ("ended", "-"),
        ("attempts", str(found["attempts"])),
    ):
        assert re.search(rf"^{word} +{re.escape(value)}$", told, re.MULTILINE), word
    assert "63 extracted = 1 invalid + 2 duplicate + 0 suppressed + 0 filtered" in told
    assert f"60 records = {books['callback']} callback + " in told


@pytest.mark.parametrize("audit", [[], ["--audit"]])
def test_the_books_balance_by_the_counters_and_by_the_rows(busy, audit):
    for campaign in CAMPAIGNS:
        run = busy.run_of(campaign)
        answer = busy("books", run, *audit, "--json")

        assert answer.code == 0
        assert answer.json["differences"] == []
        assert answer.json["audited"] is bool(audit)
        assert answer.json["books"] == shown(busy, campaign)["books"]
        checked = "counted from the rows" if audit else "by the counters"
        assert busy("books", run, *audit).out.endswith(f"balanced, {checked}\n")


def test_events_tell_what_was_asked_and_what_happened(busy):
    run = busy.run_of("cancelled")
    found = busy("events", run, "--json").json

    assert [one["event"] for one in found][:3] == [
        "launch",
        "cancel requested",
        "cancel",
    ]
    asked = found[1]
    assert set(asked) == {
        *("entry", "at", "event", "before", "after", "by", "from", "reason", "detail"),
    }
    assert asked["reason"] == "wrong upload"
    assert asked["by"]
    assert asked["from"]
    told = busy("events", run).out.splitlines()
    assert told[0].split() == ["TIME", "(UTC)", "EVENT", "AFTER", "IT", "BY", "WHY"]
    assert len(told) == 1 + len(found)


def test_events_show_the_newest_ones_oldest_first(busy):
    run = busy.run_of("completed")
    every = busy("events", run, "--json").json

    assert len(every) > 3
    assert busy("events", run, "--limit", 3, "--json").json == every[-3:]


@pytest.mark.parametrize("verb", ["show", "records", "books", "events"])
def test_the_unique_beginning_of_a_run_id_is_enough(busy, verb):
    ids = [run["id"] for run in busy("runs", "--json").json]
    # Runs launched within one moment may differ in the last character alone.
    short, whole = min(
        (
            (one[:length], one)
            for one in ids
            for length in range(1, len(one) + 1)
            if sum(other.startswith(one[:length]) for other in ids) == 1
        ),
        key=lambda found: len(found[0]),
    )

    assert len(short) < len(whole)
    assert timeless(busy(verb, short, "--json").json) == timeless(
        busy(verb, whole, "--json").json
    )


def timeless(told):
    """Return an answer without what it says of the seconds gone by."""
    if isinstance(told, dict):
        told = {key: one for key, one in told.items() if key != "duration_s"}
        for reason in told.get("blocked_by", []):
            reason.pop("detail")
    return told


@pytest.mark.parametrize("verb", ["show", "pause", "cancel", "retry", "why"])
def test_an_empty_id_names_no_run_not_even_the_only_one(shell, queued, verb):
    answer = shell(verb, "", *(["--yes"] if verb in ("cancel", "retry") else []))

    assert answer.code == 3
    assert "no run is named; nothing was done" in answer.err
    assert shell("show", queued, "--json").json["phase"] == "queued"


def test_a_beginning_of_several_run_ids_is_not_found(busy):
    shared = busy.newest[:3]
    answer = busy("show", shared)

    assert answer.code == 3
    assert f"several runs begin with '{shared}'" in answer.err
    assert "`watchfloor runs` lists" in answer.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["records"],
        ["journey", 1],
        ["books"],
        ["events"],
        ["pause"],
        ["resume"],
        ["stop"],
        ["cancel"],
        ["rejects", "-o", "never-made.csv"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_run_that_is_not_there_is_not_found_by_any_verb(busy, arguments):
    verb, *rest = arguments
    answer = busy(verb, "no-such-run", *rest)

    assert answer.code == 3
    assert answer.out == ""
    assert "no run is called 'no-such-run'" in answer.err


def test_status_is_one_line_and_unhealthy_while_runs_wait_for_an_engine(busy):
    answer = busy("status", "--short")

    assert answer.code == 4
    assert answer.out.count("\n") == 1
    assert "1 queued" in answer.out
    assert "1 paused" in answer.out
    assert "2 ended" in answer.out
    assert "no engine" in answer.out
    assert "2 waiting for an engine: watchfloor engine" in answer.out


def test_status_in_json_has_the_same_figures(busy):
    answer = busy("status", "--json")
    found = answer.json

    assert answer.code == 4
    assert found["runs"] == {"running": 1, "paused": 1, "queued": 1, "ended": 2}
    assert found["left"] == shown(busy, "promising")["books"]["callback"]
    assert found["in_flight"] == 0
    assert found["engine"]["alive"] is False
    assert found["you"] == {"name": compose.user(), "role": "admin"}
    assert found["problems"] == ["2 waiting for an engine: watchfloor engine"]


def test_status_says_who_asks_with_which_role_and_who_owns_the_engine(shell):
    with engine_beside(shell.root):
        found = shell(
            *("--as", "nora", "--role", "viewer", "status", "--json"),
        ).json

    assert found["you"] == {"name": "nora", "role": "viewer"}
    assert found["engine"]["alive"] is True
    assert found["engine"]["owner"] == f"engine of {compose.user()}"
    assert found["engine"]["pid"] == os.getpid()


def test_a_fault_of_the_store_is_told_by_status_and_runs(shell, tmp_path, upload):
    with engine_beside(shell.root):
        assert shell("status").code == 0
        told = "the disk is full; make room"
        text = lock_text(owner_in(shell.layout.lock.read_bytes()), told)
        with shell.layout.lock.open("r+b") as lock:
            lock.write(text)
        status = shell("status", "--short")
        runs = shell("runs")

    assert status.code == 4
    assert f"! {told}" in status.out
    assert "engine ok" in status.out
    assert f"The store: {told}" in runs.out + runs.err


def test_a_duty_that_fails_is_told_by_status_of_an_engine_that_is_well(shell):
    told = "notices failed by a mistake in Watchfloor itself (KeyError)"
    with engine_beside(shell.root):
        with shell.layout.lock.open("r+b") as lock:
            lock.seek(TROUBLE_AT)
            lock.write(trouble_text(told))
        status = shell("status")

    assert status.code == 4
    assert "engine ok" in status.out
    assert f"! {told}" in status.out
    # An engine that has let go in good order leaves no trouble behind.
    assert shell("status").code == 0


def test_status_is_healthy_once_all_is_done(shell, tmp_path, upload):
    shell.launched(campaign_text(tmp_path, "autumn"), upload)
    assert shell("status").code == 4
    carry_out(shell.root)
    answer = shell("status", "--short")

    assert answer.code == 0
    assert answer.out == "1 ended | 0 left | no engine\n"


def test_the_states_of_the_books_are_the_states_of_records():
    assert list(STATE_KEYS) == list(STATE_WORDS)
