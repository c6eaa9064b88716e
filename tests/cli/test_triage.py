from __future__ import annotations

import json

import pytest
from tests.cli.shell import campaign_text, carry_out, engine_beside, people
from tests.support.patience import until
from tests.triage.paper_evidence import PAUSED, closed_by, told
from tests.triage.test_checks import DEAD

from watchfloor.triage.evidence_file import evidence_to_json
from watchfloor.triage.examining import gathered


@pytest.fixture
def launched(shell, tmp_path):
    """A queued run that nobody carries out."""
    upload = people(tmp_path / "people.csv", 40)
    return shell.launched(campaign_text(tmp_path, "autumn"), upload)


def test_a_run_without_an_engine_is_named_ill_and_told_what_to_do(shell, launched):
    answer = shell("triage", launched, "--sample", "0")

    assert answer.code == 4
    assert f"Triage of run {launched}" in answer.out
    assert "level 1 (operator): No engine is alive" in answer.out
    assert "Start one: watchfloor engine." in answer.out


def test_a_healthy_run_that_has_ended_needs_nobody(shell, launched):
    carry_out(shell.root)
    answer = shell("triage", launched)

    assert answer.code == 0
    assert "healthy: Nothing is wrong: Completed" in answer.out
    assert "FAIL" not in answer.out
    assert "counters read once" in answer.out  # nothing was waited for


def test_a_unique_beginning_of_the_id_is_enough(busy):
    run_id = busy.run_of("completed")
    assert busy("triage", run_id, "--sample", "0").code == 0
    assert busy("triage", "nothing-like-it").code == 3


def test_as_json_it_tells_verdict_findings_and_text(busy):
    told = busy("triage", busy.run_of("paused"), "--sample", "0", "--json")
    told = told.json

    assert set(told) == {
        "run",
        "as_of",
        "sampled_s",
        "sentence",
        "verdict",
        "findings",
        "text",
    }
    assert told["verdict"]["cause"] == "runtime"
    assert told["verdict"]["level"] == 1
    assert told["verdict"]["fix"]["symptom"] == "never moves"
    checks = {one["check"]: one for one in told["findings"]}
    assert checks["gate"]["holds"]
    assert checks["runtime"]["asks"] == ["2.11"]
    assert "No engine is alive" in told["text"][3]


def test_a_symptom_puts_its_causes_first(shell, tmp_path, launched):
    campaign, upload = tmp_path / "autumn.toml", tmp_path / "people.csv"
    shell.launched(campaign, upload, "--allow-twin")
    plain = shell("triage", launched, "--sample", "0", "--json").json["verdict"]
    asked = shell(
        "triage", launched, "--sample", "0", "--symptom", "duplicates", "--json"
    ).json["verdict"]

    assert plain["cause"] == "runtime"
    assert plain["consequences"] == ["twin"]
    assert asked["cause"] == "twin"
    assert asked["symptom"] == "duplicates"


def test_the_counters_are_watched_beside_a_running_engine(shell, tmp_path):
    upload = people(tmp_path / "people.csv", 400)
    slow = campaign_text(tmp_path, "slow", rest='[limits]\nrate = "20/s"\n')
    run_id = shell.launched(slow, upload)
    with engine_beside(shell.root):
        until(
            lambda: shell("show", run_id, "--json").json["books"]["delivered"] > 5,
            what="some deliveries",
        )
        answer = shell("triage", run_id, "--sample", "1", "--json")
    told = answer.json

    assert answer.code == 0
    assert told["sampled_s"] >= 1
    progress = next(one for one in told["findings"] if one["check"] == "progress")
    assert progress["sign"] == "ok"
    assert "The counters move" in progress["finding"]


def test_evidence_from_elsewhere_is_judged_like_a_run(shell, tmp_path):
    sick = told(PAUSED, run=closed_by("engine", "http_401 for +491701234567"))
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps(evidence_to_json(sick)), encoding="utf-8")
    answer = shell("triage", "--evidence", path)

    assert answer.code == 4
    assert "Cause      access" in answer.out
    assert "+491701234567" not in answer.out
    assert "+4***4567" in answer.out


def test_what_was_gathered_here_is_judged_the_same_elsewhere(shell, launched, tmp_path):
    found = gathered(shell.layout, launched, 1_800_000_000_000)
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps(evidence_to_json(found)), encoding="utf-8")
    answer = shell("triage", "--evidence", path, "--json")

    assert answer.json["run"] == launched
    assert answer.json["verdict"]["cause"] == "runtime"


def test_hostile_evidence_says_nothing_to_the_terminal(shell, tmp_path):
    sick = told(
        now=DEAD, run={"campaign_name": "\x1b]0;owned\x07\u202e", "cause": "[/]"}
    )
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps(evidence_to_json(sick)), encoding="utf-8")
    answer = shell("triage", "--evidence", path)

    assert answer.code == 4
    assert "\x1b" not in answer.out
    assert "\u202e" not in answer.out


def test_evidence_of_another_form_is_refused_in_words(shell, tmp_path):
    path = tmp_path / "evidence.json"
    path.write_text('{"format": 9}', encoding="utf-8")
    answer = shell("triage", "--evidence", path)

    assert answer.code == 1
    assert "reads form 1; nothing was judged" in answer.err


@pytest.mark.parametrize("arguments", [(), ("run", "--evidence", "x.json")])
def test_a_run_or_a_file_is_named_and_not_both(shell, arguments):
    answer = shell("triage", *arguments)
    assert answer.code == 1
    assert "name a run, a bundle or --evidence" in answer.err


@pytest.mark.parametrize("seconds", ["-1", "601", "soon", "nan"])
def test_a_sample_is_a_bounded_number_of_seconds(shell, launched, seconds):
    assert shell("triage", launched, "--sample", seconds).code == 2


def test_spiteful_names_are_harmless(shell, spiteful_workspace):
    runs = shell.bare("--workspace", spiteful_workspace, "runs", "--json").json
    for run in runs:
        answer = shell.bare(
            "--workspace", spiteful_workspace, "triage", run["id"], "--sample", "0"
        )
        assert "\x1b" not in answer.out
        assert "\u202e" not in answer.out
