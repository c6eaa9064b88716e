from __future__ import annotations

import base64
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hostile import traces

from watchfloor.domain.personal import ADDRESS
from watchfloor.triage.scrubbing import Scrubber
from watchfloor.triage.secret_shapes import HIDDEN, looks_secret

KEY = b"k" * 32
RUN = "261128-005000-k7q2"
PHONE, MAIL, IDENT = "+4915112345678", "jane.doe@example.com", "C-10023"
SCRUBBER = Scrubber(
    KEY,
    keep=[RUN, f"u-{RUN}", "ws-7f3a9b2c01de"],
    contacts=[PHONE, MAIL, IDENT],
    secrets={"correct horse": "[secret]", "list of Jane.csv": "[upload]"},
)
NOBODY = Scrubber(KEY)

digits = st.text("0123456789", min_size=9, max_size=14)
between = st.sampled_from(["", " ", "-", ".", "/", "  ", " (", ") ", "_", "\u2011"])
words = st.text(string.ascii_letters + " .,:;()[]", max_size=30)
names = st.text(
    string.ascii_lowercase + string.digits + "._%+-", min_size=1, max_size=12
)
anything = st.text(max_size=80)


@pytest.mark.parametrize(
    "text",
    [
        "+49 151 12345678",
        "0151 12345678",
        "0151/123-456-78",
        "tel:+4915112345678",
        "0049 (151) 12345678",
        "tel%2B4915112345678",
        "&#43;4915112345678",
        "\\u002b49151\\u003112345678",
        "\uff0b\uff14\uff19\uff11\uff15\uff11\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
        "+49\u200b151\u200b12345678",
    ],
)
def test_one_person_has_one_pseudonym_however_the_number_is_written(text):
    assert SCRUBBER.person(PHONE) in SCRUBBER.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "Jane.Doe@Example.com",
        "<jane.doe@example.com>",
        "jane.doe%40example.com",
        "jane.doe%2540example.com",
        "jane_doe_example_com",
        "no_mailbox_jane_doe_example_com",
        "jane.doe\uff20example.com",
    ],
)
def test_one_person_has_one_pseudonym_however_the_address_is_written(text):
    assert SCRUBBER.person(MAIL) in SCRUBBER.text(text)


@pytest.mark.parametrize(
    "text", ["[@click=a]b[/][@click=c]", "one@two@three.example", "jane@@mail.example"]
)
def test_nothing_like_an_address_is_left_of_a_chain_of_them(text):
    told = SCRUBBER.text(text)

    assert not ADDRESS.search(told)
    assert "person-" in told


def test_an_id_of_the_run_is_a_person_too():
    assert SCRUBBER.text("no c-10023 here") == f"no {SCRUBBER.person(IDENT)} here"


def test_another_bundle_knows_the_same_person_by_another_name():
    other = Scrubber(b"o" * 32, contacts=[PHONE])

    assert other.person(PHONE) == other.person("0049 151 12345678")
    assert other.person(PHONE) != SCRUBBER.person(PHONE)
    assert SCRUBBER.person(PHONE) != SCRUBBER.person(MAIL)


@pytest.mark.parametrize(
    "text",
    [
        "421 4.7.0 too many connections, try again in 30s",
        "provider_busy http_503 smtp_4_2_1_mailbox_full e.164 p95 1.5x 15min 100ms",
        "ConnectionResetError: the peer closed",
        f"run {RUN} of ws-7f3a9b2c01de over u-{RUN} at 2026-11-28T00:50:00.123Z",
        "62 % done, slow since 14:02: 421 from one domain; the window shuts at 21:00",
        "1,234,567 records, 20/s, 3 of 4 and/or 50 %",
        "Gr\u00fc\u00dfe: Tr\u00e4ger gest\u00f6rt, Pause",
        "paused by jane: carrier down",
    ],
)
def test_what_a_diagnosis_needs_is_left_as_it_is(text):
    assert SCRUBBER.text(text) == text


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Authorization: Bearer abcdef", "abcdef"),
        ("authorization=Basic dXNlcg", "dXNlcg"),
        ("token=swordfish rest", "swordfish"),
        ("the password is letmein", "letmein"),
        ("api-key: sesame", "sesame"),
        ("GET https://user:pw@host.example/v1/T00/x?token=abc#y failed", "pw@"),
        ("GET https://user:pw@host.example/v1/T00/x?token=abc#y failed", "T00"),
        ("got sk_live_51HabcdEFG999888", "51Habcd"),
        ("got ghp_plantedReason0123456789ab here", "planted"),
        ("got sk-live-0123456789", "live"),
        ("got x0123456789abcdefg", "defg"),
        ("got AKIAIOSFODNN7EXAMPLE", "AKIA"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJ"),
        ("got Correct HORSE battery", "orrect"),
        ("read list of jane.csv", "jane"),
        ("read other-list.csv and /srv/people/list and ~jane/x/y", "list"),
        ("key 0123456789abcdef0123456789abcdef", "0123456789abcdef"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "123e4567"),
    ],
)
def test_what_is_or_looks_like_a_secret_is_taken_out(text, gone):
    assert gone.casefold() not in SCRUBBER.text(text).casefold()


