"""A filter as a value: a tree of comparisons over named fields.

Parsing it from text is the intake's, answering it over rows the store's. A filter that
was parsed is at most ``MAX_DEPTH`` deep, holds no empty text and no number of more than
``MAX_DIGITS`` digits, and no ``Not`` stands directly over another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

MAX_CHARS = 4_000
MAX_TERMS = 200
MAX_DEPTH = 50
#: A double tells numbers of so many digits apart; so does every database.
MAX_DIGITS = 15

#: Words with a meaning of their own; a column called so is written in backquotes.
KEYWORDS = frozenset(
    ("and", "or", "not", "in", "is", "empty", "contains", "starts", "with")
)

_PLAIN = re.compile(r"[^\W\d]\w*\Z")

#: Text stands for words, an int or a Decimal for a number.
Literal = str | int | Decimal


class FilterError(ValueError):
    """A filter cannot be used as it is written; nothing was selected.

    Attributes:
        column: Where, counted in characters from 1 at the beginning of the filter.
    """

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(f"column {column}: {sentence}")
        self.column = column


class Operator(StrEnum):
    """How a comparison compares; the value is how it is written."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    CONTAINS = "contains"
    STARTS_WITH = "starts with"


@dataclass(frozen=True, slots=True)
class Field:
    """A name that a filter asks about.

    Attributes:
        name: Without backquotes, e.g. ``country``, ``call.code``, ``first name``.
        column: Where it stands in the filter's text, from 1.
    """

    name: str
    column: int = 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """``country = "US"``; with ``contains`` and ``starts with`` the literal is text."""

    field: Field
    operator: Operator
    literal: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """``country in ("US", "CA")``, or ``not in``; at least one literal."""

    field: Field
    literals: tuple[Literal, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Emptiness:
    """``country is empty``, or ``is not empty``."""

    field: Field
    negated: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """Every one of at least two."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any one of at least two."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Exactly what the part does not select."""

    part: Filter


Filter = Comparison | Membership | Emptiness | And | Or | Not


def fields_of(wanted: Filter) -> tuple[Field, ...]:
    """Return every field in the order of the text, as often as it stands there."""
    return tuple(_fields(wanted))


def written(name: str) -> str:
    """Return a field's name as a filter must write it, in backquotes where needed."""
    parts = name.split(".")
    if all(_PLAIN.match(part) for part in parts) and name.casefold() not in KEYWORDS:
        return name
    return "`" + name.replace("`", "``") + "`"


def depth_of(wanted: Filter) -> int:
    """Return how many of and, or and not stand over the deepest comparison."""
    match wanted:
        case And(parts) | Or(parts):
            return 1 + max(depth_of(part) for part in parts)
        case Not(part):
            return 1 + depth_of(part)
        case _:
            return 0


def _fields(wanted: Filter) -> Iterator[Field]:
    match wanted:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _fields(part)
        case Not(part):
            yield from _fields(part)
        case Comparison(field) | Membership(field) | Emptiness(field):  # the last
            yield field
