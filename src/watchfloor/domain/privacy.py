"""What of any text may be shown: nobody's number or address in full."""

from __future__ import annotations

import re
from dataclasses import replace

from watchfloor.domain.masking import masked
from watchfloor.domain.views import JourneyEntry

_PHONE = re.compile(r"\+?[\d\s().\-/]{7,}(?:;ext=\d+)?")
#: Begins where a word begins and never looks back: linear also in text without blanks.
_ADDRESS = re.compile(r"(?<![^\s@<>\"',;:])[^\s@<>\"',;:]++@[^\s@<>\"',;:]+")
_FEWEST_DIGITS = 7
#: Figures with what people write between them. It begins where a number begins and
#: never looks back: linear also in a text of nothing else. A provider's words become
#: codes with underscores for all that is no letter and no figure.
_NUMBER = re.compile(
    r"(?<![^\W_])\+?\(?\d(?:[\s().\-/\u2010-\u2015_]{0,3}+\d)*+(?:;ext=\d++)?"
)
#: Figures that are nobody's number, each with a length of its own.
_FIGURES = re.compile(
    r"""(?<![^\W_])(?<!\+)(?:
        \d{6}-\d{6}-[a-z2-7]{4,8}                       # the id of a run or a launch
      | [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
      | (?:[0-9a-f]{32}){1,2}                           # a key, a checksum
      | (?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])
        (?:[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?)?
      | [0-2]?\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?
      | (?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}
        (?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)             # a machine's address
    )(?![^\W_TZ])""",
    re.VERBOSE,
)


def shown_contact(contact: str) -> str:
    """Return a contact masked; ``purged`` where the people were taken out."""
    return masked(contact) if contact else "purged"


def shown_field(value: str, contact: str) -> str:
    """Return a field's value; what is or looks like a contact is masked."""
    whole = value.strip()
    if contact and whole == contact:
        return masked(contact)
    if _PHONE.fullmatch(whole) and _is_long(whole):
        return masked(whole)
    return without_contact(value, contact)


def without_contact(text: str, contact: str = "") -> str:
    """Return *text* with the contact, every address and every number masked.

    What is written like a phone's number is one. Days, times, ids of runs and launches,
    idempotency keys and counts with commas stay.
    """
    if contact:
        text = text.replace(contact, masked(contact))
    text = _ADDRESS.sub(lambda found: masked(found[0]), text)
    shown: list[str] = []
    end = 0
    for figures in _FIGURES.finditer(text):
        shown += (_NUMBER.sub(_hidden, text[end : figures.start()]), figures[0])
        end = figures.end()
    shown.append(_NUMBER.sub(_hidden, text[end:]))
    return "".join(shown)


def _hidden(number: re.Match[str]) -> str:
    return masked(number[0]) if _is_long(number[0]) else number[0]


def _is_long(number: str) -> bool:
    return sum(map(str.isdigit, number)) >= _FEWEST_DIGITS


def shown_text(entry: JourneyEntry, contact: str) -> JourneyEntry:
    """Return a journey's entry as it may be shown."""
    return replace(
        entry,
        outcome=without_contact(entry.outcome, contact),
        detail=without_contact(entry.detail, contact),
    )
