from __future__ import annotations

import pytest
from tests.cli.shell import campaign_text, carry_out, people, step
from tests.support.provider import Provider, Reply

BUSY, GONE, FINE = Reply(status=503), Reply(status=404), Reply()
GUARD = "[guard]\nbreaker_after = 0\n[limits]\npermits = 8\n"


@pytest.fixture
def provider():
    with Provider() as serving:
        yield serving


@pytest.fixture
def sick(shell, provider, tmp_path):
    """A run of 40 that failed for now but for two that failed for good."""
    settings = f'url = "{provider.url}"\nbody = {{ to = "${{contact}}" }}'
    once = f"{step('webhook', settings)}\n[steps.retry]\nattempts = 1\n"
    provider.otherwise = BUSY
    provider.replies = {"c000001": [GONE], "c000002": [GONE]}
    campaign = campaign_text(tmp_path, "autumn", steps=once, rest=GUARD)
    run = shell.launched(campaign, people(tmp_path / "people.csv", 40))
    carry_out(shell.root)
    provider.otherwise = FINE
    return run


def test_a_retry_says_whom_it_contacts_and_answers_with_the_child(shell, sick):
    answer = shell("retry", sick, "--yes", "--reason", "provider is back")
    child = answer.out.strip()

    assert answer.code == 0
    assert "38 records of 40 selected will be tried again" in answer.err
    assert "2 records failed for good and are refused." in answer.err
    assert "A canary of 15 goes first, then 23;" in answer.err
    assert f"watchfloor canary {child}" in answer.err
    carry_out(shell.root)
    shown = shell("show", child)
    assert f"child of     {sick}, retry of 38 records" in shown.out
    assert "canary       stage 2 of 2 passed; 23 of 23 final" in shown.out
    assert f"retried by   {child}" in shell("show", sick).out
    assert shell("show", sick, "--json").json["retried_by"] == child
    assert f"It was retried by {child}." in shell("why", sick).out
    events = shell("events", child).out
    assert "provider is back" in events
    assert "canary passed" in events
    family = shell("books", child, "--family", "--audit")
    assert (family.code, family.out.splitlines()[-1]) == (0, "balanced")
    assert "40 people = 38 delivered + 2 failed" in family.out
    assert "38 reached, 2 not" in family.out
    people = shell("books", sick, "--family", "--json").json["people"]
    assert (people["all"], people["reached"], people["not_reached"]) == (40, 38, 2)
    left = shell("records", sick, "--family", "--json").json
    assert [(one["run"], one["state"]) for one in left] == [(sick, "failed")] * 2
    page = shell("records", child, "--family", "--state", "delivered", "--limit", "20")
    place = page.err.strip().removeprefix("more: --after ")
    assert place.startswith(f"{child}/")
    assert page.out.count(" delivered ") == 40
    rest = shell("records", sick, "--family", "--state", "delivered", "--after", place)
    assert (rest.out.count(" delivered "), rest.err) == (36, "")
    assert "is no place" in shell("records", sick, "--family", "--after", "7").err
    told = shell("records", sick, "--family", "--state", "unknown")
    assert (told.out, told.err) == ("", "Nobody is unknown.\n")


def test_in_json_the_preview_comes_with_the_answer(shell, sick):
    told = shell("retry", sick, "--yes", "--json", "--code", "http_503").json
    preview = told["preview"]

    assert told["state"] == "settled"
    assert told["id"] == shell.newest
    assert preview["counts"] == {
        "selected": 38,
        "retried": 38,
        "permanent": 0,
        "unknown": 0,
        "other": 0,
        "reached": 0,
        "suppressed": 0,
        "may_repeat": 0,
        "taken": {},
    }
    assert preview["stages"] == [15, 23]
    assert preview["selection"]["codes"] == ["http_503"]
    assert (preview["retries_left"], preview["times_left"]) == (10, 3)


