r"""Texts with ``${column}`` in them, compiled once and filled in for each record.

A name is a column of the upload, or ``contact`` (the normalised contact), or
``record.key`` (the idempotency key). There is nothing else: no default, no filter, no
expression. What is filled in is never read as a template again, and a body is built as
an object, so no value can break out of its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from watchfloor.channels.settings import MistakesError
from watchfloor.domain.outcomes import Dispatch

CONTACT = "contact"
RECORD_KEY = "record.key"
NO_COLUMNS = frozenset({CONTACT, RECORD_KEY})

_OPENING = "${"
_PLACE = re.compile(r"\$\{([^${}]+)\}")


@dataclass(frozen=True, slots=True)
class Text:
    """One compiled text: one more literal than names, taken in turns."""

    literals: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def placeholders(self) -> frozenset[str]:
        """The columns that it names."""
        return frozenset(self.names) - NO_COLUMNS

    def filled(self, dispatch: Dispatch, escaped: Callable[[str], str] = str) -> str:
        """Return the text for one record.

        Args:
            dispatch: The record.
            escaped: What makes a value safe in its place; the literals stay.

        Raises:
            KeyError: The record has no such column.
        """
        parts = [self.literals[0]]
        for name, literal in zip(self.names, self.literals[1:], strict=True):
            parts += (escaped(_value(name, dispatch)), literal)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """A compiled JSON body.

    Attributes:
        tree: The body with a ``Text`` wherever a text names a column.
        placeholders: The columns that it names.
    """

    tree: dict[str, object]
    placeholders: frozenset[str]

    def filled(self, dispatch: Dispatch) -> object:
        """Return the body for one record, ready for ``json.dumps``.

        Raises:
            KeyError: The record has no such column.
        """
        return _filled(self.tree, dispatch)


def compiled_text(source: str) -> Text:
    """Compile one text.

    Raises:
        ValueError: A placeholder is not closed, is empty or names no column.
    """
    pieces = _PLACE.split(source)
    literals, names = tuple(pieces[::2]), tuple(pieces[1::2])
    if any(_OPENING in literal for literal in literals):
        raise ValueError("a placeholder is not well formed; write ${column}")
    for name in names:
        if name.startswith("record.") and name != RECORD_KEY:
            msg = f"${{{name}}} is not known; of a record there is only ${{record.key}}"
            raise ValueError(msg)
    return Text(literals, names)


def compiled_body(source: object) -> BodyTemplate:
    """Compile a body: a table whose texts, at any depth, are templates.

    Keys are literal: a key made of data would let an upload choose what is set.

    Raises:
        ValueError: It is no table.
        MistakesError: With every text that is no template and every value that JSON
            does not know.
    """
    if not isinstance(source, Mapping):
        raise ValueError("must be a table, like { to = '${contact}' }")  # noqa: TRY004 - pydantic books a ValueError as a mistake
    mistakes: list[tuple[str, str]] = []
    names: set[str] = set()
    tree = {
        str(key): _compiled(value, f".{key}", names, mistakes)
        for key, value in source.items()
    }
    if mistakes:
        raise MistakesError(mistakes)
    return BodyTemplate(tree, frozenset(names - NO_COLUMNS))


def _compiled(
    value: object, path: str, names: set[str], mistakes: list[tuple[str, str]]
) -> object:
    match value:
        case str():
            try:
                text = compiled_text(value)
            except ValueError as error:
                mistakes.append((path, str(error)))
                return value
            names.update(text.names)
            return text if text.names else value
        case Mapping():
            return {
                str(key): _compiled(inner, f"{path}.{key}", names, mistakes)
                for key, inner in value.items()
            }
        case list() | tuple():
            return [
                _compiled(inner, f"{path}[{at}]", names, mistakes)
                for at, inner in enumerate(value)
            ]
        case _:
            if not _is_json(value):
                mistakes.append((path, "JSON has no such value; write it as a text"))
            return value


def _is_json(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return value is None or isinstance(value, int)


def _filled(node: object, dispatch: Dispatch) -> object:
    match node:
        case Text():
            return node.filled(dispatch)
        case dict():
            return {key: _filled(inner, dispatch) for key, inner in node.items()}
        case list():
            return [_filled(inner, dispatch) for inner in node]
        case _:
            return node


def _value(name: str, dispatch: Dispatch) -> str:
    if name == CONTACT:
        return dispatch.contact
    if name == RECORD_KEY:
        return dispatch.key
    return dispatch.fields[name]
