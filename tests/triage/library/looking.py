"""Triage as an operator asks for it, of a run that a plant made sick or left well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.support.floor import Floor
from tests.support.provider import Provider
from tests.triage.library.bed import Bed, Plant

from watchfloor.domain.runbook import Finding, Sign, Triage
from watchfloor.triage.examining import gathered, watched
from watchfloor.triage.reporting import triage


class Told(NamedTuple):
    """What triage told of one run."""

    triage: Triage

    @property
    def cause(self) -> str:
        """The check that the verdict names; empty for none."""
        return self.triage.verdict.cause

    @property
    def level(self) -> int:
        """Who must act, by the verdict."""
        return self.triage.verdict.level

    def finding(self, check: str) -> Finding:
        """Return what one check found."""
        [found] = [one for one in self.triage.findings if one.check == check]
        return found

    @property
    def loud(self) -> tuple[Finding, ...]:
        """What asks for somebody's look, or act."""
        signs = (Sign.WARN, Sign.FAIL)
        return tuple(one for one in self.triage.findings if one.sign in signs)

    @property
    def text(self) -> str:
        """All of it, as it is pasted."""
        return "\n".join(self.triage.text)


def said_by(finding: Finding) -> str:
    """Return a finding with its figures, as one text."""
    figures = "; ".join(f"{name}: {value}" for name, value in finding.figures)
    return f"{finding.finding} [{figures}]"


@contextmanager
def planted(plant: Plant, root: Path, template: Path) -> Iterator[Told]:
    """Plant in a workspace of its own below *root*, and triage while it lasts."""
    floor = Floor(root, template)
    try:
        with Provider() as provider, plant(Bed(floor, provider)) as patient:
            found = gathered(floor.layout, patient.run_id, floor.clock.now_ms())
            found = watched(floor.layout, found, patient.meanwhile, floor.clock.now_ms)
            yield Told(triage(found))
    finally:
        floor.close()


@contextmanager
def unused_workspace() -> Iterator[tuple[Path, Path]]:
    """Give a directory, and a workspace nobody used yet, to be copied from."""
    with TemporaryDirectory(prefix="fault-library-") as name:
        root = Path(name)
        (root / "unused").mkdir()
        made = Floor(root / "unused")
        made.close()
        yield root, made.layout.root
