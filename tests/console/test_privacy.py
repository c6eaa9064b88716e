from __future__ import annotations

import pytest

from watchfloor.console.privacy import shown_field, without_contact

CONTACT = "+14155550123"


@pytest.mark.parametrize(
    "value", [CONTACT, "(415) 555-0123", "415 555 0123", " 4155550123 "]
)
def test_a_number_in_the_inputs_is_masked(value):
    assert "5550" not in shown_field(value, CONTACT).replace(" ", "").replace("-", "")


def test_an_address_is_masked_wherever_it_stands():
    said = without_contact("bounced for ada.lovelace@example.org today", CONTACT)

    assert said == "bounced for a***@example.org today"


def test_the_contact_is_masked_in_what_a_provider_said():
    assert CONTACT not in without_contact(f"line {CONTACT} is dead", CONTACT)


@pytest.mark.parametrize("value", ["Ada", "2026", "12.50", "prio-3"])
def test_what_is_no_contact_is_shown(value):
    assert shown_field(value, CONTACT) == value
