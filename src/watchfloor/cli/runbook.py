"""Triage of one run, for whoever puts it into a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchfloor.store.layout import Layout
from watchfloor.triage.bundle_around import Judged


class RunbookOf:
    """The runbook of one run of a workspace."""

    def __init__(self, layout: Layout, run_id: str) -> None:
        self._layout = layout
        self._run_id = run_id

    def gathered(self) -> Mapping[str, Any]:
        """Return the evidence as JSON has it."""
        return {}

    def judged(self, evidence: Mapping[str, Any]) -> Judged:
        """Return what evidence says."""
        return Judged(sentence="", report="", verdict={}, evidence=evidence)
