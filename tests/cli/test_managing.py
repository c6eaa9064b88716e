"""What a workspace allows, told and changed by verbs: words, limits, suppression."""

from __future__ import annotations

import json

import pytest
from tests.cli.shell import campaign_text, carry_out, people


def shown(shell, run):
    return shell("show", run, "--json").json


@pytest.fixture
def waiting(shell, tmp_path):
    """A run of five that waits for a person's word after two of them."""
    campaign = campaign_text(tmp_path, "careful", rest="[approval]\nafter = 2")
    run = shell.launched(campaign, people(tmp_path / "five.csv", 5))
    carry_out(shell.root)
    return run


def configure(shell, text):
    with (shell.root / "watchfloor.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def test_a_word_is_previewed_and_only_yes_gives_it(shell, waiting, typed):
    typed("no")
    kept = shell("approve", waiting)
    typed("yes")
    given = shell("approve", waiting, "--reason", "they look right")
    carry_out(shell.root)

    assert kept.code == 1
    assert "5 records = 3 pending + 2 delivered" in kept.out
    assert f"approve {waiting} (Careful), now Waiting (external):" in kept.err
    assert "2 attempts were made before this word." in kept.err
    assert "3 records go on after it." in kept.err
    assert kept.err.endswith("Nothing was asked; nothing was changed.\n")
    assert (given.code, given.out.splitlines()[-1]) == (0, "approve settled")
    assert shown(shell, waiting)["books"]["delivered"] == 5


def test_status_says_that_a_run_waits_for_a_word_until_it_is_given(shell, waiting):
    before = shell("status", "--short").out
    told = shell("status", "--json").json
    shell("approve", waiting, "--yes")
    after = shell("status", "--short").out

    assert "| 3 left | 1 awaiting approval |" in before
    assert told["awaiting_approval"] == 1
    assert "approval" not in after


def test_with_yes_nobody_is_asked_for_the_word(shell, waiting):
    given = shell("approve", waiting, "--yes", "--json")

    assert (given.code, given.err) == (0, "")
    assert (given.json["verb"], given.json["state"]) == ("approve", "settled")


def test_a_word_that_nobody_waits_for_asks_nobody_and_is_refused(shell, queued):
    answer = shell("approve", queued)

    assert (answer.code, answer.out) == (1, "refused NOT_YET\n")
    assert "waits for nobody's word" in answer.err
    assert shown(shell, queued)["label"] == "Queued"


def test_a_workspace_without_limits_says_so(shell):
    told = shell("limit", "workspace")

    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines()[1].split() == ["workspace", "none", "none", "file"]
    assert shell("limit", "workspace", "--json").json == {
        "workspace": {"permits": None, "rate_per_s": None}
    }


def test_a_shared_limit_stands_before_the_file_until_it_is_cleared(shell):
    configure(shell, "\n[channels.simulator]\npermits = 9\n")
    scope = "channel:simulator"

    set_ = shell("limit", scope, "--permits", 3, "--rate", "600/m", "--reason", "peak")
    (line,) = [one for one in shell("limit", scope).out.splitlines() if scope in one]
    cleared = shell("limit", scope, "--clear")

    assert (set_.code, set_.out) == (0, "limit settled\n")
    assert line.split()[:5] == [scope, "3", "10/s", "set", "by"]
    assert (cleared.code, cleared.out) == (0, "limit settled\n")
    assert shell("limit", scope, "--json").json[scope] == {
        "permits": 9,
        "rate_per_s": None,
    }


def test_a_runs_own_limits_are_shown_beside_the_shared_ones(shell, queued):
    changed = shell("limit", queued[:20], "--permits", 2, "--rate", "10/h")
    told = shell("limit", queued)

    assert (changed.code, changed.out) == (0, "limit settled\n")
    rows = [line.split() for line in told.out.splitlines()[1:]]
    assert rows == [
        ["workspace", "none", "none", "file"],
        [queued, "2", "0.00277778/s", "the", "run"],
    ]
    assert shell("limit", queued, "--rate", "none").code == 0
    assert shell("limit", queued, "--json").json[queued] == {
        "permits": 2,
        "rate_per_s": None,
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--permits", "0"), "--permits '0' is no number above 0; write one, or none"),
        (("--permits", "few"), "--permits 'few' is no number above 0"),
        (("--permits", "²"), "--permits '²' is no number above 0"),
        (("--rate", "fast"), "write 20/s, 600/m, 10/h, or none"),
        (("--permits", "3", "--clear"), "--clear stands alone"),
    ],
)
def test_a_limit_that_is_none_changes_nothing(shell, options, said):
    answer = shell("limit", "workspace", *options)

    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err
    assert shell("limit", "workspace", "--json").json["workspace"] == {
        "permits": None,
        "rate_per_s": None,
    }


