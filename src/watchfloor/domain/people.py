"""Whom a run and its retries have reached: people, not the records of every try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchfloor.domain.books import STATE_KEYS
from watchfloor.domain.records import RecordState


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The people of a family of runs, by where the newest record of each stands.

    Attributes:
        counts: By state; what nobody is in may be missing.
        expected: So many people the runs have that are no retries.
        is_moving: A run of the family is live: the counts are of several moments.
    """

    counts: Mapping[RecordState, int] = field(default_factory=dict)
    expected: int = 0
    is_moving: bool = False

    @property
    def reached(self) -> int:
        """How many were delivered."""
        return self.counts.get(RecordState.DELIVERED, 0)

    @property
    def not_reached(self) -> int:
        """How many were not, whatever became of them."""
        return self.expected - self.reached

    @property
    def words(self) -> dict[str, int]:
        """The counts by the states' words, in the order of the books."""
        by_word = {state.word: count for state, count in self.counts.items()}
        return {key: by_word.get(key, 0) for key in STATE_KEYS}

    @property
    def line(self) -> str:
        """The account of the people in one line."""
        shown = [f"{count:,} {word}" for word, count in self.words.items() if count]
        return f"{self.expected:,} people = {' + '.join(shown) or '0'}"

    @property
    def imbalance(self) -> str:
        """Why it does not add up; empty where it does, and while it moves."""
        told = sum(self.counts.values())
        if self.is_moving or (told == self.expected and min(self.words.values()) >= 0):
            return ""
        return f"{self.expected:,} people, and {told:,} by where they stand"
