"""A channel's settings, checked at once: every mistake is a sentence with its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from watchfloor.channels.durations import duration_ms, positive_duration_ms
from watchfloor.domain.errors import ConfigError

#: Written as text with a unit, kept as milliseconds.
DurationMs = Annotated[int, BeforeValidator(duration_ms)]
PositiveDurationMs = Annotated[int, BeforeValidator(positive_duration_ms)]

#: The outcome classes as settings and replies spell them.
OutcomeWord = Literal["delivered", "transient", "permanent", "ambiguous", "callback"]
DeliveryWord = Literal["idempotent", "at_most_once"]


class Settings(BaseModel):
    """Base of every channel's settings: nothing is guessed, nothing is extra."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )


class MistakesError(ValueError):
    """Several mistakes below one key.

    Attributes:
        found: The rest of the key's path, which may be empty, and what is wrong.
    """

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(text for _, text in found))
        self.found = found


SettingsT = TypeVar("SettingsT", bound=Settings)


def checked(model: type[SettingsT], settings: Mapping[str, object]) -> SettingsT:
    """Return *settings* as *model* understands them.

    Raises:
        ConfigError: With every mistake. A value is quoted only where it is one of a
            few known words or a duration: elsewhere it might be a secret.
    """
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        mistakes = [
            sentence
            for one in error.errors(include_url=False)
            for sentence in _sentences(model, one)
        ]
    # Outside the handler, so that pydantic's error, which holds the values, is not
    # carried along as this one's context.
    raise ConfigError(*mistakes)


def _sentences(model: type[Settings], error: ErrorDetails) -> Iterator[str]:
    path = _path(error["loc"])
    cause = error.get("ctx", {}).get("error")
    match error["type"]:
        case "value_error" if isinstance(cause, MistakesError):
            for rest, text in cause.found:
                yield f"{path}{rest}: {text}"
        case "value_error":
            yield f"{path}: {cause}" if path else f"{cause}"
        case "missing":
            yield f"{path}: is missing; this channel cannot work without it"
        case "extra_forbidden":
            yield f"{path}: there is no such setting; {_closest(model, error['loc'])}"
        case "literal_error":
            expected = error["ctx"]["expected"]
            yield f"{path}: {error['input']!r:.40} is not known; use {expected}"
        case _:
            wish = error["msg"].replace("Input should be", "must be")
            yield f"{path}: {wish[0].lower()}{wish[1:]}"


def _path(location: tuple[int | str, ...]) -> str:
    parts = (f"[{one}]" if isinstance(one, int) else f".{one}" for one in location)
    return "".join(parts).removeprefix(".")


def _closest(model: type[Settings], location: tuple[int | str, ...]) -> str:
    known = _keys(model, location[:-1])
    near = get_close_matches(str(location[-1]), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    for part in location:
        inner = {
            field.alias or name: field.annotation
            for name, field in model.model_fields.items()
        }.get(str(part))
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return [field.alias or name for name, field in model.model_fields.items()]
