from __future__ import annotations

import pytest
from tests.cli.shell import campaign_text, engine_beside, people, step
from tests.support.patience import until


@pytest.fixture
def launched(shell, tmp_path):
    """A run with some records delivered and the rest left, and no engine any more."""
    slow = step("simulator", 'latency = "5ms"')
    campaign = campaign_text(tmp_path, "slow", steps=slow, rest="[limits]\npermits = 1")
    run = shell.launched(campaign, people(tmp_path / "many.csv", 400))
    with engine_beside(shell.root):
        until(lambda: shown(shell, run)["books"]["delivered"] > 3)
    return run


def shown(shell, run):
    return shell("show", run, "--json").json


def test_without_an_engine_a_pause_and_a_resume_are_applied_at_once(shell, queued):
    paused = shell("pause", queued, "--yes", "--reason", "lunch")

    assert (paused.code, paused.out, paused.err) == (0, "pause settled\n", "")
    assert shown(shell, queued)["label"] == "Queued + paused"
    assert shell("resume", queued, "--yes").out == "resume settled\n"
    assert shown(shell, queued)["label"] == "Queued"


@pytest.mark.parametrize(
    ("verb", "label"), [("stop", "Stopped"), ("cancel", "Cancelled before launch")]
)
def test_before_the_launch_an_end_is_final_and_nobody_was_contacted(
    shell, queued, verb, label
):
    answer = shell(verb, queued, "--yes", "--reason", "wrong upload")
    found = shown(shell, queued)

    assert (answer.code, answer.out) == (0, f"{verb} settled\n")
    assert found["label"] == label
    assert found["attempts"] == 0
    assert found["history"] == "created"


def test_a_receipt_in_json_tells_what_became_of_the_command(shell, queued):
    told = shell("pause", queued, "--yes", "--json").json

    assert set(told) == {
        *("command", "verb", "run", "state", "refusal", "detail"),
        *("asked_at", "acknowledged_at", "applied_at", "settled_at"),
    }
    assert (told["verb"], told["run"], told["state"]) == ("pause", queued, "settled")
    assert told["refusal"] is None
    times = [told[f"{one}_at"] for one in ("asked", "acknowledged", "settled")]
    assert times == sorted(times)


def test_the_reason_and_who_gave_it_stand_in_the_journal(shell, queued):
    shell("pause", queued, "--yes", "--reason", "the legal team waits")
    asked = shell("events", queued, "--json").json[1]

    assert asked["event"] == "pause requested"
    assert asked["reason"] == "the legal team waits"
    assert asked["by"]


@pytest.mark.parametrize(
    ("before", "verb", "name"),
    [
        ([], "resume", "NOT_PAUSED"),
        (["pause"], "pause", "ALREADY_PAUSED"),
        (["cancel"], "cancel", "ALREADY_ENDED"),
        (["stop"], "pause", "ALREADY_ENDED"),
        (["stop"], "resume", "ALREADY_ENDED"),
    ],
)
def test_what_has_no_place_is_refused_by_name(shell, queued, before, verb, name):
    for one in before:
        assert shell(one, queued, "--yes").code == 0
    version = shown(shell, queued)["version"]
    answer = shell(verb, queued, "--yes")

    assert answer.code == 1
    assert answer.out == f"refused {name}\n"
    assert answer.err.startswith(f"{name}: ")
    assert shell(verb, queued, "--yes", "--json").json["refusal"] == name
    assert shown(shell, queued)["version"] == version


def test_a_refusal_needs_no_confirmation(shell, queued):
    answer = shell("resume", queued)

    assert (answer.code, answer.out) == (1, "refused NOT_PAUSED\n")


@pytest.mark.parametrize("verb", ["pause", "stop", "cancel"])
def test_without_a_terminal_the_preview_is_shown_and_nothing_is_asked(
    shell, queued, verb
):
    answer = shell(verb, queued)

    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith(f"{verb} {queued} (Autumn), now Queued:\n")
    assert answer.err.endswith(
        "watchfloor: there is no terminal to ask on; nothing was done. "
        "Add --yes to mean it\n"
    )
    assert [one["event"] for one in shell("events", queued, "--json").json] == [
        "launch"
    ]


@pytest.mark.parametrize(
    ("verb", "line", "code"),
    [
        ("pause", "yes", 0),
        ("pause", "no", 1),
        ("stop", "yes", 0),
        ("stop", "", 1),
        ("cancel", "yes", 1),
        ("cancel", "RUN", 0),
    ],
)
def test_a_person_confirms_and_a_cancel_takes_the_run_id(
    shell, queued, typed, verb, line, code
):
    typed(line.replace("RUN", queued))
    answer = shell(verb, queued)

    assert answer.code == code
    changed = answer.out == f"{verb} settled\n"
    assert changed is (code == 0)
    assert changed or answer.err.endswith("Nothing was asked; nothing was changed.\n")
    assert (shown(shell, queued)["label"] == "Queued") is not changed


def test_a_launched_run_is_cancelled_only_when_it_is_paused(shell, launched):
    refused = shell("cancel", launched, "--yes")
    assert (refused.code, refused.out) == (1, "refused NEEDS_PAUSE\n")

    assert shell("pause", launched, "--yes", "--wait").out == "pause settled\n"
    left = shown(shell, launched)["books"]
    assert shell("cancel", launched, "--yes", "--wait").out == "cancel settled\n"
    books = shown(shell, launched)["books"]

    assert books["not_attempted"] == left["pending"] > 0
    assert books["delivered"] == left["delivered"]
    assert shell("books", launched, "--audit").code == 0


def test_the_preview_of_a_launched_run_has_its_exact_counts(shell, launched):
    books = shown(shell, launched)["books"]
    told = shell("stop", launched).err

    assert f"{books['pending']:,} records will never be attempted." in told
    assert f"({books['delivered']:,} delivered, 0 failed, 0 unknown)." in told


def test_the_first_stop_keeps_promises_and_the_second_drops_them(shell, tmp_path):
    settings = 'shares = { callback = 0.5 }\ncallback_after = "9d"'
    campaign = campaign_text(tmp_path, "vow", steps=step("simulator", settings))
    run = shell.launched(campaign, people(tmp_path / "people.csv", 40))
    with engine_beside(shell.root):
        until(lambda: shown(shell, run)["phase"] == "callback")
    promised = shown(shell, run)["books"]["callback"]
    shell("stop", run, "--yes")
    kept = shown(shell, run)
    shell("stop", run, "--yes")
    dropped = shown(shell, run)

    assert promised > 0
    assert (kept["label"], kept["books"]["callback"]) == (
        "Stopped, callbacks",
        promised,
    )
    assert dropped["outcome"] == "stopped"
    assert dropped["books"]["abandoned"] == promised
