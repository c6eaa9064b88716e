from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.chain import TAKEN_OUT
from watchfloor.domain.identity import new_id
from watchfloor.domain.personal import is_long, without_people
from watchfloor.domain.privacy import (
    names_somebody,
    shown_contact,
    shown_field,
    shown_text,
    without_contact,
)
from watchfloor.domain.views import JourneyEntry

PHONE = "+14155550123"


def test_a_contact_is_masked_and_one_that_was_purged_is_called_so():
    assert shown_contact(PHONE) == "+1***0123"
    assert shown_contact("") == shown_contact("purged") == "purged"


def test_a_text_names_somebody_as_long_as_it_could_be_masked():
    for one in ("ask ada@example.org", f"ask {PHONE} first"):
        assert names_somebody(one)
        assert not names_somebody(without_contact(one))
    assert not names_somebody("lunch at 12:30")
    assert not names_somebody(TAKEN_OUT)


@pytest.mark.parametrize(
    ("value", "contact", "shown"),
    [
        (" customer-17 ", "customer-17", "cu***17"),
        (" 415 555-0123 ", PHONE, "41***23"),
        ("555-0123", PHONE, "55***23"),
        ("555-012", PHONE, "555-012"),
        ("ask ada@example.org", "", "ask a***@example.org"),
        ("call customer-17 back", "customer-17", "call cu***17 back"),
        ("", "", ""),
    ],
)
def test_a_field_shows_nobodys_number_or_address(value, contact, shown):
    assert shown_field(value, contact) == shown


def test_without_a_contact_only_what_looks_like_one_is_masked():
    assert without_contact("abc from +49 151 2345678") == "abc from +4***5678"


def test_both_texts_of_a_journeys_entry_are_masked_and_nothing_else():
    entry = JourneyEntry(
        at_ms=7,
        step="call",
        event="attempt",
        outcome="customer-17 busy",
        detail="customer-17 hung up",
    )
    shown = shown_text(entry, "customer-17")

    assert (shown.outcome, shown.detail) == ("cu***17 busy", "cu***17 hung up")
    assert (shown.at_ms, shown.step, shown.event) == (7, "call", "attempt")


@given(
    st.integers(946_684_800_000, 4_102_444_799_999),
    st.sampled_from([3, 5, 10]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    st.sampled_from(["{}", "launch id {}", "({}):", "{}/17", "{}, then {}.", "x-{}"]),
)
def test_an_id_of_ours_is_nobodys_number(now_ms, entropy, said):
    text = said.replace("{}", new_id(now_ms, entropy))

    assert without_contact(text) == text


@given(
    st.from_regex(r"[0-9]{6}-[0-9]{6}-[0-9]{4}", fullmatch=True).filter(
        lambda one: one[2:4] > "12" or one[4:6] > "31" or one[7:9] > "23"
    )
)
def test_a_number_that_is_no_moment_is_somebodys_though_it_looks_like_an_id(number):
    assert without_contact(f"call {number}") != f"call {number}"
    assert without_contact(f"call +{number}") != f"call +{number}"
    assert names_somebody(number)


@pytest.mark.parametrize(
    ("number", "is_one"), [("123-456", False), ("123-4567", True), ("abcdefgh", False)]
)
def test_seven_digits_can_be_somebodys_number(number, is_one):
    assert is_long(number) is is_one


def test_every_number_and_address_is_replaced_and_figures_between_them_stay():
    hidden = []

    def hide(found):
        hidden.append(found)
        return "[x]"

    said = "0151 2345678 at 2026-11-22 14:02, 12, ada@example.org, then 0151 2345679"

    assert without_people(said, hide) == "[x] at 2026-11-22 14:02, 12, [x], then [x]"
    assert hidden == ["ada@example.org", "0151 2345678", "0151 2345679"]
