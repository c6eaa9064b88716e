from __future__ import annotations

import inspect
from operator import attrgetter
from typing import Any

import pytest

from watchfloor.domain import guards
from watchfloor.domain.regions import (
    Gate,
    History,
    Intake,
    Lifecycle,
    Mode,
    Results,
    Verb,
    Work,
)

NAME = attrgetter("__name__")

#: Of a region: under which of its values the condition is true.
REGIONS: dict[guards.Guard, tuple[str, Any, Any]] = {
    guards.gate_open: ("gate", Gate, {Gate.OPEN}),
    guards.gate_closed: ("gate", Gate, {Gate.PAUSING, Gate.PAUSED}),
    guards.gate_pausing: ("gate", Gate, {Gate.PAUSING}),
    guards.gate_paused: ("gate", Gate, {Gate.PAUSED}),
    guards.intake_pending: ("intake", Intake, {Intake.PENDING}),
    guards.intake_extracting: ("intake", Intake, {Intake.EXTRACTING}),
    guards.intake_filtering: ("intake", Intake, {Intake.FILTERING}),
    guards.intake_done: ("intake", Intake, {Intake.DONE}),
    guards.intake_admits: ("intake", Intake, {Intake.DONE}),
    guards.no_cancel_intent: (
        "intent",
        (None, *Verb),
        {None, Verb.RESUME, Verb.PAUSE, Verb.STOP},
    ),
    guards.launched: ("launched", (False, True), {True}),
    guards.not_launched: ("launched", (False, True), {False}),
    guards.history_creating: ("history", History, {History.CREATING}),
    guards.results_collecting: ("results", Results, {Results.COLLECTING}),
}

#: Of the work: which counts the condition reads, and whether it wants some or none.
COUNTS: dict[guards.Guard, tuple[set[str], bool]] = {
    guards.some_eligible: ({"eligible"}, True),
    guards.none_eligible: ({"eligible"}, False),
    guards.some_in_flight: ({"in_flight"}, True),
    guards.none_in_flight: ({"in_flight"}, False),
    guards.some_callbacks: ({"callbacks"}, True),
    guards.no_callbacks: ({"callbacks"}, False),
    guards.none_waiting: ({"waiting"}, False),
    guards.work_to_attempt: ({"eligible", "waiting"}, True),
}


@pytest.mark.parametrize("guard", REGIONS, ids=NAME)
def test_a_condition_on_a_region_is_true_for_the_values_it_names(guard):
    region, values, true_for = REGIONS[guard]

    for value in values:
        here: dict[str, Any] = {region: value}
        assert guard(Lifecycle(**here), Work()) is (value in true_for)


@pytest.mark.parametrize("guard", COUNTS, ids=NAME)
def test_a_condition_on_the_work_asks_for_some_or_none(guard):
    read, wants_some = COUNTS[guard]

    assert guard(Lifecycle(), Work(sent=True)) is not wants_some
    for name in ("eligible", "in_flight", "callbacks", "waiting"):
        for count in (1, 2):
            left: dict[str, Any] = {name: count}
            met = guard(Lifecycle(), Work(**left))
            assert met is (wants_some if name in read else not wants_some)


def test_a_streaming_run_is_admitted_while_it_filters_and_not_earlier():
    admitted = {
        intake
        for intake in Intake
        if guards.intake_admits(Lifecycle(mode=Mode.STREAMING, intake=intake), Work())
    }

    assert admitted == {Intake.FILTERING, Intake.DONE}


def test_every_condition_is_covered_above_and_explained_in_a_sentence():
    named = {
        function
        for _, function in inspect.getmembers(guards, inspect.isfunction)
        if function.__module__ == guards.__name__
    }

    assert named == {*REGIONS, *COUNTS}
    assert all((function.__doc__ or "").endswith(".") for function in named)
