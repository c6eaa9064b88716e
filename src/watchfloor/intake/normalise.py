"""One canonical form for each contact, or the reason why there is none."""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import normalize

from email_validator import EmailNotValidError, validate_email

from watchfloor.domain.errors import WatchfloorError
from watchfloor.intake.phone_library import (
    REGIONS,
    judged,
    spells_letters,
)

MAX_CONTACT_CHARS = 250

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

#: Anything but digits and punctuation in a phone cell is looked at twice, and so is
#: a decimal's tail: a number that a spreadsheet has rewritten parses all too often.
_DOUBTFUL = re.compile(r"[^ -@\[\]]|[.,]0+$")
_SCIENTIFIC = re.compile(r"\W*\d[\d.,\s]*[eE]\s*[+\-]?\s*\d+\W*")
_NUMBER_START = re.compile("[+\uff0b\\d]")
_DECIMAL = re.compile(r"\+?\d{7,}[.,]0+")

#: RFC 5322's dot-atom in ASCII, the local part of nearly every address.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN_EMAIL = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@([A-Za-z0-9.-]+)")
_MAX_LOCAL_CHARS = 64
_MAX_PLAIN_EMAIL_CHARS = 200  # RFC 5321's 254 is email-validator's to count


class UnfitContactError(WatchfloorError):
    """The text is no contact of its kind; the error's text says why in a few words.

    The reason never repeats the contact: reasons are shown and stored unmasked.
    """


def phone(text: str, region: str = "") -> str:
    """Return E.164, with ``;ext=123`` where there is an extension.

    Only valid numbers pass, not merely possible ones.

    Args:
        text: A number in any notation.
        region: Two letters, to read a number without +.

    Raises:
        UnfitContactError: With the reason.
    """
    text = text.strip()
    if _DOUBTFUL.search(text):
        _refuse_rewritten(text)
    region = region.strip().upper()
    contact, reason = judged(text, region)
    if not contact:
        raise UnfitContactError(_operators_reason(text, region) or reason)
    return contact


def email(text: str) -> str:
    """Return the address with its domain folded to IDNA and its local part in NFC.

    The local part keeps its case and its dots: both may matter to its host.

    Raises:
        UnfitContactError: With the reason.
    """
    text = text.strip()
    plain = _PLAIN_EMAIL.fullmatch(text)
    if plain and len(text) <= _MAX_PLAIN_EMAIL_CHARS:
        local, domain = plain.groups()
        if len(local) <= _MAX_LOCAL_CHARS:
            folded = _folded_domain(domain)
            if folded:
                return f"{local}@{folded}"
    return _judged_email(text)


def identifier(text: str) -> str:
    """Return the id in NFC without surrounding space.

    Raises:
        UnfitContactError: With the reason.
    """
    text = text.strip()
    if not text.isascii():
        text = normalize("NFC", text)
    if not text:
        raise UnfitContactError("no id")
    if len(text) > MAX_CONTACT_CHARS:
        raise UnfitContactError("too long for an id")
    if not text.isprintable():
        raise UnfitContactError("control or invisible characters in an id")
    return text


def _refuse_rewritten(text: str) -> None:
    if _CONTROL.search(text):
        raise UnfitContactError("control characters in a phone number")
    if len(text) > MAX_CONTACT_CHARS:
        raise UnfitContactError("too long for a phone number")
    # Full-width letters and digits are letters and digits to libphonenumber too.
    folded = normalize("NFKC", text)
    if _SCIENTIFIC.fullmatch(folded) or _DECIMAL.fullmatch(folded):
        raise UnfitContactError(
            "spreadsheet notation: digits are lost; export the column as text"
        )
    start = _NUMBER_START.search(text)
    if start and spells_letters(text[start.start() :]):
        raise UnfitContactError("letters in a phone number; write digits")


def _operators_reason(text: str, region: str) -> str:
    """Return a reason that says more than the library's, or an empty string."""
    if not text:
        return "no phone number"
    if "+" in text or "\uff0b" in text or region in REGIONS:
        return ""
    if region:
        return "unknown region; two letters such as US or GB"
    return "no + and no region to read the number by"


@lru_cache(maxsize=4096)
def _folded_domain(domain: str) -> str:
    """Return the domain as email-validator folds it, or an empty string."""
    try:
        return _validated(f"a@{domain}").partition("@")[2]
    except EmailNotValidError:
        return ""


def _judged_email(text: str) -> str:
    if not text:
        raise UnfitContactError("no e-mail address")
    if len(text) > 2 * MAX_CONTACT_CHARS:
        raise UnfitContactError("too long for an e-mail address")
    if _CONTROL.search(text):
        raise UnfitContactError("control characters in an e-mail address")
    try:
        return _validated(text)
    except EmailNotValidError as error:
        # What stands in brackets quotes the address.
        why = str(error).partition(" (")[0].rstrip(".")
        reason = f"not an e-mail address: {why[:1].lower()}{why[1:]}"
        raise UnfitContactError(reason) from error


def _validated(text: str) -> str:
    # `.test` is reserved for rehearsals and rehearsing is what much of the work is.
    found = validate_email(
        text, check_deliverability=False, test_environment=True, strict=True
    )
    return f"{found.local_part}@{found.ascii_domain}"
