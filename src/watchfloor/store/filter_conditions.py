"""A filter as a condition of SQL: bound parameters only, and never NULL.

No condition is ever NULL, so ``not (x)`` selects exactly what ``x`` does not. The cells
of an upload are compared without the blanks around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import Enum, auto
from operator import eq, ge, gt, le, lt
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Numeric,
    String,
    and_,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
)

from watchfloor.domain.filters import (
    And,
    Comparison,
    Emptiness,
    Field,
    Filter,
    FilterError,
    Literal,
    Membership,
    Not,
    Operator,
    Or,
    depth_of,
    written,
)
from watchfloor.domain.text import clean

#: Everything that ``str.strip`` takes away; SQLite's own trim knows only the space.
_BLANKS = (
    " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
#: Sorts after every blank.
_PAST_BLANKS = "\u3001"
#: Beyond so many texts one trim is cheaper than looking at what each might end with.
_FEW = 3
_SHALLOW = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_ORDERS: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQUAL: eq,
    Operator.LESS: lt,
    Operator.AT_MOST: le,
    Operator.MORE: gt,
    Operator.AT_LEAST: ge,
}

Condition = ColumnElement[bool]


class Kind(Enum):
    """What a field holds, and so what it can be compared with."""

    TEXT = auto()  #: never NULL; with text letter by letter, with a number by value
    CELL = auto()  #: as TEXT, with blanks around it that do not count
    NUMBER = auto()
    TIME = auto()  #: milliseconds since 1970; with an ISO 8601 text
    WORD = auto()  #: a number that stands for a word; with that word


_TEXTS = (Kind.TEXT, Kind.CELL)


@dataclass(frozen=True, slots=True)
class FieldSql:
    """Where a field's value comes from.

    Attributes:
        expression: Its SQL.
        kind: What it holds.
        words: For ``WORD``: the number of each.
    """

    expression: ColumnElement[Any]
    kind: Kind = Kind.TEXT
    words: Mapping[str, int] = field(default_factory=dict)


def condition(wanted: Filter, fields: Mapping[str, FieldSql]) -> Condition:
    """Return the condition that is true for what *wanted* selects, else false.

    Args:
        wanted: Parsed; its depth is bounded.
        fields: Every name that may stand in it.

    Raises:
        FilterError: A field is not among *fields*, or cannot be compared so.
    """
    return _compiled(wanted, fields, negated=False)


def _compiled(
    wanted: Filter, fields: Mapping[str, FieldSql], *, negated: bool
) -> Condition:
    """Push nots down to the terms: SQLite's parser is only 100 brackets deep."""
    match wanted:
        case Not(part):
            return _compiled(part, fields, negated=not negated)
        case And(parts) | Or(parts):
            # A deep one stands first, where it needs the least of the parser's stack;
            # else the order is the author's, who may know what is rare.
            ordered = sorted(parts, key=lambda part: -max(depth_of(part), _SHALLOW))
            done = [_compiled(part, fields, negated=negated) for part in ordered]
            joined = and_ if isinstance(wanted, And) is not negated else or_
            return joined(*done)
        case _:
            term = _term(wanted, fields)
            return not_(term) if negated else term


def _term(
    wanted: Comparison | Membership | Emptiness, fields: Mapping[str, FieldSql]
) -> Condition:
    name = wanted.field
    if name.name not in fields:
        said = f"there is no field {_shown(name)} to select by"
        raise FilterError(name.column, said)
    sql = fields[name.name]
    match wanted:
        case Comparison(_, operator, value):
            return _comparison(name, sql, operator, value)
        case Membership(_, values, negated):
            found = _membership(name, sql, values)
            return not_(found) if negated else found
        case Emptiness(_, negated):
            found = _emptiness(sql)
            return not_(found) if negated else found


def _emptiness(sql: FieldSql) -> Condition:
    if sql.kind in _TEXTS:
        return _text(sql) == ""
    return sql.expression.is_(None)


def _membership(name: Field, sql: FieldSql, values: Sequence[Literal]) -> Condition:
    if sql.kind not in _TEXTS:
        stored = [_stored(name, sql, value) for value in values]
        return and_(sql.expression.in_(stored), sql.expression.is_not(None))
    texts = [value for value in values if isinstance(value, str)]
    numbers = [_number(value) for value in values if not isinstance(value, str)]
    done = [_is_one_of(sql, texts)] if texts else []
    if numbers:
        done.append(_as_number(sql, lambda number: number.in_(numbers)))
    return or_(*done)


def _comparison(
    name: Field, sql: FieldSql, operator: Operator, value: Literal
) -> Condition:
    if operator is Operator.UNEQUAL:
        return not_(_comparison(name, sql, Operator.EQUAL, value))
    if sql.kind not in _TEXTS:
        return _compared_number(name, sql, operator, value)
    if isinstance(value, str):
        return _compared_text(sql, operator, value)
    if operator not in _ORDERS:
        said = f"{operator} works on text; put the number in quotes"
        raise FilterError(name.column, said)
    order, wanted = _ORDERS[operator], _number(value)
    return _as_number(sql, lambda number: order(number, wanted))


