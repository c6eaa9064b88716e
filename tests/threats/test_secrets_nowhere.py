"""Twenty secrets and ten people, looked for in everything that a workspace tells."""

from __future__ import annotations

import traceback
import zipfile

import pytest
from tests.console.looking import shown
from tests.console.tour import at_rest, walk
from tests.support.loopback import LOOPBACK
from tests.support.planted import PEOPLE, REFERRED, found_in, leaks, told_of
from tests.threats.planted_floor import ENV, SENT, PlantedFloor, echoed

from watchfloor.channels.hook_settings import WebhookHookSettings
from watchfloor.channels.mail_settings import MailSettings
from watchfloor.channels.replies import ReplyRules
from watchfloor.channels.secrets import resolved
from watchfloor.channels.settings import checked
from watchfloor.channels.smtp_replies import MailRules
from watchfloor.channels.smtp_server import ready_server
from watchfloor.channels.webhook import WebhookChannel
from watchfloor.cli import compose
from watchfloor.cli.desk import ViewersDesk, WholeDesk
from watchfloor.console.app import WatchfloorApp
from watchfloor.console.portrait import portrait_of
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.roles import VERBS as ROLES
from watchfloor.domain.roles import Role
from watchfloor.domain.views import PageKey

#: Files that must hold people: the store and its backup, uploads, and the archive.
OF_PEOPLE = ("state.db", "uploads/", "archive/", "b.backup", "watchfloor.toml")
#: Nobody of them may be told in full by what a viewer can ask.
NOBODY = {
    what: who for what, who in PEOPLE.items() if who.startswith("+") or "@" in who
}

