"""When nobody answers any more: attempts in a row that tell of the provider alone."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

from watchfloor.domain.outcomes import OutcomeClass

#: After a resume so many attempts in a row without an answer open the breaker again.
PROBES: Final = 5

#: Who pauses a run whose breaker opened, and how the reason begins.
_PAUSED_BY: Final = "engine"
_SAID: Final = "the breaker of "

_UNANSWERED = frozenset({OutcomeClass.TRANSIENT, OutcomeClass.AMBIGUOUS})


class Breaker:
    """Counts, of one channel's target, the attempts in a row without an answer.

    Without an answer are transient and ambiguous outcomes, but for codes by which the
    provider speaks of the recipient (busy, no answer): those are answers. Every other
    outcome begins the row anew. An open breaker stops nobody by itself: the engine
    pauses the target's running runs with the sentence, and a person resumes them. A
    resume half-opens it: ``PROBES`` attempts in a row are then enough to open it again,
    and one answer closes it.

    Attributes:
        in_a_row: Attempts without an answer since the last answer or resume.
        is_open: Nobody has resumed since it opened, and nothing was answered.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._is_half_open = False
        self.in_a_row = 0
        self.is_open = False

    def noted(
        self,
        outcomes: Sequence[tuple[OutcomeClass, str]],
        breaker_after: int,
        answers: Container[str] = (),
    ) -> str:
        """Count a batch of outcomes in the order in which they ended.

        Args:
            outcomes: Class and code of each.
            breaker_after: The row that is too long for the run they belong to; 0 for
                no breaker. Its outcomes count for the other runs all the same.
            answers: Codes that are answers though their class says try again.

        Returns:
            Empty, or why the target's runs are to pause. While it is open every batch
            without an answer says so again, for runs that began since.
        """
        last = ""
        row = 0
        for outcome_class, code in reversed(outcomes):
            if outcome_class not in _UNANSWERED or code in answers:
                self.in_a_row = 0
                self.is_open = self._is_half_open = False
                break
            last = last or code
            row += 1
        self.in_a_row += row
        if not row or not breaker_after:
            return ""
        enough = min(PROBES, breaker_after) if self._is_half_open else breaker_after
        if self.in_a_row < enough and not self.is_open:
            return ""
        self.is_open = True
        return (
            f"{_SAID}{self._target} opened: {self.in_a_row:,} attempts in a "
            f"row failed at the provider, last {last}; check the provider, then resume"
        )

    def resumed(self) -> None:
        """Half-open it if it is open: somebody resumed a run of this target."""
        if self.is_open:
            self.in_a_row = 0
            self.is_open = False
            self._is_half_open = True


def breaker_named(by: str, why: str) -> bool:
    """Whether a pause is a breaker's, by who asked for it and why."""
    return by == _PAUSED_BY and why.startswith(_SAID)
