"""What pydantic found wrong with a file, in sentences for the one who wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

_SHOWN_CHARS = 40

#: Whole numbers beyond this are not written out: so many digits say nothing.
_LARGEST_SHOWN = 10**18

#: What pydantic puts behind a key that is wrong itself.
_OF_THE_KEY = "[key]"

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
    "greater_than": "is not greater than {gt}",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "is empty",
    "string_pattern_mismatch": "does not have the right form",
    "too_short": "is too short",
    "too_long": "is longer than {max_length}",
    "value_error": "{error}",
}


def sentence(text: str) -> PydanticCustomError:
    """Return an error to raise whose text is told as it is.

    Args:
        text: Safe for a terminal; the value it is about is not shown beside it.
    """
    # Through the context: braces in the text are no placeholders.
    return PydanticCustomError(SENTENCE, "{text}", {"text": text})


def sentences(error: ValidationError, form: type[BaseModel]) -> list[str]:
    """Return every mistake: the key's place, what is wrong, what would be right.

    Args:
        error: What the model raised.
        form: The model; its fields' ``examples`` are lines of TOML.
    """
    return [_mistake(one, form) for one in error.errors(include_url=False)]


def place(loc: Sequence[int | str]) -> str:
    """Return ``steps[0].retry.attempts``, safe for a terminal."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{_key(part)}"
    return text.removeprefix(".")


def shown(value: object) -> str:
    """Return a value of the file as it may stand in a message, in one short line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, int) and abs(value) > _LARGEST_SHOWN:
        return "a number of very many digits"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}\u2026"


def _mistake(error: ErrorDetails, form: type[BaseModel]) -> str:
    loc, kind = error["loc"], error["type"]
    if loc and loc[-1] == _OF_THE_KEY and kind != "extra_forbidden":
        loc = loc[:-1]
    at = place(loc)
    if kind == SENTENCE:
        return f"{at}: {error['msg']}" if at else error["msg"]
    if kind == "extra_forbidden":
        return f"{at}: {_unknown(loc, form)}"
    example = _example(loc, form)
    advice = f"; write e.g. {example}" if example else ""
    if kind == "missing":
        return f"{at}: is missing{advice}"
    context = {name: _plain(one) for name, one in error.get("ctx", {}).items()}
    what = _WHAT.get(kind, error["msg"]).format_map(context)
    return f"{at}: {shown(error['input'])} {what}{advice}"


def _plain(limit: object) -> object:
    """Return a limit as people write it: 1, not 1.0."""
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _key(part: str) -> str:
    plain = part.replace("_", "").replace("-", "")
    fits = len(part) <= _SHOWN_CHARS and plain.isascii() and plain.isalnum()
    return part if fits else shown(part)


def _unknown(loc: Sequence[int | str], form: type[BaseModel]) -> str:
    owner = _form_at(loc[:-1], form)
    known = list(_fields(owner)) if owner else []
    close = get_close_matches(str(loc[-1])[:_SHOWN_CHARS], known, n=1)
    if close:
        return f"unknown key; did you mean {close[0]}?"
    return f"unknown key; the keys here are {', '.join(known)}"


def _example(loc: Sequence[int | str], form: type[BaseModel]) -> str:
    """Return ``attempts = 4`` for the innermost field of *loc* that has an example."""
    names = list(loc)
    while names and isinstance(names[-1], int):
        names.pop()
    owner = _form_at(names[:-1], form)
    field = _fields(owner).get(str(names[-1])) if owner and names else None
    if field is None or not field.examples:
        return ""
    return str(field.examples[0])


def _fields(form: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields by the keys that the file writes."""
    return {field.alias or name: field for name, field in form.model_fields.items()}


def _form_at(loc: Sequence[int | str], form: type[BaseModel]) -> type[BaseModel] | None:
    here: type[BaseModel] | None = form
    is_name = False
    for part in loc:
        if isinstance(part, int):
            continue
        if is_name:
            is_name = False
            continue
        field = _fields(here).get(part) if here else None
        here = _form_in(field.annotation) if field else None
        # What stands below a table of tables is a name that the operator chose.
        is_name = field is not None and get_origin(field.annotation) is dict
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
