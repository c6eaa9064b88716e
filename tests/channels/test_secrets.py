from __future__ import annotations

import base64
import html
import json
import os
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.channels.secrets import (
    HIDDEN,
    MAX_BYTES,
    check_reference,
    redacted,
    resolved,
    spellings,
)
from watchfloor.domain.errors import ConfigError

SECRET = "hunter2-hunter2"  # noqa: S105 - a planted one
PLACE = "headers.Authorization"


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "calls.token"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def refusal(reference):
    with pytest.raises(ConfigError) as caught:
        resolved(reference, PLACE)
    text = str(caught.value)
    assert text.startswith(f"{PLACE}: {reference} ")
    assert SECRET not in text
    assert caught.value.__context__ is None
    return text


def test_a_plain_value_is_itself():
    assert resolved("text/plain", PLACE) == "text/plain"


def test_reads_the_environment(monkeypatch):
    monkeypatch.setenv("CALLS_TOKEN", SECRET)

    assert resolved("env:CALLS_TOKEN", PLACE) == SECRET


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("CALLS_TOKEN", raising=False)

    assert "is not set" in refusal("env:CALLS_TOKEN")


@pytest.mark.parametrize(
    ("value", "why"), [("", "is empty"), (f"{SECRET}\r\nX: 1", "line breaks")]
)
def test_a_secret_that_no_header_can_hold_is_refused(monkeypatch, value, why):
    monkeypatch.setenv("CALLS_TOKEN", value)

    assert why in refusal("env:CALLS_TOKEN")


def test_reads_a_file_without_its_last_line_break(secret_file):
    assert resolved(f"file:{secret_file}", PLACE) == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_open_to_others_is_refused(secret_file, mode):
    secret_file.chmod(mode)

    assert "chmod 600" in refusal(f"file:{secret_file}")


def test_a_link_is_not_followed(secret_file, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(secret_file)

    assert "no link is followed" in refusal(f"file:{link}")


def test_a_missing_file_is_refused(tmp_path):
    assert "cannot be read" in refusal(f"file:{tmp_path / 'none'}")


def test_what_is_no_plain_file_is_refused_and_nobody_waits(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)

    assert "not a plain file" in refusal(f"file:{pipe}")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"x" * (MAX_BYTES + 1), "too large"), (SECRET.encode() + b"\xff", "UTF-8")],
)
def test_what_is_no_secret_is_refused(secret_file, content, why):
    secret_file.write_bytes(content)

    assert why in refusal(f"file:{secret_file}")


@pytest.mark.parametrize(
    "value",
    ["env:", "env:NOT-A-NAME", "file:here.token", "Bearer env:TOKEN", f"{SECRET}\n"],
)
def test_a_value_that_cannot_work_is_refused_before_anything_is_read(value):
    with pytest.raises(ValueError, match=r".") as caught:
        check_reference(value)

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", ["env:A_1", "file:/a b", "Bearer abc", "a\tb", ""])
def test_a_value_that_can_work_is_let_through(value):
    check_reference(value)


def test_an_echoed_secret_is_hidden_with_or_without_its_scheme():
    said = redacted(
        f"bad token {SECRET}, sent Bearer {SECRET}", spellings([f"Bearer {SECRET}"])
    )

    assert said == f"bad token {HIDDEN}, sent {HIDDEN}"


TOKEN = 'Tok&7/Qx=2+ "Zr81<\u00e9'  # noqa: S105 - a planted one


@pytest.mark.parametrize(
    "written",
    [
        "".join(char.upper() if char.isascii() else char for char in TOKEN),
        quote(TOKEN),
        quote(TOKEN, safe="").lower(),
        quote_plus(TOKEN),
        html.escape(TOKEN),
        json.dumps(TOKEN),
        TOKEN.encode().hex(),
        base64.b64encode(TOKEN.encode()).decode(),
        base64.urlsafe_b64encode(f"user:{TOKEN}".encode()).decode(),
        base64.b64encode(f"ab:{TOKEN}, and more".encode()).decode(),
    ],
)
def test_an_echoed_secret_is_hidden_however_it_is_encoded(written):
    said = redacted(f"seen {written} twice {written}", spellings([TOKEN]))

    assert said.count(HIDDEN) == 2
    assert said.startswith("seen ")


@pytest.mark.parametrize("secret", ["secret", "[secret]", HIDDEN[1:]])
def test_a_secret_that_is_spelled_like_what_hides_it_is_hidden_once(secret):
    said = redacted(f"bad {secret}, and {secret}.", spellings([secret]))

    assert said == f"bad {HIDDEN}, and {HIDDEN}."


def test_a_secret_that_was_cut_at_the_end_is_hidden_too():
    assert redacted(f"bad {SECRET[:10]}", spellings([SECRET])) == f"bad {HIDDEN}"
    assert redacted(f"bad {SECRET[:5]}", spellings([SECRET])) == f"bad {SECRET[:5]}"


@pytest.mark.parametrize(
    "written",
    [
        SECRET[::-1],
        " ".join(SECRET),
        " ".join(SECRET[::-1]),
        SECRET.replace("-", "\u200b-"),
        "\n".join(SECRET[at : at + 8] for at in range(0, len(SECRET), 8)),
        "\u2060\x07 ".join(SECRET).upper(),
        SECRET[3:],
        SECRET[:-3],
        SECRET[2:-2],
        SECRET[3:][::-1],
        "\r\n ".join(base64.b64encode(SECRET.encode()).decode()),
        f"<{SECRET[:7]}\xad{SECRET[7:-1]}>",
    ],
)
def test_a_secret_that_is_echoed_apart_backwards_or_in_part_is_hidden(written):
    said = redacted(f"bad key {written}, sorry; {written}.", spellings([SECRET]))

    assert said.count(HIDDEN) == 2
    assert said.startswith("bad key ")
    assert said.endswith(".")
    assert SECRET[4:8] not in said


def test_words_that_only_resemble_a_secret_stay():
    said = "is not a number, try again: not a num, the token is too short (tok-12)"

    assert (
        redacted(said, spellings(["isnota", "numbertry", f"{SECRET[:2]}o-short"]))[:9]
        == said[:9]
    )
    assert redacted(said, spellings(["anumb", "7-isnota"])) == said


def test_a_text_that_begins_like_a_secret_again_and_again_is_not_shown_at_all():
    secret = f"{'a' * 11}b{'c' * 12}"

    assert redacted("aaabcccc" * 20, spellings([secret])) == "aaabcccc" * 20
    assert redacted("aaabcccc" * 2_000, spellings([secret])) == HIDDEN


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_is_around_a_secret_stays(before, after):
    said = redacted(f"{before}|{SECRET}|{after}", spellings([SECRET]))

    assert said == f"{before}|{HIDDEN}|{after}"