def test_an_address_keeps_scheme_host_and_port():
    assert SCRUBBER.text("https://api.example.com:8443/x?y=1") == (
        "https://api.example.com:8443/..."
    )


def test_what_a_provider_says_of_a_record_holds_nothing_of_its_row():
    told = SCRUBBER.of_record(
        f"Hello Jane Roe-Smith, {PHONE} was refused, customer 77-88, yes",
        PHONE,
        [PHONE, "Jane", "Roe Smith", "77 88", "no", ""],
    )

    assert told == (
        f"Hello [field] [field], {SCRUBBER.person(PHONE)} was refused, "
        "customer [field], yes"
    )


@pytest.mark.parametrize("text", ["from 203.0.113.5, now", "06 142.68.53.00"])
def test_a_machine_is_not_told_from_a_number_and_hidden(text):
    assert "[machine]" in SCRUBBER.text(text)


def test_a_tree_is_scrubbed_with_its_keys_and_keeps_its_figures():
    told = SCRUBBER.tree({PHONE: [1, 2.5, None, True, MAIL], "at_ms": 1764291000000})

    assert told == {
        SCRUBBER.person(PHONE): [1, 2.5, None, True, SCRUBBER.person(MAIL)],
        "at_ms": 1764291000000,
    }


@given(words, digits, st.lists(between, min_size=14, max_size=14), words)
def test_no_number_leaves_whatever_stands_around_and_within_it(
    before, number, gaps, after
):
    written = "".join(f"{gap}{one}" for gap, one in zip(gaps, number, strict=False))
    told = NOBODY.text(f"{before} {written} {after}", 2_000)

    rows = "".join(char if char.isdigit() else " " for char in told.split("person-")[0])
    assert all(len(row) < 7 for row in rows.split())
    assert number not in "".join(char for char in told if char.isdigit()) or (
        "person-" in told
    )


@given(words, names, names, words)
def test_no_address_leaves_whatever_stands_around_it(before, local, domain, after):
    address = f"{local}@{domain}.example"

    told = NOBODY.text(f"{before} {address} {after}", 2_000).casefold()

    assert address not in told
    assert f"@{domain}" not in told


@given(anything, anything)
def test_a_known_secret_never_leaves(before, after):
    for secret in ("correct horse", "CORRECT Horse"):
        told = SCRUBBER.text(before + secret + after, 2_000).casefold()
        assert "correct horse" not in told


@given(anything)
def test_what_left_can_leave_again_and_no_mark_leads_a_terminal_astray(text):
    told = SCRUBBER.text(text)

    assert not traces(told)
    assert "\n" not in told


@given(st.binary(min_size=18, max_size=40))
def test_what_is_encoded_leaves_in_no_encoding(content):
    encoded = base64.b64encode(b"+4915112345678" + content).decode()

    assert encoded[:16] not in NOBODY.text(f"said {encoded} twice")
    assert encoded[:16] not in NOBODY.text(f"said {quote(encoded)} twice")


@pytest.mark.parametrize(
    "word", ["sha256", "p95", "x86_64", "http_503", "4xx", "invalid_number", "E.164"]
)
def test_words_with_figures_are_no_secrets(word):
    assert not looks_secret(word)


def test_what_nobody_writes_is_hidden_as_a_whole():
    assert NOBODY.text("a@b " * 10_000, 20_000) == HIDDEN
