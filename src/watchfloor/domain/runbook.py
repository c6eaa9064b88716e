"""The runbook's words: what a check finds of a run, and the verdict on all of it.

Numbers in brackets, as 1.8, are those of the product's requirements.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from watchfloor.domain.views import RunView


class Sign(StrEnum):
    """What a check comes to."""

    OK = "ok"
    WARN = "warn"  #: worth a person's look; nobody has to act
    FAIL = "fail"  #: somebody has to act
    SKIP = "skip"  #: there is nothing to judge it by


class Section(StrEnum):
    """The runbook's parts, in its order."""

    HEALTH = "Health"
    DISPATCH = "Permits and dispatch"
    DUPLICATES = "Duplicates"
    RETRIES = "Retry strategy"
    UPLOAD = "Upload"
    OUTCOMES = "Outcomes"
    SPEED = "Speed"


class Symptom(StrEnum):
    """What an operator sees first (1.1 to 1.4)."""

    STUCK = "stuck"  #: running, and no attempt completes
    FEW = "few"  #: far fewer deliveries than expected
    FAILING = "failing"  #: failures again and again for a large segment
    DUPLICATES = "duplicates"  #: somebody may be contacted twice


class Figure(NamedTuple):
    """A name and what it comes to, both fit to be shown once cleaned."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes:
        check: Its name, unique.
        asks: The numbers of the requirements that it answers.
        finding: One sentence.
        figures: What it is based on.
        level: Who must act: 1 operator, 2 assisted, 3 engineering; 0 where nobody must.
        next_action: What to do, in a sentence; empty where nothing has to be done.
        act: The name of the key that does it; or empty.
        holds: Whether it is what the run waits for, as intended.
        seq: A record that is an example of it; 0 for none.
        symptoms: To which symptoms it may be the cause.
    """

    check: str
    section: Section
    asks: tuple[str, ...]
    sign: Sign
    finding: str
    figures: tuple[Figure, ...] = ()
    level: int = 0
    next_action: str = ""
    act: str = ""
    holds: bool = False
    seq: int = 0
    symptoms: frozenset[Symptom] = frozenset()


class Fix(NamedTuple):
    """One row of the table: what is seen, why, and what mends it (2.10).

    Attributes:
        causes: The checks whose failing it is about; the first row that names the
            verdict's cause is its row.
    """

    symptom: str
    cause: str
    fix: str
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The one cause, who must act, what to do next and when it is over.

    Attributes:
        cause: The name of the check that found it; empty where nothing holds the run.
        is_well: Whether nobody has to act.
        summary: The cause in one sentence.
        level: As a finding's; raised by some criteria.
        why_level: What says that it is this level, in words.
        criteria: The numbers of the requirements that say so.
        eta: When it ends, or when what holds it does, or that nobody can say.
        consequences: Names of other checks that failed, in causal order.
        symptom: What an operator sees; None on a healthy run.
        fix: The row of the table; None on a healthy run.
    """

    cause: str
    is_well: bool
    summary: str
    level: int
    why_level: str
    next_action: str
    act: str
    eta: str
    consequences: tuple[str, ...] = ()
    symptom: Symptom | None = None
    fix: Fix | None = None
    criteria: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """A run judged: every finding in the runbook's order, and the verdict.

    Attributes:
        sentence: How the run does, in one.
        sampled_ms: How long the counters were watched; 0 where they were read once.
        text: All of it as lines that are ready to be handed on; from outside, as it
            came.
    """

    run: RunView
    as_of_ms: int
    sampled_ms: int
    findings: tuple[Finding, ...]
    verdict: Verdict
    text: tuple[str, ...]
    sentence: str = ""
