from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from tests.triage.paper_evidence import (
    BOOKS,
    MINUTE_MS,
    NOW_MS,
    PAUSED,
    attempts,
    child,
    closed_by,
    later,
    neighbour,
    told,
)
from tests.triage.test_checks import DEAD, FULL, HEALTHY, SICK, STALLED

from watchfloor.domain.evidence import Evidence
from watchfloor.domain.runbook import Symptom, Verdict
from watchfloor.domain.views import EventView
from watchfloor.triage.fixes import FIXES, fix_for
from watchfloor.triage.reporting import triage
from watchfloor.triage.verdict import CAUSES

TWIN: dict[str, Any] = {
    "neighbours": (neighbour(same_campaign=True, same_upload=True),)
}
DOWN: dict[str, Any] = {"recent": attempts(delivered=100, http_503=100)}


def verdict(evidence: Evidence, wanted: Symptom | None = None) -> Verdict:
    return triage(evidence, wanted).verdict


def resumed(at_ms: int) -> EventView:
    return EventView(entry_id=1, at_ms=at_ms, run_id="r", event="resume", by="ann")


@pytest.mark.parametrize("case", SICK)
def test_what_fails_is_named_as_the_cause_or_beside_it_with_a_row_of_the_table(case):
    check, evidence, _, _ = SICK[case]
    judged = verdict(evidence)
    assert not judged.is_well
    assert check in (judged.cause, *judged.consequences)
    assert judged.level in (1, 2, 3)
    assert judged.fix is not None
    assert judged.symptom is not None


@pytest.mark.parametrize("case", HEALTHY)
def test_on_a_healthy_run_nobody_is_asked_to_act(case):
    judged = verdict(HEALTHY[case])
    assert judged.is_well
    assert (judged.level, judged.consequences, judged.fix) == (0, (), None)
    assert judged.summary.startswith("Nothing is wrong")


def test_a_missing_engine_explains_everything_after_it():
    judged = verdict(told(PAUSED, now=DEAD, run=closed_by("engine", "x"), **DOWN))
    assert judged.cause == "runtime"
    assert judged.consequences == ("gate", "provider")


def test_full_permits_go_before_the_counters_that_do_not_move():
    evidence = later(told(books=FULL, now={"oldest_s": 900.0}, run=STALLED))
    assert verdict(evidence).cause == "permits"


def test_what_a_run_waits_for_is_named_though_nothing_is_wrong():
    judged = verdict(HEALTHY["outside its window"])
    assert judged.cause == "window"
    assert judged.summary.startswith("Nothing is wrong. Outside the window: 500")
    assert judged.eta == ("not known; it goes on in 1 h 00 min, when the window opens")


def test_what_is_worth_a_look_is_named_on_a_healthy_run():
    judged = verdict(told(recent=attempts(delivered=186, http_503=14)))
    assert judged.is_well
    assert "Worth a look: 7 %" in judged.summary
    assert judged.next_action == "Watch it: run triage again in a minute."


def test_a_stall_is_for_engineering_and_by_its_own_criterion_after_a_resume():
    stall = told(run=STALLED)
    assert (verdict(stall).level, verdict(stall).criteria) == (3, ())
    again = replace(stall, events=(resumed(NOW_MS - 2 * MINUTE_MS),))
    judged = verdict(again)
    assert judged.level == 3
    assert judged.criteria == ("1.23",)
    assert judged.why_level.startswith("it stands still again")
    before = replace(stall, events=(resumed(NOW_MS - 20 * MINUTE_MS),))
    assert verdict(before).criteria == ()


def test_a_stall_beside_a_retry_that_held_is_for_engineering():
    assert verdict(told(run=STALLED, relatives=(child(15, 0),))).level == 3


def test_duplicates_despite_dedupe_are_for_engineering_whatever_comes_first():
    evidence = told(now=DEAD, whole=replace(attempts(delivered=40), twice=1))
    judged = verdict(evidence)
    assert (judged.cause, judged.level) == ("runtime", 3)
    assert judged.criteria == ("1.24",)


def test_failures_above_the_threshold_are_for_engineering():
    judged = verdict(told(**DOWN))
    assert (judged.cause, judged.level) == ("provider", 3)
    assert judged.criteria == ("1.25",)


def test_a_threshold_follows_what_earlier_runs_had():
    share = attempts(delivered=172, http_503=28)
    assert verdict(told(recent=share)).level == 3
    assert verdict(told(recent=share, baseline_transient=0.1)).is_well


