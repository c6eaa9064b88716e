from __future__ import annotations

import pytest

from watchfloor.intake.normalise import (
    MAX_CONTACT_CHARS,
    UnfitContactError,
    email,
    identifier,
    phone,
)


@pytest.mark.parametrize(
    ("text", "region", "contact"),
    [
        ("+12025550143", "", "+12025550143"),
        (" (202) 555-0143 ", "US", "+12025550143"),
        ("(202) 555-0143", "us", "+12025550143"),
        ("001 202 555 0143", "GB", "+12025550143"),
        ("tel:+1-202-555-0143", "", "+12025550143"),
        ("'+12025550143", "", "+12025550143"),
        ('="+12025550143"', "US", "+12025550143"),
        ("020 7946 0123", "GB", "+442079460123"),
        ("+44 (0)20 7946 0123", "", "+442079460123"),
        ("06 6982 0123", "IT", "+390669820123"),
        ("\uff0b\uff11 202 555 0143", "", "+12025550143"),
        ("\u0662\u0660\u0662 555 0143", "US", "+12025550143"),
        ("+1 202 555 0143 ext. 12", "", "+12025550143;ext=12"),
        ("(202) 555-0143 x007", "US", "+12025550143;ext=007"),
        ("+1-202-555-0143;ext=9", "", "+12025550143;ext=9"),
        ("01.99.00.12.00", "FR", "+33199001200"),
    ],
)
def test_a_valid_number_has_one_form_in_every_notation(text, region, contact):
    assert phone(text, region) == contact


@pytest.mark.parametrize(
    "text",
    [
        "4.155552671E9",
        "4,15E+09",
        "+4.47700900E+11",
        " 2E10 ",
        "'4.155552671E9",
        "4.1E\uff10\uff19",
        "2025550143.0",
        "3023125000,00",
    ],
)
@pytest.mark.parametrize("region", ["US", "DE"])
def test_what_a_spreadsheet_rewrote_is_refused_before_it_parses(text, region):
    with pytest.raises(UnfitContactError, match="spreadsheet notation"):
        phone(text, region)


@pytest.mark.parametrize(
    "text",
    ["030 23125000 home", "call 030 23125000 home", "1-800-FLOWERS"],
)
def test_letters_never_become_digits(text):
    with pytest.raises(UnfitContactError, match="letters"):
        phone(text, "DE")


@pytest.mark.parametrize(
    ("text", "region", "reason"),
    [
        ("", "US", "no phone number"),
        (" \u00a0", "US", "no phone number"),
        ("2025550143", "", "no region"),
        ("2025550143", "UK", "unknown region"),
        ("2025550143", "United Kingdom", "unknown region"),
        ("12345", "US", "not a valid phone number"),
        ("+1 555 555 0100", "", "not a valid phone number"),
        ("n/a", "US", "not a phone number"),
        ("1", "US", "not a phone number"),
        ("+999 123 456 789", "US", "unknown country code"),
        ("+1 202 555 0143 999 999 999", "US", "too long"),
        ("1" * 10_000, "US", "too long"),
        ("x" * 10_000, "US", "too long"),
        ("+1 202\n555 0143", "US", "control characters"),
        ("\x1b[31m+12025550143", "US", "control characters"),
    ],
)
def test_an_invalid_number_is_refused_with_its_reason(text, region, reason):
    with pytest.raises(UnfitContactError, match=reason):
        phone(text, region)


def test_a_number_with_plus_needs_no_region_not_even_a_known_one():
    assert phone("+12025550143", "Nowhere") == "+12025550143"


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("ann@example.org", "ann@example.org"),
        (" Ann.O'Neil+x@EXAMPLE.Org ", "Ann.O'Neil+x@example.org"),
        ("a.n.n@gmail.com", "a.n.n@gmail.com"),
        ("ann@clinic.test", "ann@clinic.test"),
        ("ann@b\u00fccher.example", "ann@xn--bcher-kva.example"),
        ("ann@bu\u0308cher.example", "ann@xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("jo\u0308rg@example.org", "j\u00f6rg@example.org"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
    ],
)
def test_an_address_keeps_its_local_part_and_folds_its_domain(text, contact):
    assert email(text) == contact


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "ann@",
        "@example.org",
        "ann@localhost",
        "ann@@example.org",
        "ann@example..org",
        "ann@-example.org",
        ".ann@example.org",
        "a..n@example.org",
        "ann@ex_ample.org",
        "ann@[192.0.2.1]",
        '"ann b"@example.org',
        "Ann <ann@example.org>",
        "ann@example.org, ben@example.org",
        "ann@example.org\nBcc: x@example.org",
        "ann\x00@example.org",
        "ann@example.org\u202e",
        "a\u200bnn@example.org",
        f"{'a' * 65}@example.org",
        f"ann@{'a' * 64}.org",
        f"ann@{'abcdefgh.' * 28}org",
        "a" * 10_000,
    ],
)
def test_what_is_no_single_address_is_refused(text):
    with pytest.raises(UnfitContactError):
        email(text)


def test_a_reason_never_repeats_the_address():
    with pytest.raises(UnfitContactError) as refused:
        email("secret.person@example..org")

    assert "secret" not in str(refused.value)


def test_an_id_is_stripped_and_composed():
    assert identifier("  Kundennummer-42 e\u0301 ") == "Kundennummer-42 \u00e9"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a\tb",
        "a\x00b",
        "a\u200bb",
        "\u202eab",
        "x" * (MAX_CONTACT_CHARS + 1),
    ],
)
def test_an_id_that_is_empty_endless_or_invisible_is_refused(text):
    with pytest.raises(UnfitContactError):
        identifier(text)
