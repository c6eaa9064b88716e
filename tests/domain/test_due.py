"""What the engine finds true of a run by itself, over every configuration."""

from __future__ import annotations

from watchfloor.domain.lifecycle import due, step
from watchfloor.domain.regions import Fact, Verb

#: The facts the engine finds for itself, in the order it tells them.
SETTLING = (
    Fact.PAUSE_SETTLED,
    Fact.ADMITTED,
    Fact.NOTHING_TO_DO,
    Fact.WORK_RETURNED,
    Fact.ONLY_CALLBACKS_LEFT,
    Fact.ALL_DONE,
    Fact.STOP_SETTLED,
    Fact.CALLBACKS_DONE,
    Fact.CANCEL_SETTLED,
)


def test_due_tells_a_fact_exactly_when_the_table_has_a_row_for_it(graph):
    for run, work in graph.configurations:
        told = [fact for fact in SETTLING if step(run, work, fact) is not None]
        if run.intent in (Verb.STOP, Verb.CANCEL) and Fact.ADMITTED in told:
            told.remove(Fact.ADMITTED)
        assert len(told) <= 1
        assert due(run, work) is (told[0] if told else None)


def test_due_never_launches_a_run_that_was_told_to_stop_or_cancel(graph):
    held = [
        c
        for c in graph.configurations
        if c.run.intent in (Verb.STOP, Verb.CANCEL)
        and step(c.run, c.work, Fact.ADMITTED) is not None
    ]

    assert {c.run.intent for c in held} == {Verb.STOP, Verb.CANCEL}
    assert {due(*c) for c in held} == {None}


def test_telling_what_is_due_comes_to_rest(graph):
    for run, work in graph.configurations:
        told = []
        while (fact := due(run, work)) is not None:
            told.append(fact)
            taken = step(run, work, fact)
            assert taken is not None
            run = taken.after  # noqa: PLW2901  # the same run, a fact later
        assert len(told) == len(set(told)) <= 2