def test_a_run_has_no_file_to_fall_back_to(shell, queued):
    answer = shell("limit", queued, "--clear")

    assert answer.code == 1
    assert "--clear stands alone, after workspace or channel:NAME" in answer.err


def test_who_is_suppressed_is_contacted_by_no_run(shell, tmp_path):
    answer = shell("suppress", "c000002", "--kind", "id", "--reason", "asked us")

    assert (answer.code, answer.out) == (0, "suppress settled\n")
    assert answer.err.splitlines()[0] == "id c0***02"
    assert answer.err.splitlines()[1] == "1 of 1 were not suppressed before"
    run = shell.launched(campaign_text(tmp_path, "any"), people(tmp_path / "p.csv", 3))
    carry_out(shell.root)
    books = shown(shell, run)["books"]
    assert (books["suppressed"], books["delivered"]) == (1, 2)


def test_what_a_contact_is_follows_from_how_it_is_written(shell):
    answer = shell("suppress", "Ann@Example.org", "+49 30 901820", "--json")
    near = shell("suppress", "030 901820", "--region", "de")

    kinds = [line.split() for line in answer.err.splitlines() if "***" in line]
    assert kinds == [["email", "A***@example.org"], ["phone", "+4***1820"]]
    receipts = answer.out.replace("}\n{", "}\n\0{").split("\0")
    assert [json.loads(one)["state"] for one in receipts] == ["settled"] * 2
    assert near.err.splitlines()[0] == "phone +4***1820"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("4930901820",), "49***20: is it a phone or an id? Nothing was suppressed."),
        (("a@example.org", "b@c@d"), "b***@d is no usable email"),
        (("+4930", "--region", "DE"), "*** is no usable phone"),
    ],
)
def test_what_cannot_be_suppressed_is_said_and_nobody_else_is_either(
    shell, words, said
):
    answer = shell("suppress", *words)

    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err
    assert "suppressed" in answer.err
    assert shell("audit", "show", "--json").json == []


def test_the_plan_tells_the_months_use_and_what_it_allows(shell, queued):
    free = shell("plan").out.splitlines()
    configure(shell, "\n[plan]\nmonthly_records = 250000\n")
    bound = shell("plan").out.splitlines()
    told = shell("plan", "--json").json

    assert free[0].endswith(" UTC")
    assert [line.split(maxsplit=1) for line in free[1:]] == [
        ["runs", "1 of any number"],
        ["records", "5 of any number"],
    ]
    assert bound[2].split(maxsplit=1) == ["records", "5 of 250,000"]
    assert told["used"] == {"runs": 1, "records": 5}
    assert told["limits"] == {"runs": None, "records": 250_000}
    assert set(told) == {"month", "ends_at", "zone", "used", "limits"}


def test_promised_callbacks_are_listed_page_by_page_the_next_first(busy):
    run = busy.run_of("promising")
    every = busy("callbacks", run, "--json", "--limit", 100).json
    table = busy("callbacks", run)
    first = busy("callbacks", run, "--limit", 1)
    key = first.err.strip().removeprefix("more: --after ")
    second = busy("callbacks", run, "--json", "--limit", 1, "--after", key).json

    assert len(every) > 2
    assert [one["due_at"] for one in every] == sorted(one["due_at"] for one in every)
    assert {one["state"] for one in every} == {"not due"}
    assert all("***" in one["contact"] for one in every)
    assert len(table.out.splitlines()) == len(every) + 1
    assert "***" in table.out
    assert second == every[1:2]
    assert busy("callbacks", run, "--unmask", "--json").json[0]["contact"] in {
        f"c{number:06}" for number in range(61)
    }
    assert "***" not in busy("callbacks", run, "--unmask").out


def test_where_nobody_was_promised_anything_the_list_says_so(busy):
    run = busy.run_of("completed")
    answer = busy("callbacks", run)

    assert (answer.code, answer.out) == (0, "")
    assert answer.err == f"No callback of run {run} waits.\n"


@pytest.mark.parametrize("key", ["5", "x:1", "1:x", ":"])
def test_a_place_that_no_page_told_is_refused(busy, key):
    answer = busy("callbacks", busy.run_of("promising"), "--after", key)

    assert answer.code == 1
    assert f"--after {key!r} is no key; take it from the last page" in answer.err
