"""Five hundred hostile texts, and every place that shows what outsiders wrote."""

from __future__ import annotations

import json
import logging
import zipfile
from contextlib import suppress
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from rich.cells import cell_len
from tests.support.hostile import (
    KINDS,
    PAYLOADS,
    Payload,
    marks_in,
    marks_of,
    traces,
)
from tests.threats.besieged import NAME, besieged

from watchfloor.channels.hook_command import told_command
from watchfloor.channels.hook_settings import CommandHookSettings, HookError
from watchfloor.channels.settings import checked
from watchfloor.cli.main import main
from watchfloor.cli.remarks import Remarks
from watchfloor.console.text import fit, plain, shortened, wrapped
from watchfloor.domain.alerts import Alert, AlertKind, Cause
from watchfloor.domain.books import Books
from watchfloor.domain.roles import VERBS as ROLES
from watchfloor.domain.roles import Role
from watchfloor.domain.text import clean
from watchfloor.engine import alert_words
from watchfloor.engine.notices import NoticeKind, Occasion, letter
from watchfloor.intake.workspace_file import default_workspace_text, parse_workspace
from watchfloor.triage.bundle_form import MEMBERS

MOST = "5000"
#: Every verb that shows what outsiders wrote, and how many payloads it shows.
VERBS: dict[tuple[str, ...], int] = {
    ("runs",): 5,
    ("show", "RUN"): 5,
    ("records", "RUN", "--limit", MOST): 700,
    ("records", "RUN", "--limit", MOST, "--unmask"): 700,
    ("failures", "RUN", "--all", "--limit", MOST): 450,
    ("unknowns", "--limit", MOST): 240,
    ("unknowns", "--limit", MOST, "--unmask"): 350,
    ("events", "RUN"): 190,
    ("audit", "show", "--limit", MOST): 700,
    ("audit", "verify"): 0,
    ("limit", "RUN"): 700,
    ("alerts",): 90,
    ("handover",): 90,
    ("why", "RUN"): 5,
    ("why", "RUN", "3"): 0,
    ("triage", "RUN", "--sample", "0"): 5,
    ("status",): 0,
    ("doctor",): 5,
    ("campaign", "list"): 150,
    ("books", "RUN", "--audit"): 0,
    ("callbacks", "RUN", "--limit", MOST): 0,
    ("callbacks", "RUN", "--limit", MOST, "--unmask"): 200,
    ("history", "RUN"): 15,
    ("history", "RUN", "--records", "--unmask"): 700,
    ("results", "show", "RUN"): 0,
    ("results", "parked"): 0,
    ("canary", "RUN"): 700,
    ("plan",): 0,
}
#: Verbs that show something and have a test of their own here, or show nothing of it.
APART = {"console", "journey", "bundle", "completion", "ssh-session"}
#: What the caller says himself, as a shell's ``*`` does; each is refused by name.
SAID = {
    "a run": ("show", "{}"),
    "a verb": ("{}",),
    "a campaign": ("launch", "{}", "--upload", "people.csv"),
    "a campaign to check": ("campaign", "check", "{}"),
    "a state": ("records", "RUN", "--state", "{}"),
    "a filter": ("records", "RUN", "--where", "{}"),
    "a bundle": ("bundle", "show", "{}"),
    "a place": ("--workspace", "{}", "status"),
}


@pytest.fixture(scope="module")
def floor(tmp_path_factory):
    """The besieged workspace; only look."""
    folder = tmp_path_factory.mktemp("besieged")
    root = folder / "floor"
    assert main(["init", str(root), "--name", "floor"]) == 0
    return besieged(root, folder)


@pytest.fixture(scope="module")
def run(floor):
    return floor.newest


def called(floor, run, arguments):
    return floor(*(run if one == "RUN" else one for one in arguments))


def test_every_verb_that_a_viewer_has_is_looked_at():
    looking = {verb for verb, role in ROLES.items() if role is Role.VIEWER}

    assert {verb for verb, *_ in VERBS} | APART >= looking


def assert_shown(text, least):
    assert not traces(text)
    assert len(marks_in(text)) >= least


