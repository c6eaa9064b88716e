"""``launch --rehearse``: what a launch would come to; and what a launch asks first."""

from __future__ import annotations

import time

import pytest
from tests.cli.shell import campaign_text, people, step


@pytest.fixture
def upload(tmp_path):
    """Five people, one row without a contact and one that is there twice."""
    return people(tmp_path / "people.csv", 5, extra=("", "c000001"))


def rehearsed(shell, campaign, upload, *options):
    answer = shell("launch", campaign, "--upload", upload, "--rehearse", *options)
    assert shell("runs", "--json").json == []
    assert shell.uploads == []
    return answer


def test_a_rehearsal_says_what_would_be_and_contacts_nobody(shell, tmp_path, upload):
    slow = step("simulator", 'latency = "2s"')
    campaign = campaign_text(tmp_path, "autumn", steps=slow, published=False)

    answer = rehearsed(shell, campaign, upload)

    assert (answer.code, answer.err) == (0, "")
    told = answer.out.splitlines()
    assert told[0] == "rehearsal of Autumn: nobody was contacted"
    assert told[1] == "rows       7; rejected: 1 invalid, 1 duplicate"
    assert "records    5 would be contacted" in told
    assert "window     5 open now, 0 outside" in told
    assert "attempt    2 s each, as the simulator is set" in told
    assert any(line.startswith("duration   0:00:02, until ") for line in told)
    assert told[-1] == "plan       ok"


def test_a_rehearsal_in_json_has_every_figure(shell, tmp_path, upload):
    told = rehearsed(shell, campaign_text(tmp_path, "a"), upload, "--json").json

    assert (told["rows"], told["records"], told["refusal"]) == (7, 5, None)
    assert {kind: n for kind, n in told["rejects"].items() if n} == {
        "invalid": 1,
        "duplicate": 1,
    }
    assert told["timing"] == "assumed: no run of this campaign has ended here yet"
    assert (told["inside_window"], told["window_never_opens"]) == (5, 0)
    assert told["ends_at"].endswith("Z")


def test_what_the_plan_would_refuse_is_told_before_anybody_launches(
    shell, tmp_path, upload
):
    with shell.layout.settings.open("a", encoding="utf-8") as file:
        file.write("\n[plan]\nmonthly_records = 4\n")
    campaign = campaign_text(tmp_path, "autumn")

    answer = rehearsed(shell, campaign, upload)
    told = rehearsed(shell, campaign, upload, "--json")

    assert (answer.code, told.code) == (1, 1)
    assert answer.out.splitlines()[-1].startswith("plan       PLAN_LIMIT: ")
    assert told.json["refusal"] == "PLAN_LIMIT"
    assert told.json["detail"] in answer.out


def test_secrets_that_are_not_lent_are_told_before_anybody_launches(
    shell, tmp_path, upload
):
    settings = """
url = "http://127.0.0.1:9/"
headers = { X-A = "env:CALLS_TOKEN" }
body = { to = "${contact}" }
"""
    file = campaign_text(tmp_path, "own", steps=step("webhook", settings))

    def as_operator(*options):
        launch = ("launch", file, "--upload", upload, *options)
        return shell("--role", "operator", *launch)

    told = as_operator("--rehearse")
    as_json = as_operator("--rehearse", "--json")
    launched = as_operator("--yes")

    assert (told.code, as_json.code) == (1, 1)
    *_, secrets, plan = told.out.splitlines()
    # In the very words of the launch, with all that a rehearsal tells besides.
    assert secrets.startswith('secrets    NOT_ALLOWED: the campaign refers to "env:CA')
    assert secrets.removeprefix("secrets    NOT_ALLOWED: ") in launched.err
    assert plan == "plan       ok"
    assert as_json.json["not_lent"] == ["env:CALLS_TOKEN"]
    assert (as_json.json["refusal"], as_json.json["records"]) == ("NOT_ALLOWED", 5)
    assert "secrets" not in rehearsed(shell, file, upload).out