def test_without_a_yes_nothing_is_asked(shell, sick):
    answer = shell("retry", sick)

    assert answer.code == 1
    assert "there is no terminal to ask on" in answer.err
    assert shell.newest == sick


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (("--class", "permanent"), "ONLY_PERMANENT"),
        (("--class", "unknown"), "EMPTY_COHORT"),
        (("--origin", "example.org"), "EMPTY_COHORT"),
        (("--step", "text"), "EMPTY_COHORT"),
        (("--seq", "1"), "ONLY_PERMANENT"),
    ],
)
def test_what_cannot_be_retried_is_refused_by_name(shell, sick, options, refusal):
    answer = shell("retry", sick, *options, "--yes")
    told = shell("retry", sick, *options, "--yes", "--json")

    assert (answer.code, answer.out) == (1, f"refused {refusal}\n")
    assert refusal in answer.err
    assert (told.code, told.json["refusal"]) == (1, refusal)
    assert shell.newest == sick


def test_a_live_run_is_refused(shell, queued):
    answer = shell("retry", queued, "--yes")

    assert (answer.code, answer.out) == (1, "refused STILL_LIVE\n")
    assert "0 of 0" not in answer.err
    assert "0 records" not in answer.err
    assert "wait for its end, or stop it" in answer.err
    assert f"watchfloor stop {queued}" in answer.err


def test_a_run_that_there_is_not_is_not_found(shell, queued):
    del queued
    assert shell("retry", "no-such-run", "--yes").code == 3
    assert shell("canary", "no-such-run").code == 3


def test_a_yes_is_not_enough_where_a_word_is_asked_for(shell, provider, tmp_path):
    settings = (
        f'url = "{provider.url}"\ndelivery = "at_most_once"\n'
        'body = { to = "${contact}" }'
    )
    provider.otherwise = Reply(drop=True)
    campaign = campaign_text(
        tmp_path, "autumn", steps=step("webhook", settings), rest=GUARD
    )
    run = shell.launched(campaign, people(tmp_path / "people.csv", 3))
    carry_out(shell.root)
    meant = ("retry", run, "--class", "unknown", "--yes")
    refused = shell(*meant)
    wrong = shell(*meant, "--confirm", "yes")
    right = shell(*meant, "--confirm", "resend")

    assert (refused.code, wrong.code, right.code) == (1, 1, 0)
    assert "whoever was reached is contacted AGAIN" in refused.err
    assert "add --confirm resend" in refused.err
    assert "nobody is contacted" in wrong.err


def test_a_canary_that_stopped_says_why_and_is_unhealthy(shell, sick, provider):
    provider.otherwise = BUSY
    child = shell("retry", sick, "--yes").out.strip()
    carry_out(shell.root)
    answer = shell("canary", child)
    told = shell("canary", child, "--json")

    assert (answer.code, told.code) == (4, 4)
    assert "stage 1: 15 records, stopped" in answer.out
    assert "15 of 15 attempts failed for now or are unknown (100.0 %)" in answer.out
    assert f"go on all the same: watchfloor resume {child}" in answer.out
    assert told.json["stopped"] is True
    assert told.json["held_back"] == 23
    shown = shell("show", child, "--json").json
    assert shown["canary"]["stages"][0]["state"] == "stopped"
    assert shown["gate_by"] == "engine"


def test_without_a_canary_everything_goes_at_once(shell, sick):
    child = shell("retry", sick, "--all", "--yes").out.strip()
    answer = shell("canary", child)

    assert (answer.code, "has no canary" in answer.out) == (0, True)
    assert shell("canary", child, "--json").json is None


def test_waiting_ends_where_nobody_carries_the_run_out(shell, sick):
    answer = shell("retry", sick, "--yes", "--wait")

    assert answer.code == 4
    assert "Queued" in answer.out


def test_what_a_retry_leaves_out_can_be_exported_as_rejects(shell, sick, tmp_path):
    child = shell("retry", sick, "--yes").out.strip()
    shell("suppress", "c000003", "--kind", "id")
    carry_out(shell.root)
    out = tmp_path / "rejects.csv"

    assert shell("rejects", child, "-o", out).code == 0
    assert "c000003" in out.read_text(encoding="utf-8")
    assert shell("history", child).code == 0
    assert shell("hide", child).code == 0
    assert shell("purge", child, "--yes").code == 0
    assert shell("purge", sick, "--yes").code == 0


def test_a_selector_that_matches_nothing_is_named_with_what_there_is(shell, sick):
    answer = shell("retry", sick, "--code", "http_509", "--yes")
    told = shell("retry", sick, "--step", "fax", "--yes", "--json").json

    said = "--code http_509 is of no failed record here; there is: http_404, http_503"
    assert said in answer.err
    assert "--step fax is of no failed record here" in told["unmatched"][0]