VERBS = [
    ("runs",),
    ("show", "RUN"),
    ("why", "RUN"),
    ("why", "RUN", "1"),
    ("books", "RUN", "--audit"),
    ("events", "RUN"),
    ("records", "RUN"),
    ("callbacks", "RUN"),
    ("failures", "RUN", "--all"),
    ("journey", "RUN", "1"),
    ("journey", "RUN", "2"),
    ("journey", "RUN", "3"),
    ("triage", "RUN", "--sample", "0"),
    ("limit", "RUN"),
    ("history", "RUN"),
    ("status",),
    ("doctor",),
    ("alerts",),
    ("handover",),
    ("unknowns",),
    ("plan",),
    ("audit", "show"),
    ("audit", "verify"),
    ("campaign", "list"),
    ("canary", "RUN"),
    ("results", "show", "RUN"),
    ("results", "parked"),
    ("history", "RUN", "--records"),
]
#: Verbs with tests of their own here, or that tell nothing of a workspace.
APART = {"console", "bundle", "completion", "ssh-session"}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A workspace that has used its secrets; what it told is written down."""
    floor = PlantedFloor(tmp_path_factory.mktemp("planted"))
    floor.fill()
    return floor


@pytest.fixture(scope="module")
def runs(planted):
    """Runs of which providers told people and secrets, and one that is held."""
    found = {one["campaign"]: one["id"] for one in planted.shell("runs", "--json").json}
    return [found[name] for name in ("webhook", "python", "simulator")]


@pytest.fixture(scope="module")
def known_keys(planted, runs):
    """The keys of records: whoever has one finds its contact by trying them all."""
    told = [planted.shell("records", run, "--json").json for run in runs]
    found = {one["key"] for records in told for one in records if one["key"]}
    assert found
    return {f"key {number}": key for number, key in enumerate(found)}


@pytest.fixture(scope="module")
def told_by_verbs(planted, runs):
    """What every verb tells a viewer, as text and as JSON."""
    told = {}
    for verb in VERBS:
        for run in runs if "RUN" in verb else runs[:1]:
            for form in ((), ("--json",)):
                words = [run if one == "RUN" else one for one in verb]
                answer = planted.shell("--role", "viewer", *words, *form)
                assert "mistake in Watchfloor" not in answer.err, answer
                told[" ".join((*verb, run, *form))] = answer.out + answer.err
    return told


def test_the_secrets_were_used_where_they_could_have_left_from(planted, runs):
    """Or the other tests would hold for an engine that does nothing."""
    assert len(REFERRED) == 20
    whole = "".join(planted.heard)
    for what in ("password of a mail server", "user of the workspace for mail"):
        assert REFERRED[what] in whole
    by_campaign = {one["campaign"]: one for one in planted.shell("runs", "--json").json}
    assert by_campaign["webhook"]["attempts"] == 3
    assert by_campaign["python"]["attempts"] == 3
    assert by_campaign["refused-0"]["outcome"] == "failed"
    journeys = [
        planted.shell("journey", by_campaign[name]["id"], seq, "--json").out
        for name in ("webhook", "python")
        for seq in (1, 2, 3)
    ]
    assert all("[secret]" in one for one in journeys), journeys
    assert planted.shell("alerts", "--json").out.count("[secret]") >= 1
    assert len(planted.log.getvalue()) > 200


def test_the_search_finds_what_it_looks_for():
    [what, *_] = SENT
    for said in echoed(what).split("; "):
        assert leaks({"here": f"so: {said}."}, REFERRED), said
    secret = REFERRED[what]
    for part in (secret[::-1], secret[3:12], secret[4:14][::-1], secret.encode().hex()):
        assert leaks({"here": part}, REFERRED)
    assert told_of({"here": PEOPLE["number in a reply"][1:]}, NOBODY)


def test_no_secret_stands_in_any_file_of_the_workspace(
    planted, told_by_verbs, tmp_path
):
    for words in (
        ("backup", tmp_path / "b"),
        ("audit", "anchor", "-o", tmp_path / "a"),
    ):
        answer = planted.shell(*words)
        assert answer.code == 0, answer
    files = {
        str(path.relative_to(planted.root)): path.read_bytes().decode("latin-1")
        for path in planted.root.rglob("*")
        if path.is_file()
    }
    files["b.backup"] = (tmp_path / "b").read_bytes().decode("latin-1")
    files["anchors of ours"] = (tmp_path / "a").read_text(encoding="utf-8")
    assert {"state.db", "inbox.db", "anchors.jsonl"} <= set(files)
    assert any(name.startswith("archive/") for name in files)
    assert leaks(files, REFERRED) == []
    others = {
        name: text for name, text in files.items() if not name.startswith(OF_PEOPLE)
    }
    assert told_of(others, NOBODY) == []


def test_no_secret_and_nobody_stands_in_what_the_engine_said(planted):
    told = {"the log": planted.log.getvalue(), **planted.told}

    assert leaks(told, REFERRED) == []
    assert told_of(told, NOBODY) == []


def test_every_verb_that_a_viewer_has_is_asked():
    asked = {verb for verb, *_ in VERBS} | APART

    assert asked >= {verb for verb, role in ROLES.items() if role is Role.VIEWER}


def test_no_verb_tells_a_viewer_a_secret_or_anybody_in_full(told_by_verbs):
    assert len(told_by_verbs) > 90
    assert leaks(told_by_verbs, REFERRED) == []
    assert told_of(told_by_verbs, NOBODY) == []


def test_no_bundle_tells_a_secret_or_anybody(planted, runs, tmp_path, monkeypatch):
    for name, secret in ENV.items():
        monkeypatch.setenv(name, secret)
    for number, run in enumerate(runs[:2]):
        path = tmp_path / f"{number}.zip"
        answer = planted.shell("bundle", run, "-o", path, "--sample", 0, "--no-screen")
        assert answer.code == 0, answer
        assert found_in(path, {**REFERRED, **NOBODY}) == []
        with zipfile.ZipFile(path) as file:
            texts = {one: file.read(one).decode() for one in file.namelist()}
        assert leaks(texts, REFERRED) == []


async def test_nothing_that_holds_a_secret_shows_it(monkeypatch, tmp_path):
    for name, secret in ENV.items():
        monkeypatch.setenv(name, secret)
    headers = {"Authorization": "env:HOOK_AUTH", "Cookie": "env:HOOK_COOKIE"}
    address = {"url": "http://127.0.0.1:9/", "headers": headers}
    channel = WebhookChannel(address)
    channel.keep_within(lambda: LOOPBACK)
    told = {}
    async with channel:
        mail = checked(
            MailSettings,
            {
                "host": "127.0.0.1",
                "security": "none",
                "from": "desk@planted.example",
                "username": "env:POST_USER",
                "password": "env:POST_PASSWORD",
            },
        )
        for one in (
            channel,
            channel._settings,
            ReplyRules(secrets=tuple(ENV.values())),
            MailRules(target="mail", secrets=tuple(ENV.values())),
            mail,
            await ready_server(mail),
            checked(WebhookHookSettings, address),
        ):
            told[type(one).__name__] = f"{one!r} {one}"
    assert len(told) == 7

    assert leaks(told, REFERRED) == []


def test_no_error_about_a_secret_carries_it_along(monkeypatch, tmp_path):
    path = tmp_path / "secret"
    told = {}
    for number, what in enumerate(one for one in REFERRED if "in a file" in one):
        secret = REFERRED[what]
        path.write_bytes(secret.encode() + (b"\xff", b"\n\n", b"\0")[number % 3])
        path.chmod(0o600)
        monkeypatch.setenv("SECRET", f"{secret}\x1b")
        for reference in (f"file:{path}", "env:SECRET"):
            with pytest.raises(ConfigError) as caught:
                resolved(reference, "headers.Authorization")
            whole = traceback.TracebackException.from_exception(
                caught.value, capture_locals=False
            )
            told[f"{what} {reference}"] = "".join(whole.format(chain=True))

    assert len(told) >= 8
    assert leaks(told, REFERRED) == []


def test_no_verb_tells_a_viewer_a_key(told_by_verbs, known_keys):
    assert leaks(told_by_verbs, known_keys) == []


@pytest.mark.parametrize(
    "asked", ['contact starts with "+"', 'field.phone > "+2"', 'not (phone = "+1")']
)
def test_no_filter_tells_a_viewer_who_somebody_is(planted, runs, asked):
    words = ("records", runs[0], "--where", asked)

    refused = planted.shell("--role", "viewer", *words)
    allowed = planted.shell("--role", "operator", *words)

    assert (refused.code, refused.out) == (1, "")
    assert "what a viewer may ask for" in refused.err
    assert allowed.code == 0


async def test_no_text_that_a_viewer_looks_for_tells_who_somebody_is(planted, runs):
    desks = [
        one(
            planted.shell.layout,
            compose.surroundings(),
            compose.asker(),
            compose.owner("console"),
        )
        for one in (WholeDesk, ViewersDesk)
    ]
    found = [await one.records(runs[0], PageKey(text="+")) for one in desks]
    for one in desks:
        await one.close()

    assert [bool(one.records) for one in found] == [True, False]


async def test_no_screen_shows_a_viewer_a_secret_or_anybody_in_full(
    planted, runs, known_keys
):
    desk = ViewersDesk(
        planted.shell.layout,
        compose.surroundings(),
        compose.asker(),
        compose.owner("console"),
    )
    app = WatchfloorApp(
        desk,
        workspace_name="Planted",
        operator="vic",
        clock=compose.now_ms,
        read_only=True,
        role=Role.VIEWER,
    )
    told: dict[str, str] = {}
    async with app.run_test(size=(140, 60)) as pilot:
        await at_rest(pilot)
        for _ in runs[1:]:
            for keys in (
                ("l", "enter"),
                ("l", "j", "enter"),
                ("2",),
                ("3",),
                ("5",),
                ("6",),
                ("F", "enter"),
                ("v",),
                ("d",),
            ):
                await walk(pilot, *keys)
                drawn = portrait_of(app)
                place = f"{len(told)} {keys}"
                told[place], told[f"{place} drawn"] = drawn.text, drawn.svg
                while app.screen is not app.jobs:
                    await walk(pilot, "escape")
                await walk(pilot, "escape", "escape")
            app.jobs.runs.focus()
            await walk(pilot, "j")
        assert "Planted" in shown(app)
    assert leaks(told, REFERRED) == []
    assert leaks(told, known_keys) == []
    assert told_of(told, NOBODY) == []
    assert "+1***0123" in "".join(told.values())
