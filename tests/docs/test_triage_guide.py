"""The operators' page on triage, held equal to the tables that it tells of."""

from __future__ import annotations

import re
from pathlib import Path

from watchfloor.triage.checks import CHECKS
from watchfloor.triage.fixes import FIXES

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "triage.md").read_text("utf-8")


def rows(*head: str) -> list[list[str]]:
    """The rows of the page's table with this head, as lists of cells."""
    lines = PAGE.splitlines()
    start = lines.index(f"| {' | '.join(head)} |") + 2
    found = []
    for line in lines[start:]:
        if not line.startswith("| "):
            break
        cells = line.removeprefix("| ").removesuffix("|").rstrip()
        found.append([cell.strip() for cell in cells.split(" | ")])
    return found


def named(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def test_the_page_has_every_row_of_the_table_of_fixes_in_its_order():
    told = [
        (symptom, cause, fix, named(checks))
        for symptom, cause, fix, checks in rows("symptom", "cause", "fix", "checks")
    ]
    assert told == [tuple(row) for row in FIXES]


def test_the_page_has_every_check_in_the_runbooks_order():
    told = [
        (section, *named(check), sorted(of.split(", ")))
        for section, check, _, of in rows("section", "check", "asks", "a cause of")
    ]
    assert told == [
        (one.section.value, one.name, sorted(one.symptoms)) for one in CHECKS
    ]
