"""Print the fault library's table: ``python -m tests.triage.library [NAME ...]``.

One row for each planted sickness: the plant, what it shows, the cause that was planted
and the one that triage named, and the level; then the runs that are well. The exit code
is 1 where triage named another cause or level, or was not silent.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from tests.triage.library.bed import Plant
from tests.triage.library.looking import Told, planted, unused_workspace
from tests.triage.library.table import SICK, WELL, Case, name_of


class Row(NamedTuple):
    """One line of the table."""

    name: str
    symptom: str
    planted: str
    named: str
    is_right: bool
    took_s: float
    said: str


def sick_row(case: Case, told: Told, took_s: float) -> Row:
    """Return what is printed of a planted sickness."""
    named = f"{told.cause or 'nothing'} {told.level}"
    wanted = f"{case.cause} {case.level}"
    summary = told.triage.verdict.summary
    return Row(case.name, case.symptom, wanted, named, named == wanted, took_s, summary)


def well_row(name: str, told: Told, took_s: float) -> Row:
    """Return what is printed of a run that is well."""
    loud = ", ".join(one.check for one in told.loud)
    named = loud or "silent"
    summary = told.triage.verdict.summary
    return Row(name, "none", "silent", named, not loud, took_s, summary)


def rows(names: Iterable[str]) -> Iterator[Row]:
    """Plant and triage whatever is named; everything where nothing is."""
    wanted = set(names)
    cases: list[tuple[Plant, Case | None]] = [(one.plant, one) for one in SICK]
    cases += [(one, None) for one in WELL]
    with unused_workspace() as (root, template):
        for plant, case in cases:
            name = name_of(plant)
            if wanted and name not in wanted:
                continue
            (root / name).mkdir()
            since_s = time.monotonic()
            with planted(plant, root / name, template) as told:
                took_s = time.monotonic() - since_s
                if case is None:
                    yield well_row(name, told, took_s)
                else:
                    yield sick_row(case, told, took_s)


def main(names: Iterable[str]) -> int:
    """Print the table as Markdown; return the exit code."""
    write = sys.stdout.write
    write("| planted | symptom | expected | named | | s | verdict |\n")
    write("|---|---|---|---|---|---|---|\n")
    wrong = total = 0
    for row in rows(names):
        mark = "ok" if row.is_right else "WRONG"
        said = row.said.replace("|", "/")
        write(
            f"| {row.name} | {row.symptom} | {row.planted} | {row.named} | {mark} "
            f"| {row.took_s:.1f} | {said} |\n"
        )
        sys.stdout.flush()
        total += 1
        wrong += not row.is_right
    write(f"\n{total - wrong} of {total} as expected\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main(sys.argv[1:]))
