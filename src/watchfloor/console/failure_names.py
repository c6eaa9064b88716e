"""What a group of failures is called."""

from __future__ import annotations

from watchfloor.console.privacy import without_contact
from watchfloor.domain.failing import FailureGroup


def group_name(group: FailureGroup) -> str:
    """Return which records make up a group: their state, why, and at which step."""
    step = f", {group.step}" if group.step else ""
    return f"{group.state.word}: {_reason(group)}{step}"


def _reason(group: FailureGroup) -> str:
    klass = "" if group.outcome_class is None else f"{group.outcome_class.word} "
    return f"{klass}{without_contact(group.code) or 'no code'}"
