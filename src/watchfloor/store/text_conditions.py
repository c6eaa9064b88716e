"""A text that somebody looks for, as a condition of SQL.

Whatever its case, and every character of it as it stands: nothing is a wildcard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select

from watchfloor.domain.errors import ConfigError
from watchfloor.store.filter_conditions import Condition
from watchfloor.store.tables import contact, record

#: More is a mistake of somebody's clipboard.
MAX_CHARS = 200
#: A number is taken for one from so many digits on.
_FEWEST_DIGITS = 5
#: As people type phone numbers; a zero in brackets is never dialled from abroad.
_PHONE = re.compile(r"\+?[\d\s().\-/\u2010-\u2015]+")
_NOT_DIALLED = re.compile(r"\(0\)|\D")
#: No cell can hold them, and no database takes them as text.
_IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")
_WILD = re.compile(r"[%_\\]")
_PLAIN = re.compile(r"[\x01-\x7f]+")


def record_text(
    text: str, steps: Sequence[str], *, in_people: bool = True
) -> Condition:
    """Return whether a text occurs in a record, for a query over ``record, contact``.

    It is looked for in the contact, every cell of the row, the code and the step's
    name; a phone number also by its digits alone.

    Args:
        text: Not empty, without blanks around it.
        steps: The names of the campaign's steps, by number.
        in_people: Whether contact and row are looked into.

    Raises:
        ConfigError: It is longer than anybody means.
    """
    numbers = [
        number
        for number, name in enumerate(steps)
        if text.casefold() in name.casefold()
    ]
    tests = [occurs_in(record.c.code, text)]
    if numbers:
        tests.append(record.c.step.in_(numbers))
    if not in_people:
        return or_(*tests)
    tests.append(occurs_in(contact.c.contact, text))
    digits = _digits(text)
    if digits:
        tests.append(occurs_in(contact.c.contact, digits))
    return or_(*tests, _occurs_in_cell(contact.c.values_json, text))


def occurs_in(column: ColumnElement[Any], text: str) -> Condition:
    """Return whether a text occurs in a column, whatever its case.

    Raises:
        ConfigError: It is longer than anybody means.
    """
    if len(text) > MAX_CHARS:
        msg = f"the text has {len(text):,} characters; at most {MAX_CHARS} are found"
        raise ConfigError(msg)
    if _IMPOSSIBLE.search(text):
        return false()
    return _occurs(column, text)


def _occurs(column: ColumnElement[Any], text: str) -> Condition:
    if not any(char > "\x7f" and len(_cases(char)) > 1 for char in text):
        return _like(column, text)
    pattern = "".join(map(_either_case, text))
    found = column.op("GLOB", is_comparison=True)(f"*{pattern}*")
    # LIKE knows the cases of ASCII alone, but it is five times as fast: it goes first.
    longest = max(_PLAIN.findall(text), key=len, default="")
    return and_(_like(column, longest), found) if longest else found


def _like(column: ColumnElement[Any], text: str) -> Condition:
    literal = _WILD.sub(r"\\\g<0>", text)
    return column.like(f"%{literal}%", escape="\\")


def _either_case(char: str) -> str:
    """Return the pattern of one character for GLOB."""
    cases = _cases(char)
    return f"[{cases}]" if len(cases) > 1 or char in "*?[" else char


def _cases(char: str) -> str:
    forms = (char, char.lower(), char.upper(), char.casefold())
    return "".join(sorted({form for form in forms if len(form) == 1}))


def _occurs_in_cell(values_json: ColumnElement[Any], text: str) -> Condition:
    if _IMPOSSIBLE.search(text):
        return false()
    # What occurs in a cell occurs in the array's text too, escaped as there; to look
    # for that is cheap, and only what has it is taken apart.
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    cells = func.json_each(values_json).table_valued("value")
    inside = exists(select(cells.c.value).where(_occurs(cells.c.value, text)))
    return and_(_occurs(values_json, escaped), inside)


def _digits(text: str) -> str:
    """Return the digits of a phone number as it is dialled from abroad, or nothing."""
    if not _PHONE.fullmatch(text):
        return ""
    digits = _NOT_DIALLED.sub("", text)
    return digits.lstrip("0") if len(digits) >= _FEWEST_DIGITS else ""
