from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from watchfloor.intake import zones
from watchfloor.intake.zones import is_zone, known_zone, phone_zones


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "America/North_Dakota/Center"]
)
def test_a_zone_is_known_by_its_iana_name(name):
    assert known_zone(name) == ZoneInfo(name)
    assert known_zone(name) is known_zone(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "/etc/localtime",
        "../Europe/Berlin",
        "Europe/../UTC",
        "Europe",
        "localtime",
        "posixrules",
        "posix/UTC",
        "right/UTC",
        "Factory",
        "Etc/Unknown",
        "UTC\x00",
        "x" * 5000,
    ],
)
def test_what_is_no_zone_is_refused_with_an_example(name):
    assert not is_zone(name)
    with pytest.raises(ValueError, match="is no time zone; write an IANA") as refused:
        known_zone(name)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize("name", ["europe/berlin", " Europe/Berlin "])
def test_a_zone_in_another_spelling_is_refused_with_the_right_one(name):
    with pytest.raises(ValueError, match=r"is no time zone; write Europe/Berlin$"):
        known_zone(name)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+12025550143", ("America/New_York",)),
        ("+442079460123", ("Europe/London",)),
        ("+442079460123;ext=12", ("Europe/London",)),
        ("+61298765432", ("Australia/Sydney",)),
        ("+97714123456", ("Asia/Katmandu",)),
        ("+18765956366", ("America/Jamaica",)),  # a mobile, told by its area code
        ("+34737648214", ("Atlantic/Canary", "Europe/Madrid")),
    ],
)
def test_a_number_has_all_zones_its_owner_may_be_in(number, expected):
    assert phone_zones(number) == expected


@pytest.mark.parametrize(
    ("number", "one_of_them", "how_many"),
    [
        ("+18002345678", "Pacific/Guam", 40),  # toll-free
        ("+61412357362", "Australia/Perth", 8),  # its prefix says Sydney
        ("+79123452219", "Asia/Vladivostok", 16),  # its prefix says Moscow
        ("+447911123456", "Europe/Jersey", 4),
    ],
)
def test_a_number_tied_to_no_place_has_its_whole_countrys_zones(
    number, one_of_them, how_many
):
    found = phone_zones(number)

    assert one_of_them in found
    assert len(found) >= how_many
    assert list(found) == sorted(found)


@pytest.mark.parametrize("number", ["+80012345678", "+870773111632"])
def test_a_number_of_no_country_has_no_zone(number):
    assert phone_zones(number) == ()


def test_outside_north_america_the_zones_are_those_of_libphonenumber():
    official = import_module("phonenumbers.timezone").time_zones_for_number
    compared = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in phonenumbers.PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None or number.country_code == 1:
                continue
            e164 = phonenumbers.format_number(
                number, phonenumbers.PhoneNumberFormat.E164
            )
            assert phone_zones(e164) == tuple(sorted(official(number))), e164
            compared += 1

    assert compared > 900


def test_where_the_fast_port_is_not_installed_the_original_is_asked(monkeypatch):
    monkeypatch.setattr(zones, "PORT", None)

    assert phone_zones("+61298765432;ext=12") == ("Australia/Sydney",)
    assert len(phone_zones("+61412357362")) == 8


def test_every_zone_a_number_may_have_is_a_known_one():
    data = import_module("phonenumbers.tzdata").TIMEZONE_DATA

    assert {name for names in data.values() for name in names if not is_zone(name)} == (
        set()
    )


def test_the_zones_of_numbers_are_loaded_for_the_first_number_only():
    probe = (
        "import sys; from watchfloor.intake.zones import known_zone, phone_zones;"
        "known_zone('UTC'); print('phonenumbers.tzdata' in sys.modules);"
        "phone_zones('+12025550143'); print('phonenumbers.tzdata' in sys.modules)"
    )

    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert found.stdout.split() == ["False", "True"]
