"""What of a contact may be seen by whoever merely looks."""

from __future__ import annotations

_SHOWN_TAIL = 4
_FEW = 6
#: What stands where a contact was taken out.
PURGED = "purged"


def masked(contact: str) -> str:
    """Return a contact of which only enough is left to recognise it.

    A phone keeps its first two characters and its last four, an address its first
    letter and its domain, anything else its first two and last two characters; what is
    short is hidden whole.
    """
    if contact == PURGED:
        return contact
    local, at, domain = contact.rpartition("@")
    if at:
        return f"{local[:1]}***@{domain}"
    if len(contact) <= _FEW:
        return "***"
    if contact.startswith("+"):
        number, _, extension = contact.partition(";ext=")
        tail = f"{number[:2]}***{number[-_SHOWN_TAIL:]}"
        return f"{tail};ext=***" if extension else tail
    return f"{contact[:2]}***{contact[-2:]}"
