from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.masking import masked


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("+493023125816", "+4***5816"),
        ("+12075550125", "+1***0125"),
        ("+12075550125;ext=77", "+1***0125;ext=***"),
        ("aoife.hughes1@example.net", "a***@example.net"),
        ('"a@b"@example.net', '"***@example.net'),
        ("@example.net", "***@example.net"),
        ("customer-000123", "cu***23"),
        ("abcdefg", "ab***fg"),
        ("abcdef", "***"),
        ("+12345", "***"),
        ("", "***"),
    ],
)
def test_enough_is_left_to_recognise_a_contact_and_no_more(contact, shown):
    assert masked(contact) == shown


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_phone_never_shows_its_middle(phone):
    shown = masked(phone)

    assert phone not in shown
    assert len(shown) == 9
    assert shown == f"{phone[:2]}***{phone[-4:]}"


@given(
    st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    st.from_regex(r"[0-9]{1,7}", fullmatch=True),
)
def test_an_extension_is_hidden_whole(phone, extension):
    assert masked(f"{phone};ext={extension}") == f"{masked(phone)};ext=***"


@given(st.from_regex(r"[a-z.]{2,20}", fullmatch=True))
def test_an_address_shows_only_the_first_letter_of_its_person(local):
    assert masked(f"{local}@example.org") == f"{local[0]}***@example.org"


@given(st.text(st.characters(exclude_characters="@*"), min_size=1, max_size=40))
def test_no_contact_is_shown_whole(contact):
    assert contact not in masked(contact)