def test_the_corpus_holds_five_hundred_attacks_of_every_kind():
    attacks = {one.text.replace(one.mark, "") for one in PAYLOADS}

    assert len(attacks) >= 500
    assert len(marks_of(PAYLOADS)) == len(PAYLOADS)
    assert {one.kind for one in PAYLOADS} == set(KINDS)
    assert len(KINDS) >= 15
    seen = {char for one in PAYLOADS for char in traces(one.text)}
    assert len(seen) >= 60


@pytest.mark.parametrize(
    "door",
    [
        clean,
        lambda text: fit(text, 200),
        lambda text: shortened(text, 200),
        lambda text: plain(text).plain,
        lambda text: "\n".join(wrapped(text, 120, 3)),
    ],
    ids=["clean", "fit", "shortened", "plain", "wrapped"],
)
def test_every_payload_comes_through_a_text_door_seen_and_harmless(door):
    for one in PAYLOADS:
        shown = door(one.text)
        assert not traces(shown), one
        assert one.mark in shown, one
        assert all(cell_len(line) <= 200 for line in shown.split("\n"))


@pytest.mark.parametrize(("arguments", "least"), VERBS.items(), ids=str)
def test_no_verb_hands_a_payload_of_the_store_to_the_terminal(
    floor, run, arguments, least
):
    answer = called(floor, run, arguments)

    assert answer.out
    assert_shown(answer.out + answer.err, least)


@pytest.mark.parametrize(("arguments", "least"), VERBS.items(), ids=str)
def test_json_is_escaped_and_loses_no_payload(floor, run, arguments, least):
    answer = called(floor, run, (*arguments, "--json"))

    assert answer.out.isascii()
    assert not traces(answer.out + answer.err)
    json.loads(answer.out)
    assert len(marks_in(answer.out)) >= least


