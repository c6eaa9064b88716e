"""Which domains and number prefixes a run's failures are from, as far as was looked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from watchfloor.domain.evidence import Evidence
from watchfloor.domain.failing import FailureGroup
from watchfloor.domain.moments import counted

#: A domain of fewer records may be somebody's own: it is not named.
LEAST: Final = 5
#: Such a share of a group's records is from one place.
_COMMON: Final = 0.9
_GROUPS, _NAMED = 3, 3


def origins_of(told: Evidence, group: FailureGroup) -> dict[str, int]:
    """Return the origins of a group's records that were looked at, most first."""
    found = _looked_at(told, group)
    return {name: n for name, n in found.most_common() if name and n >= LEAST}


def common_origin(told: Evidence, group: FailureGroup) -> str:
    """Return the one domain or prefix that a group's records are from; or empty."""
    found = _looked_at(told, group)
    most = next(iter(origins_of(told, group).items()), ("", 0))
    return most[0] if most[1] >= _COMMON * found.total() else ""


def failing_lines(told: Evidence, label: str) -> Iterator[str]:
    """Yield what most records fail with, and where those are from, behind a label."""
    for group in told.failures.groups[:_GROUPS]:
        klass = "" if group.outcome_class is None else f"{group.outcome_class.word} "
        step = f" at {group.step}" if group.step else ""
        many = counted(group.records, f"{group.state.word} record")
        what = f"{klass}{group.code or 'no code'}{step}"
        yield f"{label}{what}: {many}{_from_where(told, group)}"


def _from_where(told: Evidence, group: FailureGroup) -> str:
    looked_at = _looked_at(told, group).total()
    origins = origins_of(told, group)
    if not origins:
        return ""
    named = [f"{name} ({n:,})" for name, n in list(origins.items())[:_NAMED]]
    more = len(origins) - len(named)
    if more:
        named.append(f"{more:,} more")
    return f"; of {looked_at:,} looked at, from {', '.join(named)}"


def _looked_at(told: Evidence, group: FailureGroup) -> Counter[str]:
    found = Counter[str]()
    for one in told.records:
        alike = (one.state, one.outcome_class, one.code, one.step)
        if alike == (group.state, group.outcome_class, group.code, group.step):
            found[one.origin] += one.records
    return found
