"""Frozen values made plain JSON and, from a stranger's JSON, made again.

What is read was written by anybody: every type is checked, every list bounded, and each
mistake is a sentence with its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum, IntEnum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

T = TypeVar("T")

MOST_ENTRIES: Final = 20_000
MOST_CHARS: Final = 20_000
#: The last moment of the year 9999 in milliseconds; no count comes near it.
MOST_NUMBER: Final = 253_402_300_799_999


def to_json(value: object) -> Any:  # noqa: ANN401 - JSON may be anything
    """Return a frozen value as lists, objects, texts and numbers."""
    if isinstance(value, Enum):
        return value.name.lower() if isinstance(value, IntEnum) else value.value
    named = _named(value)
    if named is not None:
        return {str(name): to_json(one) for name, one in named.items()}
    if isinstance(value, frozenset):
        return sorted(to_json(one) for one in value)
    if isinstance(value, (tuple, list)):
        return [to_json(one) for one in value]
    return value


def _named(value: object) -> Mapping[Any, object] | None:
    """Return the parts of what has parts with names; None for anything else."""
    if isinstance(value, Mapping):
        return value
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    return None


def from_json(kind: type[T], given: object, place: str) -> T:
    """Return the value of *kind* that JSON tells.

    Args:
        kind: A frozen dataclass, a named tuple, or a type that fields of one have.
        given: Whatever a JSON parser returned.
        place: What it is called in sentences.

    Raises:
        ValueError: It is not such a value; the sentence says where and what is wrong.
    """
    return cast("T", _read(kind, given, place))


def _read(kind: Any, given: object, place: str) -> Any:  # noqa: ANN401 - of any type
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _optional(kind, given, place)
    if origin is not None:
        return _collection(kind, origin, given, place)
    if kind in _PLAIN:
        return _PLAIN[kind](given, place)
    if issubclass(kind, Enum):
        return _word(kind, given, place)
    return _whole(kind, given, place)


def _optional(kind: Any, given: object, place: str) -> Any:  # noqa: ANN401 - see above
    (inner,) = [one for one in get_args(kind) if one is not NoneType]
    return None if given is None else _read(inner, given, place)


def _collection(
    kind: Any,  # noqa: ANN401 - see above
    origin: object,
    given: object,
    place: str,
) -> Any:  # noqa: ANN401 - see above
    kinds = get_args(kind)
    if origin is not tuple and origin is not frozenset:
        if not isinstance(given, dict):
            raise _wrong(place, "an object", given)
        _bounded(given, place)
        return {
            _text(key, place): _read(kinds[1], one, f"{place}.{key:.40}")
            for key, one in given.items()
        }
    if not isinstance(given, list):
        raise _wrong(place, "a list", given)
    _bounded(given, place)
    if origin is tuple and kinds[-1] is not Ellipsis:
        if len(given) != len(kinds):
            msg = f"{place} has {len(given):,} entries instead of {len(kinds)}"
            raise ValueError(msg)
        pairs = zip(kinds, given, strict=True)
        return tuple(_read(one, part, f"{place}[]") for one, part in pairs)
    several = (_read(kinds[0], one, f"{place}[{i}]") for i, one in enumerate(given))
    return origin(several)


def _whole(kind: Any, given: object, place: str) -> Any:  # noqa: ANN401 - see above
    if not isinstance(given, dict):
        raise _wrong(place, "an object", given)
    hints, needed = _shape(kind)
    for name in given:
        if name not in hints:
            msg = f"{place} has an entry {str(name)!r:.40} that there is not"
            raise ValueError(msg)
    for name in needed:
        if name not in given:
            msg = f"{place} has no {name}"
            raise ValueError(msg)
    values = {
        name: _read(hint, given[name], f"{place}.{name}")
        for name, hint in hints.items()
        if name in given
    }
    return kind(**values)


@cache
def _shape(kind: Any) -> tuple[dict[str, Any], tuple[str, ...]]:  # noqa: ANN401 - see above
    """Return the types of a value's parts by name, and which parts it needs."""
    hints = get_type_hints(kind)
    if is_dataclass(kind):
        known = {one.name: hints[one.name] for one in fields(kind)}
        needed = tuple(
            one.name
            for one in fields(kind)
            if one.default is MISSING and one.default_factory is MISSING
        )
        return known, needed
    names = kind._fields
    known = {name: hints[name] for name in names}
    return known, tuple(name for name in names if name not in kind._field_defaults)


def _word(kind: type[Enum], given: object, place: str) -> Enum:
    is_number = issubclass(kind, IntEnum)
    words = {(one.name.lower() if is_number else one.value): one for one in kind}
    if not isinstance(given, str) or given not in words:
        raise _wrong(place, f"one of {', '.join(words)}", given)
    return words[given]


def _text(given: object, place: str) -> str:
    if not isinstance(given, str):
        raise _wrong(place, "a text", given)
    if len(given) > MOST_CHARS:
        msg = f"{place} is longer than {MOST_CHARS:,} characters"
        raise ValueError(msg)
    return given


def _number(given: object, place: str) -> int:
    if type(given) is not int or not 0 <= given <= MOST_NUMBER:
        raise _wrong(place, "a count or a time", given)
    return given


def _real(given: object, place: str) -> float:
    if type(given) not in (int, float):
        raise _wrong(place, "a number", given)
    number = cast("float", given)
    if not math.isfinite(number) or abs(number) > MOST_NUMBER:
        raise _wrong(place, "a number of any use", given)
    return float(number)


def _truth(given: object, place: str) -> bool:
    if type(given) is not bool:
        raise _wrong(place, "true or false", given)
    return given


def _bounded(given: list[Any] | dict[Any, Any], place: str) -> None:
    if len(given) > MOST_ENTRIES:
        msg = f"{place} has more than {MOST_ENTRIES:,} entries"
        raise ValueError(msg)


def _wrong(place: str, wanted: str, given: object) -> ValueError:
    return ValueError(f"{place} is not {wanted}, but {str(given)!r:.40}")


_PLAIN: Final[dict[type, Callable[[object, str], object]]] = {
    str: _text,
    int: _number,
    float: _real,
    bool: _truth,
}
