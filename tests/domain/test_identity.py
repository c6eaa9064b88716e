"""Names and keys. Known values are pinned: a stored key must never change."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.identity import (
    contact_digest,
    contact_prefix,
    dedupe_key,
    is_plain_id,
    new_id,
    run_fingerprint,
)

ANN = contact_digest("phone", "+14155552671")
AT_MS = int(datetime(2026, 11, 22, 15, 54, 32, tzinfo=UTC).timestamp() * 1000)


def test_a_contact_has_one_digest_of_sixteen_bytes():
    assert ANN.hex() == "8832afbbbc8067d2ff09d9916426533f"
    assert len(ANN) == 16


def test_the_kind_is_part_of_the_contact():
    assert contact_digest("id", "+14155552671") != ANN
    assert contact_digest("phone", "+14155552672") != ANN


def test_a_contact_outside_ascii_has_a_digest():
    assert len(contact_digest("email", "ánn@example.org")) == 16


def test_the_key_of_a_records_step_is_the_same_for_ever():
    assert dedupe_key("fam", "call", ANN, 0) == "8832afbbbc8067d2dd0f1d19a0bbac68"


def test_the_key_fits_a_header_whatever_it_is_made_of():
    for number in range(200):
        key = dedupe_key(f"família {number}", "text", ANN, number)
        assert re.fullmatch("[0-9a-f]{32}", key)


@pytest.mark.parametrize(
    "other",
    [
        ("fam2", "call", ANN, 0),
        ("fam", "text", ANN, 0),
        ("fam", "call", contact_digest("phone", "+14155552672"), 0),
        ("fam", "call", ANN, 1),
        ("famc", "all", ANN, 0),
    ],
)
def test_the_key_differs_by_family_step_contact_and_generation(other):
    assert dedupe_key(*other) != dedupe_key("fam", "call", ANN, 0)


def test_generations_do_not_collide():
    keys = {dedupe_key("fam", "call", ANN, generation) for generation in range(300)}

    assert len(keys) == 300


def test_twins_are_runs_of_one_campaign_upload_and_filter():
    twin = run_fingerprint("autumn", "ab" * 32, 'consent = "yes"')

    assert twin == "460c38da4606525c11efbf28e9441235"
    assert len(twin) == 32


@pytest.mark.parametrize(
    "other", [("b", "s", "f"), ("a", "t", "f"), ("a", "s", "g"), ("as", "", "f")]
)
def test_runs_that_differ_in_one_of_the_three_are_no_twins(other):
    assert run_fingerprint(*other) != run_fingerprint("a", "s", "f")


@pytest.mark.parametrize(
    ("entropy", "tail"),
    [
        (b"\x00\x00\x00", "aaaa"),
        (b"\xff\xff\xff", "7777"),
        (b"\x00" * 5, "aaaaaaaa"),
        (b"\xff" * 6, "777777777"),
    ],
)
def test_an_id_is_a_time_that_can_be_typed_and_a_tail_of_chance(entropy, tail):
    assert new_id(AT_MS, entropy) == f"261122-155432-{tail}"


def test_an_id_tells_utc_wherever_it_is_made(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        assert new_id(AT_MS, b"abc").startswith("261122-155432-")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["a", "7", "run-1", "Autumn.2026_b-c", "a" * 100])
def test_an_id_that_a_file_can_have_is_plain(text):
    assert is_plain_id(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "-a", "_a", ".a", "a/b", "a b", "a\n", "ä", "a\x00", "a" * 101],
)
def test_an_id_that_would_lead_elsewhere_is_not_plain(text):
    assert not is_plain_id(text)


def test_an_id_of_this_year_tells_its_second_and_not_the_next():
    assert new_id(AT_MS + 999, b"abc").startswith("261122-155432-")
    assert new_id(AT_MS + 1_000, b"abc").startswith("261122-155433-")


@given(
    first_s=st.integers(1_700_000_000, 2_500_000_000),
    later_s=st.integers(1, 10**8),
    entropy=st.binary(min_size=3, max_size=8),
    other=st.binary(min_size=3, max_size=8),
)
def test_ids_sort_by_the_second_they_were_made_in(first_s, later_s, entropy, other):
    early = new_id(first_s * 1000, entropy)
    late = new_id((first_s + later_s) * 1000, other)

    assert early < late


def test_a_key_names_the_contact_that_it_is_of():
    assert contact_prefix(dedupe_key("fam", "call", ANN, 3)) == ANN[:8]


@pytest.mark.parametrize("key", ["", "8" * 31, "8" * 33, "G" * 32, "A" * 32, "٣" * 32])
def test_what_is_no_key_names_nobody(key):
    assert contact_prefix(key) is None


def test_the_kind_and_every_sign_of_a_contact_are_in_its_digest():
    assert contact_digest("phone", "+14155552671") == ANN
    assert contact_digest("phone", "") != contact_digest("id", "")
