"""Cohorts: which records of a run are meant, said in a way that can be frozen.

A selection says what records have in common. What it selects is counted when it is
shown, and frozen, record by record, in the transaction that acts on it: a cohort that
changed meanwhile is refused with the new count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import STATE_WORDS, RecordState

T = TypeVar("T")

#: Records can be named one by one up to here; more are selected by what they share.
MOST_NAMED: Final = 1_000
#: Codes, steps or origins that one selection may name.
MOST_SHARED: Final = 100
#: A number's origin is its beginning, plus sign and all: country and area.
PREFIX_LENGTH: Final = 6
_CLASSES: Final = {one.word: one for one in OutcomeClass}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the records of a cohort have in common; what is empty narrows nothing.

    Attributes:
        states: Where they stand.
        classes: How their last attempt ended.
        codes: The channel's code of that, at most ``MOST_SHARED``, as of the next two.
        steps: Names of the steps they stand on.
        origins: Domains of e-mail addresses, or beginnings of numbers.
        seqs: The records themselves, at most ``MOST_NAMED``.
    """

    states: frozenset[RecordState] = frozenset()
    classes: frozenset[OutcomeClass] = frozenset()
    codes: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    seqs: frozenset[int] = frozenset()


def origin_of(contact: str) -> str:
    """Return what a provider may fail as one: a domain, or a number's beginning.

    It is empty for a contact that is neither, as an id.
    """
    _, at, domain = contact.rpartition("@")
    if at:
        return domain.lower()
    return contact[:PREFIX_LENGTH] if contact.startswith("+") else ""


def to_payload(selection: Selection) -> dict[str, list[str] | list[int]]:
    """Return a selection fit for JSON, as a command carries it; sorted."""
    return {
        "states": sorted(state.word for state in selection.states),
        "classes": sorted(one.word for one in selection.classes),
        "codes": sorted(selection.codes),
        "steps": sorted(selection.steps),
        "origins": sorted(selection.origins),
        "seqs": sorted(selection.seqs),
    }


def from_payload(
    payload: Mapping[str, object], *, most: int | None = MOST_SHARED
) -> Selection:
    """Return the selection that a command carries.

    Args:
        payload: The command's.
        most: Codes, steps or origins it may name; None for what was accepted before.

    Raises:
        ValueError: It names what there is not or too much, or is none at all.
    """
    states = [_known(one, STATE_WORDS, "state") for one in _texts(payload, "states")]
    classes = [_known(one, _CLASSES, "class") for one in _texts(payload, "classes")]
    seqs = payload.get("seqs", [])
    if not isinstance(seqs, list) or len(seqs) > MOST_NAMED:
        msg = f"a selection names at most {MOST_NAMED:,} records, in a list"
        raise ValueError(msg)
    if not all(type(seq) is int and seq > 0 for seq in seqs):
        raise ValueError("a record is named by its number, from 1 on")
    return Selection(
        states=frozenset(states),
        classes=frozenset(classes),
        codes=frozenset(_texts(payload, "codes", most)),
        steps=frozenset(_texts(payload, "steps", most)),
        origins=frozenset(_texts(payload, "origins", most)),
        seqs=frozenset(seqs),
    )


def _known(word: str, words: Mapping[str, T], what: str) -> T:
    found = words.get(word)
    if found is None:
        msg = f"there is no {what} {word!r:.40}; there are {', '.join(words)}"
        raise ValueError(msg)
    return found


def _texts(
    payload: Mapping[str, object], key: str, most: int | None = None
) -> list[str]:
    found = payload.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        msg = f"{key} of a selection are a list of words"
        raise ValueError(msg)
    if most is not None and len(found) > most:
        msg = f"a selection names at most {most:,} {key}, not {len(found):,}"
        raise ValueError(msg)
    return found
