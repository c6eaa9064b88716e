from __future__ import annotations

import csv
from pathlib import Path

import pytest

from watchfloor.domain.lifecycle import refusal
from watchfloor.domain.regions import Verb

REFERENCE = Path(__file__).parents[1] / "reference" / "commands.tsv"
with REFERENCE.open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file, delimiter="\t"))


def place(run):
    return (str(run.phase), str(run.gate), str(run.launched))


def row_id(row):
    return f"{row['phase']}-{row['gate']}-{row['launched']}"


@pytest.fixture(scope="module")
def idle(graph):
    """Every reachable run without an intent."""
    return [run for run, _ in graph.configurations if run.intent is None]


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_the_reference_answer_is_given_in_every_such_configuration(row, verb, idle):
    here = (row["phase"], row["gate"], row["launched"])

    answers = {refusal(run, verb) or "OK" for run in idle if place(run) == here}

    assert answers == {row[verb]}


def test_no_configuration_is_reached_that_the_reference_does_not_know(idle):
    known = {(row["phase"], row["gate"], row["launched"]) for row in ROWS}

    assert {place(run) for run in idle} == known
