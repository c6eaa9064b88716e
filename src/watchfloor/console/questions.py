"""What is asked before something that cannot be undone, and what a yes holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from watchfloor.domain.shell_words import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked.

    Attributes:
        state: How the thing asked about stands now.
        lines: What would happen, each a sentence.
        note: Why it is asked again, or why nothing can be confirmed; may be empty.
        yes: The words of the dangerous answer; empty where there is only one answer.
        also: The words of another answer that is a yes; empty where there is none.
        no: The words of the safe answer.
        typed: What must be typed before yes is possible; empty for nothing.
        typed_name: What that is, to say what a wrong text is not; may be empty.
        wants_reason: Whether a reason may be given.
        needs_reason: Whether yes is possible only with one.
        is_moot: Tells whether there is nothing left to ask; it blocks, and is asked now
            and then. The question goes away then, as for a no.
    """

    title: str
    state: str = ""
    lines: tuple[str, ...] = ()
    note: str = ""
    yes: str = ""
    also: str = ""
    no: str = "No, leave it"
    typed: str = ""
    typed_name: str = ""
    wants_reason: bool = False
    needs_reason: bool = False
    is_moot: Callable[[], bool] | None = None

    def asked_at(self, address: Address) -> Question:
        """Return it with commands that are for this workspace."""
        lines = tuple(address.here(one) for one in self.lines)
        return replace(self, lines=lines, note=address.here(self.note))


@dataclass(frozen=True, slots=True)
class Consent:
    """A yes, the reason for it, whether it was the other yes, and what was typed."""

    reason: str = ""
    also: bool = False
    typed: str = ""
