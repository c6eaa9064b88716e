"""What in any text is, or is written like, somebody's number or address."""

from __future__ import annotations

import re
from collections.abc import Callable

#: A text that is nothing but a phone's number, as people write one.
PHONE = re.compile(r"\+?[\d\s().\-/]{7,}(?:;ext=\d+)?")
#: Begins where a word begins and never looks back: linear also in text without blanks.
#: A chain of them is one: what is left of ``a@b@c`` without its ``a@b`` is an address.
ADDRESS = re.compile(r"(?<![^\s@<>\"',;:])[^\s@<>\"',;:]++(?:@++[^\s@<>\"',;:]++)++")
_FEWEST_DIGITS = 7
#: Figures with what people write between them. It begins where a number begins and
#: never looks back: linear also in a text of nothing else. A provider's words become
#: codes with underscores for all that is no letter and no figure.
NUMBER = re.compile(
    r"(?<![^\W_])\+?\(?\d(?:[\s().\-/\u2010-\u2015_]{0,3}+\d)*+(?:;ext=\d++)?"
)
#: Figures that are nobody's number, each with a length of its own.
FIGURES = re.compile(
    r"""(?<![^\W_])(?<!\+)(?:
        \d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-(?:[01]\d|2[0-3])(?:[0-5]\d){2}
        -[a-z2-7]{4,16}                      # the id of a run, a launch or a command
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


def without_people(text: str, hidden: Callable[[str], str]) -> str:
    """Return *text* with every address and every number replaced.

    What is written like a phone's number is one. Days, times, ids of runs and launches,
    idempotency keys and counts with commas stay.

    Args:
        text: From anywhere.
        hidden: Returns what stands in the place of an address or a number.
    """
    text = ADDRESS.sub(lambda found: hidden(found[0]), text)
    shown: list[str] = []
    end = 0
    for figures in FIGURES.finditer(text):
        shown += (_numberless(text[end : figures.start()], hidden), figures[0])
        end = figures.end()
    shown.append(_numberless(text[end:], hidden))
    return "".join(shown)


def is_long(number: str) -> bool:
    """Whether so many digits can be somebody's number."""
    return sum(map(str.isdigit, number)) >= _FEWEST_DIGITS


def _numberless(text: str, hidden: Callable[[str], str]) -> str:
    return NUMBER.sub(
        lambda found: hidden(found[0]) if is_long(found[0]) else found[0], text
    )
