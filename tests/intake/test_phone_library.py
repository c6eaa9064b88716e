from __future__ import annotations

import phonenumbers
import pytest

from watchfloor.intake import phone_library
from watchfloor.intake.phone_library import REGIONS, judged

PER_TYPE = 5
FORMATS = (
    phonenumbers.PhoneNumberFormat.E164,
    phonenumbers.PhoneNumberFormat.NATIONAL,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.RFC3966,
)
TWISTS = (
    "{}",
    " {} ext. 12",
    "{} x7",
    "({})",
    "{}.",
    "00{}",
    "0{}",
    "{}9",
    "tel:{}",
    "{},,5",
)


def original(text, region):
    """Judge as phonenumbers alone does."""
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    form = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{form};ext={number.extension}" if number.extension else form


def notations(region):
    """Every notation and twist of some valid and some broken numbers of a region."""
    number = phonenumbers.example_number(region)
    assert number is not None
    base = phonenumbers.national_significant_number(number)
    for step in range(PER_TYPE):
        digits = base[:-2] + f"{(int(base[-2:]) + 37 * step) % 100:02}"
        text = f"+{number.country_code}{digits}"
        shape = phonenumbers.parse(text, None)
        written = phonenumbers.format_number(shape, FORMATS[step % len(FORMATS)])
        for twist in (TWISTS[step], TWISTS[step + PER_TYPE], "{}"):
            yield twist.format(written)


@pytest.fixture(scope="module")
def asked():
    """Give some thousand texts of every region with both answers."""
    return [
        (text, region, original(text, region), judged(text, region)[0])
        for region in sorted(REGIONS)
        for text in notations(region)
    ]


def test_every_number_that_the_original_accepts_has_the_same_form(asked):
    assert len(asked) > 3000
    accepted = [one for one in asked if one[2]]
    assert len(accepted) > len(asked) / 2
    assert [one for one in accepted if one[2] != one[3]] == []


def test_next_to_nothing_is_accepted_that_the_original_refuses(asked):
    # The port carries the metadata of another release: a range that was withdrawn
    # in between is the only difference there may be.
    extra = [one for one in asked if one[3] and not one[2]]
    assert len(extra) <= len(asked) / 1000, extra


def test_without_the_port_nothing_but_the_pace_changes(monkeypatch):
    texts = [(text, "US") for text in notations("US")] + [("12345", "US"), ("", "")]
    quick = [judged(*one) for one in texts]

    monkeypatch.setattr(phone_library, "PORT", None)

    assert [judged(*one) for one in texts] == quick
    assert {bool(contact) for contact, _ in quick} == {True, False}
    assert all(bool(contact) != bool(reason) for contact, reason in quick)


def test_the_port_is_installed_here():
    assert phone_library.PORT is not None
