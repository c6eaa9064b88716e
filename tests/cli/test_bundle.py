from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.cli.shell import Shell, SpareShell, carry_out, engine_beside
from tests.support.patience import until
from tests.support.planted import PEOPLE, SECRETS, found_in
from tests.support.provider import Provider, Reply

from watchfloor.triage.bundle_form import MEMBERS

FAILS, ARRIVES, UNKNOWN = (
    PEOPLE[what]
    for what in (
        "contact that fails",
        "contact that arrives",
        "contact that is unknown",
    )
)
SAID = (
    f"{SECRETS['detail of a reply']} for {PEOPLE['first name']} at "
    f"{PEOPLE['address in a reply']} or {PEOPLE['number in a reply']}, "
    f"auth {SECRETS['variable a header refers to']}"
)
REPLIES = {
    FAILS: Reply(
        body={
            "outcome": "permanent",
            "code": f"no mailbox {PEOPLE['address in a field']}",
            "id": SECRETS["id in a reply"],
            "detail": SAID,
        }
    ),
    ARRIVES: Reply(body={"outcome": "delivered", "code": "answered", "detail": SAID}),
    UNKNOWN: Reply(
        body={"outcome": "ambiguous", "code": f"lost {UNKNOWN}", "detail": SAID}
    ),
}


@pytest.fixture(scope="session")
def planted_workspace(tmp_path_factory, fresh_workspace):
    """A workspace in which secrets and people stand wherever they can."""
    folder = tmp_path_factory.mktemp("planted")
    root = folder / "floor"
    shutil.copytree(fresh_workspace, root)
    spare = SpareShell(root)
    secret = folder / "token"
    secret.write_text(SECRETS["file a header refers to"], encoding="utf-8")
    secret.chmod(0o600)
    settings = root / "watchfloor.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        f"# {SECRETS['comment in a workspace']}\n{text}\n[mail]\n"
        'host = "mail.planted.example"\nfrom = "Desk <desk@planted-from.example>"\n'
        'username = "env:PLANTED_USER"\n',
        encoding="utf-8",
    )
    with Provider() as provider:
        provider.replies = {contact: [reply] for contact, reply in REPLIES.items()}
        campaign = folder / "planted.toml"
        campaign.write_text(
            f"""
# {SECRETS["comment in a campaign"]}
[campaign]
id = "planted"
name = "Planted"
notify = ["{PEOPLE["address who is told"]}"]
[audience]
contact = "phone"
kind = "phone"
filter = 'not (last_name = "{PEOPLE["last name"]}x")'
[[steps]]
name = "call"
channel = "webhook"
[steps.settings]
url = "{provider.url}?token={SECRETS["query of an address"]}"
delivery = "at_most_once"
body = {{ to = "${{contact}}", key = "{SECRETS["body of a message"]}" }}
[steps.settings.headers]
Authorization = "env:PLANTED_TOKEN"
X-Trace = "{SECRETS["value of a header"]}"
X-Secret = "file:{secret}"
[steps.retry]
attempts = 1
""",
            encoding="utf-8",
        )
        upload = folder / PEOPLE["address in a name of a file"]
        cells = [
            PEOPLE[what] for what in ("first name", "last name", "address in a field")
        ]
        rows = [
            f'{contact},{",".join(cells)},"{PEOPLE["note in a field"]}"\n'
            for contact in REPLIES
        ]
        upload.write_text(
            f"phone,first_name,last_name,mail,note\n{''.join(rows)}", encoding="utf-8"
        )
        run = spare.launched(campaign, upload)
        reason = (
            f"{SECRETS['reason in the journal']}, tell "
            f"{PEOPLE['address in a reason']} or {PEOPLE['number in a reason']}"
        )
        assert spare("pause", run, "--yes", "--reason", reason).code == 0
        assert spare("resume", run, "--yes", "--reason", reason).code == 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PLANTED_TOKEN", SECRETS["variable a header refers to"])
            carry_out(root)
    shown = spare("show", run, "--json").json["books"]
    assert (shown["failed"], shown["delivered"], shown["unknown"]) == (1, 1, 1)
    return root


@pytest.fixture
def planted(planted_workspace, tmp_path, capfd, monkeypatch):
    """A shell on that workspace, with its secrets in the environment."""
    monkeypatch.setenv("PLANTED_TOKEN", SECRETS["variable a header refers to"])
    monkeypatch.setenv("PLANTED_IDLE", SECRETS["variable nothing refers to"])
    monkeypatch.setenv("PLANTED_USER", SECRETS["user of a mail server"])
    root = tmp_path / "floor"
    shutil.copytree(planted_workspace, root)
    return Shell(root, capfd)


def bundled(shell, path, *options):
    """Bundle the newest run and return the documents that came of it."""
    answer = shell("bundle", shell.newest, "-o", path, "--sample", 0, *options)
    assert answer.code == 0, answer
    with zipfile.ZipFile(path) as file:
        return {
            name: json.loads(file.read(name))
            if name.endswith(".json")
            else file.read(name).decode()
            for name in file.namelist()
        }


