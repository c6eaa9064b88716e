"""What an operator is told where a filter cannot be read any further."""

from __future__ import annotations

import re
from typing import NamedTuple

from watchfloor.domain.filters import KEYWORDS, FilterError, written
from watchfloor.domain.text import clean

_VALUE = "a value in quotes or a number"
_COMPARISON = "a comparison such as =, !=, <, >=, in, contains or is empty"
_FIELD_NAME = "the name of a field"

#: What may come next, by the terminal that tells the situation apart; first one wins.
_EXPECTED = (
    ("NUMBER", _VALUE),
    ("TEXT", "a text in quotes"),
    ("FIELD", _FIELD_NAME),
    ("EQUAL", _COMPARISON),
    ("_WITH", "'with', as in phone starts with \"+1\""),
    ("_EMPTY", "'empty' or 'not empty'"),
    ("_LPAR", 'a list in brackets, as in country in ("US", "CA")'),
    ("_COMMA", "',' or ')'"),
    ("_IN", "'in'"),
    ("_AND", "'and' or 'or'"),
)

_WORDS = "put words and dates in quotes"

#: What people write from habit, wherever it stands, and what would be right.
_HABITS: tuple[tuple[str, str], ...] = (
    (r"==|=~|~", "write = to compare"),
    (r"<>|><|!==", "write != for 'is not'"),
    (r"=<", "write <="),
    (r"=>", "write >="),
    (r"&", "write and"),
    (r"\|", "write or"),
    (r"!(?!=)", "write not, or != to compare"),
    (
        r"[\u2018-\u201f\u00ab\u00bb\u2039\u203a\u00b4\u2032\u2033]",
        "that is a typographic quote; write a straight one: \" or '",
    ),
    (r"[\"']", "the quote that opens here is not closed"),
    (r"`", "the backquote that opens here is not closed, or has no name in it"),
    (r"%|\*", "there are no wildcards; write contains or starts with"),
    (r";", "a filter is one expression; remove the ;"),
    (r"[\[{]", "lists and groups stand in round brackets: ( )"),
)

#: The same, for words where a comparison is expected.
_HABIT_WORDS: tuple[tuple[str, str], ...] = (
    (
        r"(?:not\s+)?i?like\b|matches\b|regexp?\b|glob\b",
        "write contains or starts with",
    ),
    (r"(?:equals?|eq)\b", "write ="),
    (r"(?:ne|neq)\b", "write !="),
    (r"(?:contain|includes?|has)\b", "write contains"),
    (r"(?:startswith|begins|start)\b", "write starts with"),
    (r"=(?![=<>~])", "write !="),
    (r"between\b", "write age >= 18 and age <= 30"),
)

_QUOTED_NAME = "a field's name stands without quotes, or in backquotes: `first name`"
_ODD_NAME = (
    "a name that is not just letters, digits and _ stands in backquotes: `first name`"
)
_NOTHING = frozenset(("null", "none", "nil", "blank"))

_CLOSED = re.compile(r"\"(?:[^\"]|\"\")*\"(?!\")|'(?:[^']|'')*'(?!')")
_WORD = re.compile(r"[-+.\w][-+.:/\w]*")
_PIECE = re.compile(r"\"[^\"]*\"|'[^']*'|[\w.]+")


class Place(NamedTuple):
    """Where reading stopped.

    Attributes:
        text: The whole filter.
        at: From 0; the length of the text if it ended too early.
        accepted: The grammar's names of what could have stood there.
        before: The last word or sign that was understood, or an empty string.
        opened: Where brackets were opened that are not closed yet, from 0.
    """

    text: str
    at: int
    accepted: frozenset[str]
    before: str
    opened: tuple[int, ...]


def mistake(place: Place) -> FilterError:
    """Return the sentence for the place that the filter cannot go on from."""
    column, rest = place.at + 1, place.text[place.at :]
    expected = _expected(place)
    if not rest:
        if "_RPAR" in place.accepted and place.opened:
            opened = place.opened[-1] + 1
            return FilterError(
                column, f"the bracket of column {opened} is not closed; add ')'"
            )
        return FilterError(column, f"the filter ends here; expected {expected}")
    hint = _hint(rest, place.accepted)
    return FilterError(
        column, f"expected {expected}{hint or f', found {_found(rest)}'}"
    )


def _expected(place: Place) -> str:
    known = (said for name, said in _EXPECTED if name in place.accepted)
    expected = next(known, "'and' or 'or'")
    if expected == "'and' or 'or'" and place.opened:
        expected = "'and', 'or' or ')'"
    return f"{expected} after {_quoted(place.before)}" if place.before else expected


def _hint(rest: str, accepted: frozenset[str]) -> str:
    """Return what to write instead of how *rest* begins, or an empty string."""
    if rest[0] in "\"'" and _CLOSED.match(rest):
        return f"; {_QUOTED_NAME}" if "FIELD" in accepted else ""
    habits = _HABITS
    if "_IN" in accepted:
        habits = _HABIT_WORDS + habits
    for pattern, said in habits:
        if re.match(pattern, rest, re.IGNORECASE):
            return f"; {said}"
    found = _WORD.match(rest)
    if found:
        return _word_hint(clean(found.group(), 40), accepted)
    is_odd = "EQUAL" in accepted and rest[0] not in "(),"
    return f"; {_ODD_NAME}" if is_odd and rest[0].isprintable() else ""


def _word_hint(word: str, accepted: frozenset[str]) -> str:
    if accepted & {"NUMBER", "TEXT"}:
        return f"; {_value_hint(word, accepted)}"
    if "_EMPTY" in accepted and word.casefold() in _NOTHING:
        return "; write is empty"
    if "EQUAL" in accepted:
        return f"; {_ODD_NAME}"
    if "FIELD" not in accepted:
        return ""
    if word.casefold() in KEYWORDS:
        return f"; a field with the name of a keyword is written {written(word)}"
    return f"; {_ODD_NAME}"


def _value_hint(word: str, accepted: frozenset[str]) -> str:
    if word.casefold() in _NOTHING:
        return "write is empty, or is not empty"
    if "NUMBER" in accepted and not word[0].isalpha():
        return f"a number is digits, with a point if need be, as in -1.5; {_WORDS}"
    return f'{_WORDS}: "{word}"'


def _found(rest: str) -> str:
    char = rest[0]
    if not char.isprintable():
        return f"a character that cannot be seen (U+{ord(char):04X}); remove it"
    word = _PIECE.match(rest)
    return _quoted(word.group() if word else char)


def _quoted(text: str) -> str:
    shown = clean(text, 40)
    return shown if shown[:1] in ("'", '"', "`") else f"'{shown}'"
