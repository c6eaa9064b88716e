"""The operators' page, held equal to the code's table and to the reference tables."""

from __future__ import annotations

import csv
import inspect
import re
from pathlib import Path

import pytest

from watchfloor.domain import guards
from watchfloor.domain.errors import EXPLANATIONS
from watchfloor.domain.labels import native
from watchfloor.domain.regions import (
    Effect,
    Fact,
    Lifecycle,
    Phase,
    RunOutcome,
    Verb,
    Work,
)
from watchfloor.domain.transitions import ROWS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "run-life.md").read_text(encoding="utf-8")
COMMANDS = ROOT / "tests" / "reference" / "commands.tsv"
ARROW = re.compile(r"^    (\w+) --> (\w+): (.+)$", re.MULTILINE)


def table(*head):
    """The rows of the page's table with this head, as lists of cells."""
    lines = iter(PAGE.splitlines())
    wanted = f"| {' | '.join(head)} |"
    assert wanted in lines, f"the page has no table {wanted}"
    assert set(next(lines)) <= set("| -")
    rows = []
    for line in lines:
        if not line.startswith("| "):
            break
        rows.append(line.removeprefix("| ").removesuffix(" |").split(" | "))
    return rows


def words(*head):
    """A legend of the page: the code's name to the operators' words."""
    rows = table(*head)
    assert len({told for told, _, _ in rows}) == len(rows)
    return {name.strip("`"): told for told, name, _ in rows}


EVENTS = words("what happens", "name", "who says so")
CONDITIONS = words("condition", "name", "it is true when")
DUTIES = words("duty", "name", "what it does")
REGIONS = ("phase", "gate", "intake", "results", "history")


def becomes(row):
    told = [] if row.ends is None else [f"ended, {row.ends}"]
    told += [f"{region} {to}" for region in REGIONS if (to := getattr(row, region))]
    told += ["launched"] * row.launches
    told += ["one stop more"] * row.stops
    return told


def as_told(row):
    cells = (
        row.phases,
        [EVENTS[row.event]],
        [CONDITIONS[guard.__name__] for guard in row.needs],
        becomes(row),
        [DUTIES[effect] for effect in row.effects],
    )
    return ["; ".join(cell) or "-" for cell in cells]


def test_the_page_tells_every_row_of_the_table_in_order():
    told = table("when it is", "and", "under", "it becomes", "then")

    assert told == [as_told(row) for row in ROWS]


def test_the_page_explains_every_word_and_no_other():
    conditions = {
        name
        for name, function in inspect.getmembers(guards, inspect.isfunction)
        if function.__module__ == guards.__name__
    }

    assert list(EVENTS) == [*Verb, *Fact]
    assert set(CONDITIONS) == conditions
    assert list(DUTIES) == list(Effect)


def test_every_fact_verb_duty_and_condition_is_used_by_some_row():
    assert {row.event for row in ROWS} == {*Fact, *Verb}
    common = {Effect.RELEASE_QUOTA, Effect.CREATE_HISTORY}
    assert {effect for row in ROWS for effect in row.effects} == {*Effect} - common
    assert {guard.__name__ for row in ROWS for guard in row.needs} == set(CONDITIONS)


def test_what_every_end_has_in_common_names_its_duties():
    common = PAGE[PAGE.index("Every end has this in common") :].replace("\n", " ")

    assert f"{DUTIES['release_quota']}; {DUTIES['create_history']}." in common


def test_the_page_answers_commands_as_the_reference_does():
    with COMMANDS.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file, delimiter="\t")
    words = {"True": "yes", "False": "no", "OK": "accepted"}

    assert table(*head) == [[words.get(cell, cell) for cell in row] for row in rows]


def test_the_page_explains_every_refusal_in_the_words_of_the_refusal():
    assert table("refusal", "what it means") == [
        [name, meaning] for name, meaning in EXPLANATIONS.items()
    ]


def test_the_picture_shows_every_change_of_phase_that_can_happen(graph):
    drawn = {
        (start, end, event)
        for start, end, events in ARROW.findall(PAGE)
        for event in events.split(", ")
    }

    assert drawn == {
        (
            str(edge.before.run.phase),
            str(edge.after.run.phase),
            "work_returned" if edge.event.startswith("attempt") else edge.event,
        )
        for edge in graph.edges
        if edge.before.run.phase is not edge.after.run.phase
    }


@pytest.mark.parametrize(
    ("phase", "label"),
    [row[:2] for row in table("phase", "on the screen", "what it is for")],
)
def test_the_page_names_each_phase_as_the_screen_does(phase, label):
    if phase == Phase.ENDED:
        ends = [
            native(Lifecycle(phase=Phase.ENDED, outcome=outcome, launched=True), Work())
            for outcome in RunOutcome
        ]
        assert label == f"{', '.join(ends[:-1])} or {ends[-1]}"
    else:
        assert label == native(Lifecycle(phase=Phase(phase)), Work())


def test_the_page_names_every_phase_in_order():
    rows = table("phase", "on the screen", "what it is for")

    assert [row[0] for row in rows] == list(Phase)