def test_no_planted_secret_and_nobody_stands_in_a_bundle(planted, tmp_path):
    symptom = f"{SECRETS['symptom']} fails, call {PEOPLE['number in the symptom']}"

    told = bundled(planted, tmp_path / "b.zip", "--symptom", symptom)

    assert list(told) == [member.name for member in MEMBERS]
    assert found_in(tmp_path / "b.zip", {**SECRETS, **PEOPLE}) == []
    assert {len(one["attempts"]) for one in told["journeys.json"]["records"]} == {1}
    whys = [one["why"] for one in told["journal.json"]["entries"] if one["why"]]
    assert any(why.startswith("[hidden], tell person-") for why in whys)
    assert told["run.json"]["symptom"]["said"].startswith(
        "[hidden] fails, call person-"
    )


def test_the_plants_are_where_they_could_have_left_from(planted):
    """Or the test before would hold for any bundle."""
    stored = (planted.root / "state.db").read_bytes() + b"".join(
        path.read_bytes() for path in planted.root.glob("state.db-wal")
    )
    kept = stored + (planted.root / "watchfloor.toml").read_bytes()
    elsewhere = {
        "variable a header refers to",
        "variable nothing refers to",
        "file a header refers to",
        "user of a mail server",
        "symptom",
        "number in the symptom",
    }

    for what, plant in {**SECRETS, **PEOPLE}.items():
        assert (plant.encode() in kept) is (what not in elsewhere), what


def test_one_person_is_one_within_a_bundle_and_nobody_in_another(planted, tmp_path):
    first = bundled(planted, tmp_path / "1.zip", "--no-screen")
    second = bundled(planted, tmp_path / "2.zip", "--no-screen")

    people = [
        {one["record"]: one["person"] for one in told["journeys.json"]["records"]}
        for told in (first, second)
    ]
    assert people[0].keys() == people[1].keys()
    assert len(set(people[0].values())) == len(REPLIES)
    assert not set(people[0].values()) & set(people[1].values())
    unknown = next(
        one for one in first["journeys.json"]["records"] if one["state"] == "unknown"
    )
    assert unknown["code"] == f"lost_{unknown['person']}"


def test_a_bundle_tells_what_whoever_helps_needs(planted, tmp_path):
    told = bundled(planted, tmp_path / "b.zip", "--symptom", "nobody answers")

    run = told["run.json"]
    shown = planted("show", planted.newest, "--json").json
    assert run["run"] == shown["id"]
    assert run["launch_id"] == shown["launch_id"]
    assert run["campaign"]["id"] == shown["campaign"]
    assert run["upload"]["id"] == shown["upload"]
    assert run["books"] == shown["books"]
    assert re.fullmatch(r"[0-9a-f]{64}", run["upload"]["sha256"])
    assert run["counts"]["failed"] == run["counts"]["delivered"] == 1
    assert run["time"]["zone"] == "UTC"
    assert run["symptom"]["said"] == "nobody answers"
    assert run["workspace"]["id"] in told["summary.txt"]
    step = told["configuration.json"]["campaign"]["steps"][0]["settings"]
    assert step["url"].startswith("http://127.0.0.1:")
    assert step["url"].endswith("/...")
    assert step["headers"] == {
        "Authorization": "env:PLANTED_TOKEN",
        "X-Trace": "[hidden]",
        "X-Secret": "file:[path]",
    }
    assert step["body"]["placeholders"] == ["contact"]
    assert told["versions.json"]["libraries"]["textual"]
    assert "Planted" in told["screen.txt"]
    assert "http://" not in told["screen.svg"].replace("http://www.w3.org/", "")
    assert "https://" not in told["screen.svg"]


def test_a_bundle_names_the_domain_that_fails_and_nobody_of_it(shell, tmp_path):
    people = [f"anna.{number}@sick.example" for number in range(30)]
    upload = tmp_path / "people.csv"
    upload.write_text("\n".join(["mail", *people, ""]), encoding="utf-8")
    campaign = tmp_path / "mails.toml"
    with Provider() as provider:
        provider.otherwise = Reply(status=404)
        campaign.write_text(
            f"""
[campaign]
id = "mails"
name = "Mails"
[audience]
contact = "mail"
kind = "email"
[[steps]]
name = "write"
channel = "webhook"
[steps.settings]
url = "{provider.url}"
body = {{ to = "${{contact}}" }}
""",
            encoding="utf-8",
        )
        shell.launched(campaign, upload)
        carry_out(shell.root)
    path = tmp_path / "case.zip"
    told = bundled(shell, path, "--no-screen")

    [group] = told["failures.json"]["groups"]
    assert group["origins"] == {"sick.example": 30}
    with zipfile.ZipFile(path) as file:
        texts = [file.read(name).decode() for name in ("summary.txt", "triage.txt")]
    for text in texts:
        assert "from sick.example (30)" in text
        assert "anna." not in text


def test_a_bundle_is_its_owners_alone_and_replaces_nothing(planted, tmp_path):
    path = tmp_path / "b.zip"
    bundled(planted, path, "--no-screen")
    before = path.read_bytes()

    again = planted("bundle", planted.newest, "-o", path, "--no-screen")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (again.code, again.out) == (1, "")
    assert "exists; nothing was written" in again.err
    assert path.read_bytes() == before