def test_no_journey_hands_on_what_a_row_or_a_reply_said(floor, run):
    told = floor("records", run, "--limit", MOST, "--json").json
    sampled = [one["seq"] for one in told][::20]
    shown = [floor("journey", run, seq, "--unmask").out for seq in sampled]

    assert_shown("".join(shown), len(sampled) * 9 // 10)


@pytest.mark.parametrize("arguments", SAID.values(), ids=SAID)
def test_no_payload_that_the_caller_said_is_echoed(floor, run, arguments):
    told = []
    for one in filter(lambda one: one.is_name, PAYLOADS[::8]):
        text = one.text
        answer = called(floor, run, [part.replace("{}", text) for part in arguments])
        assert answer.code != 0, one
        assert not traces(answer.out + answer.err), one
        told.append(answer.err)
    assert len(marks_in("".join(told))) >= 30


def test_the_log_of_an_engine_is_harmless_lines(capfd):
    remarks = Remarks()
    log = logging.getLogger("watchfloor.threats")
    log.addHandler(remarks)
    # As ``watchfloor engine`` has it; who collects logs cannot hold half a character.
    log.propagate = False
    try:
        for one in PAYLOADS:
            log.warning("a channel said: %s", one.text)
    finally:
        remarks.end()
        log.removeHandler(remarks)
    said = capfd.readouterr().err

    assert_shown(said, len(PAYLOADS) - remarks.dropped)
    assert remarks.dropped == 0
    assert said.count("\n") == len(PAYLOADS)


def test_no_member_of_a_bundle_leads_a_reader_astray(floor, run, tmp_path):
    path = tmp_path / "b.zip"
    answer = floor("bundle", run, "-o", path, "--sample", 0, "--symptom", NAME)
    assert answer.code == 0, answer
    with zipfile.ZipFile(path) as file:
        told = {name: file.read(name).decode() for name in file.namelist()}

    assert list(told) == [member.name for member in MEMBERS]
    for text in told.values():
        assert not traces(text)
        for value in strings_of(text):
            assert not traces(value.replace("\n", ""))
    assert len(marks_in("".join(told.values()))) >= 100
    assert_inert(told["screen.svg"])
    shown = floor("bundle", "show", path)
    assert not traces(shown.out + shown.err)


def strings_of(text):
    """Yield the strings that a member of JSON holds, keys too."""
    with suppress(ValueError):
        yield from _strings(json.loads(text))


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def assert_inert(svg):
    """A picture draws, and neither runs nor fetches nor leads anywhere."""
    assert "<!DOCTYPE" not in svg
    assert "<!ENTITY" not in svg
    tags, addresses = set(), []
    for element in ET.fromstring(svg).iter():  # noqa: S314 - ours, without entities
        tags.add(element.tag.rpartition("}")[2])
        for name, value in element.attrib.items():
            assert not name.rpartition("}")[2].startswith("on"), name
            addresses += [value] if "href" in name else []
    assert tags <= {"svg", "style", "defs", "clipPath", "rect", "text", "g", "circle"}
    assert not addresses
    style = svg[svg.index("<style>") : svg.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def alert_texts(payload: Payload):
    """Yield whatever hooks and mails are told about an alert of such words."""
    text = default_workspace_text("ws-1", "floor")
    workspace = replace(parse_workspace(text, "w"), name=payload.text)
    cause = Cause(AlertKind.STALLED, "r-1", 1, payload.text)
    alert = Alert(
        alert_id=1,
        kind=AlertKind.STALLED,
        run_id="r-1",
        mark=1,
        since_ms=1,
        said=payload.text,
        raised_at_ms=1,
        gone_at_ms=None,
        cleared_at_ms=2,
        is_held=False,
    )
    yield alert_words.raised(workspace, cause, 2)
    yield alert_words.cleared(workspace, alert, 2, 3)
    yield alert_words.summary(workspace, [alert], 3)
    yield alert_words.trial(workspace, 3)


def test_no_hook_and_no_mail_is_told_a_payload_as_it_was():
    handed_on = set()
    for one in PAYLOADS:
        for told in alert_texts(one):
            for value in _strings(told):
                assert not traces(value.replace("\n", "")), one
            assert len(told["title"].splitlines()) == 1
            assert one.mark in told["text"] or "…" in told["text"]
            handed_on.add(told["title"])
    assert len(marks_in("".join(handed_on))) >= 700


def test_no_notice_is_written_with_a_payload_as_it_was():
    workspace = parse_workspace(default_workspace_text("ws-1", "floor"), "w")
    for one in PAYLOADS:
        occasion = Occasion(
            kind=NoticeKind.AUTO_PAUSE,
            run_id="r-1",
            campaign_id=one.text,
            campaign_name=one.text,
            by=one.text,
            why=one.text,
            books=Books(),
        )
        told = letter(workspace, occasion, 1)
        assert not traces(told.subject + told.body)
        assert len(told.subject.splitlines()) == 1
        # A name is cut to a hundred signs, a reason is not.
        assert told.body.count(one.mark) >= (1 if "…" in told.subject else 4)


async def test_what_a_hook_answers_is_heard_as_one_harmless_line(tmp_path):
    said = tmp_path / "said"
    command = checked(CommandHookSettings, {"argv": ["/bin/cat", str(said)]})
    heard = []
    for start in range(0, len(PAYLOADS), 40):
        dose = PAYLOADS[start : start + 10]
        text = "".join(one.text for one in dose)
        said.write_bytes(text.encode(errors="surrogatepass"))
        with suppress(HookError):
            heard.append(await told_command(command, b"{}"))

    assert not traces("".join(heard))
    assert all(len(one.splitlines()) == 1 for one in heard)
    assert len(marks_in("".join(heard))) >= 60


def test_a_campaign_and_an_upload_of_any_name_are_refused_harmless(floor, tmp_path):
    told = []
    for one in PAYLOADS[::5]:
        if not one.is_name:
            continue
        path = tmp_path / _name(one)
        path.write_bytes(b"\x00\xff\xfe" + one.mark.encode())
        answer = floor("launch", path, "--upload", path)
        assert answer.code != 0
        assert not traces(answer.out + answer.err), one
        told.append(answer.err)
    assert len(marks_in("".join(told))) >= 100


def _name(one: Payload) -> str:
    # Half a character of a name is a byte that is no UTF-8; others no file can have.
    return "".join(
        char if not "\ud800" <= char <= "\udfff" or "\udc80" <= char <= "\udcff" else ""
        for char in one.text
    )
