"""What of any text may be shown: nobody's number or address in full."""

from __future__ import annotations

from dataclasses import replace

from watchfloor.domain.chain import TAKEN_OUT
from watchfloor.domain.masking import masked
from watchfloor.domain.personal import PHONE, is_long, without_people
from watchfloor.domain.views import JourneyEntry


def shown_contact(contact: str) -> str:
    """Return a contact masked; ``purged`` where the people were taken out."""
    return masked(contact) if contact else "purged"


def shown_field(value: str, contact: str) -> str:
    """Return a field's value; what is or looks like a contact is masked."""
    whole = value.strip()
    if contact and whole == contact:
        return masked(contact)
    if PHONE.fullmatch(whole) and is_long(whole):
        return masked(whole)
    return without_contact(value, contact)


def without_contact(text: str, contact: str = "") -> str:
    """Return *text* with the contact, every address and every number masked.

    What is written like a phone's number is one. Days, times, ids of runs and launches,
    idempotency keys and counts with commas stay.
    """
    if contact:
        text = text.replace(contact, masked(contact))
    return without_people(text, masked)


def names_somebody(text: str) -> bool:
    """Whether an address or a number stands in *text* in full."""
    return text != TAKEN_OUT and without_contact(text) != text


def shown_text(entry: JourneyEntry, contact: str) -> JourneyEntry:
    """Return a journey's entry as it may be shown."""
    return replace(
        entry,
        outcome=without_contact(entry.outcome, contact),
        detail=without_contact(entry.detail, contact),
    )