def _compared_text(sql: FieldSql, operator: Operator, value: str) -> Condition:
    text = _text(sql)
    match operator:
        case Operator.EQUAL:
            return _is_one_of(sql, [value])
        case Operator.CONTAINS:
            return func.instr(text, value) > 0
        case Operator.STARTS_WITH:
            return func.substr(text, 1, len(value)) == value
        case _:
            return and_(text != "", _ORDERS[operator](text, value))


def _compared_number(
    name: Field, sql: FieldSql, operator: Operator, value: Literal
) -> Condition:
    allowed = {Operator.EQUAL} if sql.kind is Kind.WORD else _ORDERS
    if operator not in allowed:
        options = "=, !=, in" if sql.kind is Kind.WORD else "=, !=, <, <=, >, >=, in"
        said = f"{_shown(name)} is compared with {options}, not with {operator}"
        raise FilterError(name.column, said)
    number = _stored(name, sql, value)
    compared: Condition = _ORDERS[operator](sql.expression, number)
    return and_(compared, sql.expression.is_not(None))


def _stored(name: Field, sql: FieldSql, value: Literal) -> ColumnElement[Any]:
    """Return a literal as the number that the field is stored as."""
    shown = _shown(name)
    if sql.kind is Kind.NUMBER:
        if isinstance(value, str):
            said = f"{shown} is a number; write it without quotes"
            raise FilterError(name.column, said)
        return _number(value)
    text = value if isinstance(value, str) else str(value)
    if sql.kind is Kind.TIME:
        return literal(_time_ms(name, text))
    if text not in sql.words:
        close = get_close_matches(text, sql.words, n=1)
        guess = f'did you mean "{close[0]}"? ' if close else ""
        words = ", ".join(clean(word, 40) for word in sql.words) or "none"
        said = f'{shown} is never "{clean(text, 40)}"; {guess}The words are: {words}'
        raise FilterError(name.column, said)
    # In the text, not in a parameter: only so the planner sees that the partial index
    # of a state holds every record that is asked for.
    return literal_column(str(int(sql.words[text])))


def _time_ms(name: Field, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        said = (
            f'{_shown(name)} is a time; write one such as "2026-11-23T09:00:00Z", or '
            'a day, "2026-11-23" (UTC unless it says otherwise)'
        )
        raise FilterError(name.column, said) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND


def _number(value: Literal) -> ColumnElement[Any]:
    """Return a number that went the way of the cells: equal decimals become equal."""
    return cast(literal(format(value, "f"), String), Numeric)


def _as_number(sql: FieldSql, test: Callable[[Any], Condition]) -> Condition:
    """Return whether a text is a number, digits with a sign and a point, that passes.

    A cell without any odd character has no blanks around it, and needs no trimming.
    """
    if sql.kind is Kind.TEXT:
        return _passes(sql.expression, test)
    cell = sql.expression
    return or_(_passes(cell, test), and_(_is_odd(cell), _passes(_text(sql), test)))


def _passes(text: ColumnElement[Any], test: Callable[[Any], Condition]) -> Condition:
    number = cast(text, Numeric)
    # A text beside a number is made one if all of it can be, and stays a text else.
    return and_(not_(_is_odd(text)), number == text, test(number))


def _is_odd(text: ColumnElement[Any]) -> Condition:
    return text.op("GLOB", is_comparison=True)("*[^-+.0-9]*")


def _is_one_of(sql: FieldSql, wanted: Sequence[str]) -> Condition:
    """Return whether a text is one of *wanted*, which have no blanks around them."""
    exact = sql.expression == wanted[0]
    if len(wanted) > 1:
        exact = sql.expression.in_(wanted)
    if sql.kind is Kind.TEXT:
        return exact
    maybe = _may_have_blanks(sql.expression, sorted(set(wanted)))
    return or_(exact, and_(*maybe, _text(sql).in_(wanted)))


def _may_have_blanks(
    cell: ColumnElement[Any], wanted: Sequence[str]
) -> list[Condition]:
    """Return what is true together of a cell that is a wanted text between blanks.

    Trimming costs more than comparing. A cell that sorts between visible ASCII and a
    wanted text, or behind that text and all it could be followed by and before the
    next, begins with no blank and not with a wanted text.
    """
    if len(wanted) > _FEW or not all("!" <= text[:1] <= "~" for text in wanted):
        return []
    lows = ["!", *(text + _PAST_BLANKS for text in wanted)]
    highs = [*wanted, "~"]
    return [
        not_(cell.between(low, high)) for low, high in zip(lows, highs, strict=True)
    ]


def _text(sql: FieldSql) -> ColumnElement[Any]:
    if sql.kind is Kind.CELL:
        return func.trim(sql.expression, _BLANKS, type_=String)
    return sql.expression


def _shown(name: Field) -> str:
    return written(clean(name.name, 40))
