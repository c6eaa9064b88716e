"""What of a record's inputs may be shown: nobody's number or address in full."""

from __future__ import annotations

import re
from dataclasses import replace

from watchfloor.domain.masking import masked
from watchfloor.domain.views import JourneyEntry

_PHONE = re.compile(r"\+?[\d\s().\-/]{7,}(?:;ext=\d+)?")
#: Begins where a word begins and never looks back: linear also in text without blanks.
_ADDRESS = re.compile(r"(?<![^\s@<>\"',;:])[^\s@<>\"',;:]++@[^\s@<>\"',;:]+")
_FEWEST_DIGITS = 7


def shown_contact(contact: str) -> str:
    """Return a contact masked; ``purged`` where the people were taken out."""
    return masked(contact) if contact else "purged"


def shown_field(value: str, contact: str) -> str:
    """Return a field's value; what is or looks like a contact is masked."""
    whole = value.strip()
    if contact and whole == contact:
        return masked(contact)
    if _PHONE.fullmatch(whole) and sum(map(str.isdigit, whole)) >= _FEWEST_DIGITS:
        return masked(whole)
    return without_contact(value, contact)


def without_contact(text: str, contact: str) -> str:
    """Return *text* with the contact and every address in it masked."""
    if contact:
        text = text.replace(contact, masked(contact))
    return _ADDRESS.sub(lambda found: masked(found[0]), text)


def shown_text(entry: JourneyEntry, contact: str) -> JourneyEntry:
    """Return a journey's entry as it may be shown."""
    return replace(
        entry,
        outcome=without_contact(entry.outcome, contact),
        detail=without_contact(entry.detail, contact),
    )