def test_a_sick_baseline_of_an_older_bundle_raises_no_threshold():
    share = attempts(delivered=130, http_503=70)
    judged = verdict(told(recent=share, baseline_transient=0.4))
    assert (judged.cause, judged.level) == ("provider", 3)
    assert "at most 10 %" in judged.summary


@pytest.mark.parametrize(
    ("newest", "criteria"), [(child(15, 0), ("1.23",)), (child(1, 14), ())]
)
def test_a_stall_is_one_beside_a_retry_that_held_if_the_newest_did(newest, criteria):
    older = child(15, 0, run_id="older")
    parent = child(900, 0, is_child=False)
    stall = told(run=STALLED, relatives=(newest, older, parent))
    assert verdict(stall, Symptom.STUCK).criteria == criteria


@pytest.mark.parametrize("case", SICK)
def test_a_level_is_explained_without_the_numbers_of_a_runbook(case):
    judged = verdict(SICK[case][1])
    assert re.search(r"\d", judged.why_level) is None


def test_a_symptom_puts_its_causes_first():
    evidence = told(now=DEAD, **TWIN, **DOWN)
    assert verdict(evidence).cause == "runtime"
    assert verdict(evidence, Symptom.DUPLICATES).cause == "twin"
    assert verdict(evidence, Symptom.FAILING).cause == "provider"
    assert verdict(evidence, Symptom.STUCK).cause == "runtime"


@pytest.mark.parametrize(
    ("evidence", "symptom"),
    [
        (told(now=DEAD), Symptom.STUCK),
        (SICK["malformed rows"][1], Symptom.FEW),
        (told(**DOWN), Symptom.FEW),
        (SICK["wrong numbers of a prefix"][1], Symptom.FEW),
        (SICK["many failures"][1], Symptom.FEW),
        (told(**TWIN), Symptom.DUPLICATES),
    ],
)
def test_without_a_symptom_the_cause_tells_it(evidence, symptom):
    assert verdict(evidence).symptom in {symptom, Symptom.FAILING}


def test_each_symptom_has_causes():
    from watchfloor.triage.checks import CHECKS  # noqa: PLC0415 - for this test alone

    for symptom in Symptom:
        assert sum(symptom in one.symptoms for one in CHECKS) >= 4


def test_a_moving_run_is_told_when_it_ends():
    assert verdict(told(done_per_s=2.0)).eta.startswith("about ")
    assert verdict(told(done_per_s=1e-9)).eta == "not known: no rate can be told yet"


@pytest.mark.parametrize(
    ("case", "eta"),
    [
        ("no engine", "none while it waits: no engine is alive"),
        ("a pause by the engine", "none while it waits: the gate is closed"),
        ("a plan that is used up", "none while it waits: the plan is used up"),
        (
            "a word that nobody gives",
            "none while it waits: somebody outside has to act",
        ),
    ],
)
def test_what_ends_only_by_a_persons_act_has_no_end_in_sight(case, eta):
    assert verdict(SICK[case][1]).eta == eta


def test_the_text_names_everything_that_is_handed_over():
    text = "\n".join(triage(later(told(now=DEAD), by_ms=3_000)).text)
    for line in (
        "Verdict    level 1 (operator): No engine is alive",
        "Cause      runtime",
        "Next       Start one: watchfloor engine.",
        "ETA        none while it waits",
        "Symptom    running, and no attempt completes",
        "Workspace  ws-1 (Night shift)",
        "Campaign   autumn (Autumn billing)",
        "Run        261128-100000-aaaa, Running",
        "Launch id  261128-100000-bbbb",
        "Upload     u-261128-100000-aaaa (september.csv, sha256 abababababab)",
        "Counts     490 delivered, 6 failed, 0 unknown, 504 left of 1,000",
        "Sampled    counters read twice, 3.0 s apart",
        "  FAIL   runtime      No engine is alive",
    ):
        assert line in text
    assert "Window     2026-09-21 13:13:20 UTC to 2026-09-21" in text


def test_every_check_has_its_row_of_the_table_and_every_row_its_checks():
    never = {"external", "recipients", "late"}
    assert {name for name in CAUSES if fix_for(name) is None} <= never
    assert {name for row in FIXES for name in row.causes} <= set(CAUSES)


def test_books_decide_the_counts_of_the_text():
    evidence = later(told(), delivered=BOOKS.delivered + 6, pending=BOOKS.pending - 6)
    text = triage(evidence).text
    assert any(line.startswith("Counts     496 delivered") for line in text)
