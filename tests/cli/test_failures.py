from __future__ import annotations

import shlex

import pytest
from tests.cli.shell import campaign_text, carry_out, people, step

SICK = """
delivery = "at_most_once"
[steps.settings.shares]
transient = 0.4
permanent = 0.2
ambiguous = 0.1
[steps.retry]
attempts = 1
"""
#: What every group tells, whatever it is grouped by.
GROUP = {
    *("class", "code", "origin", "step", "records", "retryable", "retried"),
    *("permanent", "unknown", "waiting", "share", "example", "first_at", "last_at"),
    *("retry", "why_not"),
}


@pytest.fixture
def sick(shell, tmp_path):
    """A shell on a workspace with one run, many of whose records failed."""
    campaign = campaign_text(tmp_path, "sick", steps=step("simulator", SICK))
    shell.launched(campaign, people(tmp_path / "people.csv", 120))
    carry_out(shell.root)
    return shell


def test_every_failure_stands_in_one_group_with_what_retries_it(sick):
    run = sick.newest
    books = sick("show", run, "--json").json["books"]

    told = sick("failures", run, "--json").json

    assert told["by"] == ["class", "code", "origin", "step"]
    assert told["looked_at"] == told["of"] == books["failed"] + books["unknown"]
    groups = told["groups"]
    assert sum(one["records"] for one in groups) == told["of"]
    assert all(set(one) == GROUP for one in groups)
    by_class = {one["class"]: one for one in groups}
    assert set(by_class) == {"transient", "permanent", "ambiguous"}
    assert by_class["permanent"]["why_not"] == "permanent: never retried"
    assert by_class["permanent"]["retry"] is None
    assert by_class["ambiguous"]["why_not"] == "unknown: resolve first"


def test_the_words_that_are_printed_make_exactly_that_group_the_cohort(sick):
    run = sick.newest
    groups = sick("failures", run, "--json").json["groups"]
    group = next(one for one in groups if one["retry"])

    program, *words = shlex.split(group["retry"])
    done = sick(*words, "--yes", "--json")

    assert program == "watchfloor"
    assert done.code == 0, done
    assert f"of {group['records']:,} selected will be tried again" in done.err
    after = sick("failures", run, "--by", "class", "--json").json["groups"]
    assert next(one for one in after if one["class"] == "transient")["retried"]


def test_groups_can_be_made_by_less_and_fewer_can_be_shown(sick):
    run = sick.newest

    by_step = sick("failures", run, "--by", "step").out
    few = sick("failures", run, "--limit", 1)

    assert "STEP" in by_step
    assert "CODE" not in by_step
    assert len(by_step.splitlines()) == 2
    assert len(few.out.splitlines()) == 2
    assert "2 smaller groups are left out" in few.err


def test_only_one_state_can_be_asked_for(sick):
    told = sick("failures", sick.newest, "--state", "unknown", "--json").json

    assert [one["class"] for one in told["groups"]] == ["ambiguous"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "colour"), "'colour' is none"),
        (("--by", ","), "nothing is named"),
        (("--state", "delivered"), "it is one of unknown, failed, retry"),
    ],
)
def test_what_there_is_not_is_refused_by_name(sick, words, said):
    answer = sick("failures", sick.newest, *words)

    assert answer.code == 1
    assert said in answer.err


def test_a_run_in_which_nothing_failed_says_so(shell, tmp_path):
    shell.launched(campaign_text(tmp_path, "fine"), people(tmp_path / "a.csv", 3))

    answer = shell("failures", shell.newest)

    assert (answer.code, answer.out) == (0, "")
    assert "Nothing failed in run" in answer.err


def test_a_run_that_is_not_there_is_not_found(shell):
    assert shell("failures", "261128").code == 3