def test_without_a_name_it_lies_in_the_workspaces_own_folder(planted):
    answer = planted("bundle", planted.newest, "--json", "--no-screen")

    path = planted.root / "bundles" / Path(answer.json["file"]).name
    assert answer.json["file"] == str(path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert answer.json["bytes"] == path.stat().st_size
    assert answer.json["no_screen"] == "none was asked for"


def test_a_folder_that_is_open_or_a_link_is_not_written_into(planted, tmp_path):
    folder = planted.root / "bundles"
    folder.mkdir(mode=0o755)
    said = planted("bundle", planted.newest, "--no-screen")
    assert (said.code, list(folder.iterdir())) == (1, [])
    assert "open to others" in said.err

    folder.rmdir()
    folder.symlink_to(tmp_path)
    said = planted("bundle", planted.newest, "--no-screen")
    assert said.code == 1
    assert not list(tmp_path.glob("*.zip"))


def test_a_bundle_is_shown_with_what_is_in_it(planted, tmp_path):
    bundled(planted, tmp_path / "b.zip")

    shown = planted.bare("bundle", "show", tmp_path / "b.zip")

    assert shown.code == 0
    assert f"run         {planted.newest}" in shown.out
    for member in MEMBERS:
        assert member.name in shown.out
    told = planted.bare("bundle", "show", tmp_path / "b.zip", "--json").json
    assert told["run"]["run"] == planted.newest
    assert told["manifest"]["watchfloor_bundle"] == 1


def test_triage_judges_a_bundle_as_it_was_judged_where_it_was_made(planted, tmp_path):
    path = tmp_path / "b.zip"
    told = bundled(planted, path, "--no-screen")

    there = planted.bare("triage", path)

    assert there.code in (0, 4)
    assert there.out.splitlines() == told["triage.txt"].splitlines()
    as_json = planted.bare("triage", path, "--json").json
    assert as_json["verdict"] == told["triage.json"]["verdict"]
    assert as_json["verdict"]["summary"] == told["run.json"]["symptom"]["found"]


def test_triage_refuses_a_bundle_that_was_changed(planted, tmp_path):
    path = tmp_path / "b.zip"
    bundled(planted, path, "--no-screen")
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts["evidence.json"] = parts["evidence.json"].replace(b"planted", b"healthy")
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)

    said = planted.bare("triage", path)

    assert (said.code, said.out) == (1, "")
    assert "was changed: evidence.json" in said.err


def test_a_bundle_that_is_damaged_is_one_sentence_and_a_refusal(shell, tmp_path):
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 and no more of it, and no end")

    said = shell.bare("bundle", "show", tmp_path / "b.zip")

    assert (said.code, said.out) == (1, "")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bundle", "show"), "name the bundle"),
        (("bundle", "nope"), "no run"),
        (("bundle", "{run}", "b.zip"), "with -o FILE.zip"),
        (("bundle", "{run}", "--since", "yesterday"), "is no time"),
    ],
)
def test_what_cannot_be_bundled_is_said(shell, queued, arguments, told):
    said = shell(*(one.format(run=queued) for one in arguments))

    assert said.code in (1, 3)
    assert told in said.err
    assert not (shell.root / "bundles").exists()


def test_the_journal_can_be_told_from_a_moment_on(planted, tmp_path):
    whole = bundled(planted, tmp_path / "1.zip", "--no-screen")
    none = bundled(planted, tmp_path / "2.zip", "--no-screen", "--since", "2999-01-01")

    assert whole["journal.json"]["entries"]
    assert none["journal.json"]["entries"] == []
    assert none["run.json"]["time"]["since"] == "2999-01-01T00:00:00.000Z"


def test_a_run_that_was_not_launched_has_a_bundle_too(shell, queued, tmp_path):
    told = bundled(shell, tmp_path / "b.zip")

    assert told["run.json"]["launch_id"] is None
    assert told["journeys.json"]["records"] == []
    assert "screen.svg" in told


def test_a_hostile_workspace_leads_no_reader_astray(spiteful, tmp_path):
    path = tmp_path / "b.zip"
    told = bundled(spiteful, path)

    for name, text in told.items():
        whole = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
        for line in whole.split("\n"):
            assert line.isprintable(), name
    assert spiteful.bare("bundle", "show", path).code == 0


def test_a_bundle_is_made_beside_a_running_engine(shell, queued, tmp_path):
    with engine_beside(shell.root):
        until(lambda: "Completed" in shell("runs").out)
        told = bundled(shell, tmp_path / "b.zip", "--no-screen")

    assert told["run.json"]["engine"]["alive"] is True
    assert told["run.json"]["books"]["delivered"] == 5


def test_no_screen_is_drawn_where_none_is_asked_for():
    probe = (
        "import sys\n"
        "import watchfloor.cli.verbs.bundle, watchfloor.cli.bundling\n"
        "print(*({'textual'} & set(sys.modules)))"
    )

    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert found.stdout.split() == []