def test_a_window_that_is_shut_for_everybody_says_when_it_opens(
    shell, tmp_path, upload
):
    # It opens after midnight, where it is an evening now: hours lie on either side.
    behind_utc_h = (time.gmtime().tm_hour - 18 + 12) % 24 - 12
    zone = f"Etc/GMT{behind_utc_h:+d}"
    rest = f'[window]\nzone = "{zone}"\nopen = "00:00"\nclose = "12:00"'

    told = rehearsed(shell, campaign_text(tmp_path, "u", rest=rest), upload).out

    assert "window     0 open now, 5 outside" in told
    assert "           opens from " in told


def test_rows_that_no_channel_could_send_are_named(shell, tmp_path):
    settings = 'host = "mail.example"\nfrom = "Desk <d@example.org>"\n'
    settings += 'security = "starttls"\nsubject = "${first_name}"\ntext = "hello"'
    campaign = campaign_text(tmp_path, "mail", steps=step("smtp", settings))
    campaign.write_text(
        campaign.read_text().replace('kind = "id"', 'kind = "email"'), "utf-8"
    )
    upload = tmp_path / "mail.csv"
    upload.write_text('id,first_name\na@example.org,Ann\nb@example.org,"B\nCc: x"\n')

    told = rehearsed(shell, campaign, upload).out

    assert "unfit      1 cannot be sent as they are:" in told
    assert "row 2, call: the subject would contain a line break" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "name a campaign file, or with --child-of the run whose campaign to use"),
        (("FILE", "--child-of", "x"), "name a campaign file, or with --child-of"),
        (("--child-of", "x", "--rehearse"), "a child run cannot be rehearsed"),
    ],
)
def test_what_is_no_launch_is_refused_before_a_file_is_read(
    shell, upload, options, said
):
    answer = shell("launch", *options, "--upload", upload, "--yes")

    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err
    assert shell.uploads == []


def test_a_child_run_says_whom_it_spares(shell, rejecting, upload, typed):
    typed("yes")

    answer = shell("launch", "--child-of", rejecting[:20], "--upload", upload)

    assert answer.code == 0
    assert f"child of {rejecting}: its records are not contacted again" in answer.err
    child = shell("show", answer.out.strip()).out
    assert ["child", "of", rejecting] in [line.split() for line in child.splitlines()]


def test_a_twin_says_that_people_are_contacted_again(shell, tmp_path, upload, typed):
    typed("no")

    answer = shell(
        *("launch", campaign_text(tmp_path, "a"), "--upload", upload, "--allow-twin")
    )

    assert answer.code == 1
    assert "whoever an earlier run contacted is contacted AGAIN" in answer.err


@pytest.mark.parametrize(("second", "code"), [("again", 0), ("yes", 1)])
def test_what_has_run_and_ended_is_launched_once_more_only_by_its_own_word(
    shell, rejecting, tmp_path, typed, second, code
):
    (same,) = shell.layout.uploads.iterdir()
    typed(f"yes\n{second}")

    answer = shell("launch", campaign_text(tmp_path, "autumn"), "--upload", same)

    assert answer.code == code
    assert "Type again to launch all the same:" in answer.err
    assert rejecting in answer.err
    assert len(shell("runs", "--json").json) == 2 - code
    assert len(shell.uploads) == 2 - code


def test_rows_that_are_read_on_the_way_are_said_to_be_contacted_at_once(
    shell, tmp_path, upload, typed
):
    typed("no")
    campaign = campaign_text(tmp_path, "fast")
    text = campaign.read_text(encoding="utf-8")
    campaign.write_text(
        text.replace('kind = "id"', 'kind = "id"\nmode = "streaming"'), "utf-8"
    )

    answer = shell("launch", campaign, "--upload", upload)

    assert "people are contacted, and nothing takes that back" in answer.err
