"""What differs between two campaign files, key by key, fit to be shown.

A secret stands in a campaign as a reference only. A value that could hold people, an
address or a number, is masked; a long text is told by its length and not repeated.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Final

from watchfloor.domain.privacy import without_contact

#: Texts longer than this are templates: how they changed is told, not what they say.
_LONGEST: Final = 48
#: Keys whose values are people, whatever they look like.
_PEOPLE: Final = frozenset({"notify"})
_ABSENT: Final = "none"
#: What a campaign is called makes no run slower.
_NAMES: Final = frozenset({"campaign.name", "campaign.id"})


def config_changes(before: str, after: str) -> tuple[str, ...]:
    """Return every key that differs, as ``limits.rate: 20/s -> 2/s``, by name.

    What the campaign is called is left out: it changes nothing that is done. Steps are
    told apart by their names. A text that is no TOML has no keys: that it differs is
    all that is told.
    """
    if before == after:
        return ()
    try:
        old, new = dict(_flat(tomllib.loads(before))), dict(_flat(tomllib.loads(after)))
    except tomllib.TOMLDecodeError:
        return ("the campaign's file differs",)
    return tuple(
        _told(key, old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) and key not in _NAMES
    )


def _flat(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _flat(inner, f"{path}.{key}" if path else str(key))
        case list() if value and all(isinstance(one, dict) for one in value):
            for place, inner in enumerate(value):
                name = inner.get("name", place)
                yield from _flat(inner, f"{path}[{name}]")
        case _:
            yield path, value


def _told(key: str, old: object, new: object) -> str:
    if key.rpartition(".")[2] in _PEOPLE:
        return f"{key}: changed"
    if isinstance(old, str) and isinstance(new, str) and _is_long(old, new):
        return f"{key}: another text, {len(old):,} -> {len(new):,} characters"
    return f"{key}: {_shown(old)} -> {_shown(new)}"


def _is_long(*texts: str) -> bool:
    return any(len(text) > _LONGEST or "\n" in text for text in texts)


def _shown(value: object) -> str:
    if value is None:
        return _ABSENT
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if _is_long(text):
        return f"a text of {len(text):,} characters"
    return without_contact(text)
