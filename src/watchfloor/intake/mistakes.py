"""What pydantic found wrong with a file, in sentences for the one who wrote it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_SHOWN_CHARS = 40

#: The type of an error whose text is a whole sentence, without value and example.
SENTENCE = "sentence"

_WHAT = {
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "finite_number": "is not a number to count with",
    "string_type": "is not a text in quotes",
    "bool_type": "is neither true nor false",
    "list_type": "is not a list",
    "model_type": "is not a table",
    "model_attributes_type": "is not a table",
    "dict_type": "is not a table",
    "literal_error": "is not {expected}",
    "greater_than": "is not greater than {gt:g}",
    "greater_than_equal": "is less than {ge:g}",
    "less_than_equal": "is more than {le:g}",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "is empty",
    "string_pattern_mismatch": "does not have the right form",
    "too_short": "is too short",
    "value_error": "{error}",
}


def sentences(
    error: ValidationError, form: type[BaseModel], unsupported: Collection[str] = ()
) -> list[str]:
    """Return every mistake: the key's place, what is wrong, what would be right.

    Args:
        error: What the model raised.
        form: The model; its fields' ``examples`` are lines of TOML.
        unsupported: Dotted keys without list places, designed and not obeyed yet.
    """
    details = error.errors(include_url=False)
    return [_mistake(one, form, unsupported) for one in details]


def _mistake(
    error: ErrorDetails, form: type[BaseModel], unsupported: Collection[str]
) -> str:
    loc = error["loc"]
    place = _place(loc)
    kind = error["type"]
    if kind == SENTENCE:
        return f"{place}: {error['msg']}" if place else error["msg"]
    if kind == "extra_forbidden":
        return f"{place}: {_unknown(loc, form, unsupported)}"
    example = _example(loc, form)
    advice = f"; write e.g. {example}" if example else ""
    if kind == "missing":
        return f"{place}: is missing{advice}"
    what = _WHAT.get(kind, error["msg"]).format_map(error.get("ctx", {}))
    return f"{place}: {_shown(error['input'])} {what}{advice}"


def _place(loc: Sequence[int | str]) -> str:
    """Return ``steps[0].retry.attempts``, safe for a terminal."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{_key(part)}"
    return text.removeprefix(".")


def _key(part: str) -> str:
    plain = part.replace("_", "").replace("-", "")
    return part if plain.isascii() and plain.isalnum() else _shown(part)


def _unknown(
    loc: Sequence[int | str], form: type[BaseModel], unsupported: Collection[str]
) -> str:
    names = [part for part in loc if isinstance(part, str)]
    if ".".join(names) in unsupported:
        return "is not supported yet; remove it"
    owner = _form_at(loc[:-1], form)
    known = list(owner.model_fields) if owner else []
    close = get_close_matches(names[-1], known, n=1)
    if close:
        return f"unknown key; did you mean {close[0]}?"
    return f"unknown key; the keys here are {', '.join(known)}"


def _example(loc: Sequence[int | str], form: type[BaseModel]) -> str:
    """Return ``attempts = 4`` for the innermost field of *loc* that has an example."""
    names = [part for part in loc if isinstance(part, str)]
    owner = _form_at(names[:-1], form)
    field = owner.model_fields.get(names[-1]) if owner and names else None
    if field is None or not field.examples:
        return ""
    return str(field.examples[0])


def _form_at(loc: Sequence[int | str], form: type[BaseModel]) -> type[BaseModel] | None:
    here: type[BaseModel] | None = form
    for part in loc:
        if isinstance(part, int):
            continue
        field = here.model_fields.get(part) if here else None
        here = _form_in(field.annotation) if field else None
    return here


def _form_in(annotation: object) -> type[BaseModel] | None:
    """Return the model within ``Model``, ``list[Model]`` or ``Model | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _form_in(inner)
        if found:
            return found
    return None


def _shown(value: object) -> str:
    """Return a value of the file as it may stand in a message, in one short line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}\u2026"
