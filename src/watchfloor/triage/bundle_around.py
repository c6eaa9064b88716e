"""What a bundle tells that stands in no store: the verdict, the picture, the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from watchfloor.domain.runbook import Triage


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What triage says of the run.

    Attributes:
        told: All of it, for whoever draws it.
        sentence: The verdict in one line.
        report: Text, ready to paste.
        verdict: The same for programs.
        evidence: What it was judged by, to be judged again elsewhere: it left by the
            door out before.
    """

    told: Triage
    sentence: str
    report: str
    verdict: Mapping[str, Any]
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A picture of the console, made of texts that were scrubbed before."""

    svg: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a bundle tells that stands in no store.

    Attributes:
        symptom: What the operator saw, in their own words; or empty.
        versions: Of Watchfloor and of what it stands on.
        screen: None where no picture could be drawn.
        no_screen: Why, where there is none.
    """

    symptom: str = ""
    versions: Mapping[str, object] = field(default_factory=dict)
    screen: Screen | None = None
    no_screen: str = ""
