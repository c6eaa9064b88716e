"""Time zones by name, and those in which the owner of a phone number may be."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

import phonenumbers

from watchfloor.intake.phone_library import PORT

#: In the list of zones, and no place.
_NO_PLACE = "Factory"
_SHOWN_CHARS = 40
_NORTH_AMERICA = "1"


class _Reach(NamedTuple):
    """Where the numbers behind one prefix may be.

    Attributes:
        near: The zones of a number that is tied to a place.
        far: The zones of one that is not; empty where it makes no difference.
    """

    near: tuple[str, ...]
    far: tuple[str, ...]


@cache
def known_zone(name: str) -> ZoneInfo:
    """Return the zone that IANA's list calls *name*.

    Raises:
        ValueError: With what is wrong, as a sentence.
    """
    if not is_zone(name):
        shown = "".join(c if c.isprintable() else "?" for c in name[:_SHOWN_CHARS])
        folded = {one.casefold(): one for one in _names()}
        meant = folded.get(name.strip().casefold(), "")
        right = meant or "an IANA name such as America/New_York"
        msg = f"'{shown}' is no time zone; write {right}"
        raise ValueError(msg)
    return ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Say whether IANA's list has a zone of exactly this name."""
    # Not ZoneInfo's word for it: that also opens the system's localtime, posixrules
    # and right/, and on some disks any spelling of a name.
    return name in _names()


def phone_zones(e164: str) -> tuple[str, ...]:
    """Return the names of all zones in which the number's owner may be, sorted.

    A prefix says where a number is only if its kind is tied to a place; any other has
    its whole country's zones, as libphonenumber has it (Russian mobiles begin like
    Moscow's). North America's are always told by their area code: its mobiles have
    one too, and all its zones together would be hours that no window has.

    Args:
        e164: A valid number as ``normalise.phone`` returns it.

    Returns:
        Nothing for numbers of no country.
    """
    reaches, longest = _reaches()
    for length in range(longest, 0, -1):
        reach = reaches.get(e164[1 : 1 + length])
        if reach is not None:
            break
    else:
        return ()
    if not reach.far or _is_tied_to_a_place(e164):
        return reach.near
    return reach.far


def _is_tied_to_a_place(e164: str) -> bool:
    # Where the two differ in their metadata and the port knows no such number, it
    # says no: more zones and fewer hours, never a call at night.
    library = PORT or phonenumbers
    number = library.parse(e164.partition(";")[0], None)
    return bool(library.is_number_geographical(number))


@cache
def _names() -> frozenset[str]:
    listed = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset(listed) - {_NO_PLACE}


@cache
def _reaches() -> tuple[dict[str, _Reach], int]:
    """Return what each prefix says, and the length of the longest prefix."""
    # Imported late: nobody but a window in the recipients' own zones needs it.
    data: dict[str, tuple[str, ...]] = import_module(
        "phonenumbers.tzdata"
    ).TIMEZONE_DATA
    codes = {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    reaches = {}
    for prefix, zones in data.items():
        code = next(c for c in (prefix[:1], prefix[:2], prefix[:3]) if c in codes)
        near, country = tuple(sorted(zones)), tuple(sorted(data[code]))
        differs = near != country and code != _NORTH_AMERICA
        reaches[prefix] = _Reach(near, country if differs else ())
    return reaches, max(map(len, data))
