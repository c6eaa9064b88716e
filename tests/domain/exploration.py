"""Every configuration a run can reach, found by trying everything on the product.

The four counts of ``Work`` are abstracted to none (0) and some (1), which makes the
space finite: the guards of the table ask no more than that. Only the product's own
functions decide what can happen; this module plays the world around them, that is the
upload, the channel and the operator.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from watchfloor.domain.errors import RefusedError
from watchfloor.domain.lifecycle import (
    Step,
    acknowledge,
    apply_intent,
    may_call_back,
    may_dispatch,
    may_promise,
    may_retry,
    refusal,
    step,
)
from watchfloor.domain.regions import (
    Effect,
    Fact,
    Intake,
    Lifecycle,
    Mode,
    Phase,
    Results,
    Verb,
    Work,
)


class Configuration(NamedTuple):
    """A run and what is left of it."""

    run: Lifecycle
    work: Work


class Edge(NamedTuple):
    """One thing that can happen to a configuration.

    The event is the fact's or the verb's value; an acknowledged command is
    ``asked <verb>``, one whose guard is gone when it is applied is ``declined <name>``,
    and what the world does has a name of its own.
    """

    event: str
    before: Configuration
    after: Configuration
    effects: tuple[Effect, ...] = ()

    @property
    def is_asked(self) -> bool:
        """Whether it takes a human hand."""
        return self.event.startswith("asked ")


class Graph(NamedTuple):
    """All that can be reached, and how."""

    configurations: frozenset[Configuration]
    edges: tuple[Edge, ...]

    def from_which(
        self, goals: frozenset[Configuration], *, without: frozenset[str] = frozenset()
    ) -> frozenset[Configuration]:
        """Return the configurations that can come to one of *goals*."""
        sources: dict[Configuration, list[Configuration]] = {}
        for edge in self.edges:
            if edge.event not in without:
                sources.setdefault(edge.after, []).append(edge.before)
        found, todo = set(goals), deque(goals)
        while todo:
            for source in sources.get(todo.popleft(), []):
                if source not in found:
                    found.add(source)
                    todo.append(source)
        return frozenset(found)


def explored() -> Graph:
    """Return everything that can happen to a run, in both modes."""
    start = [Configuration(Lifecycle(mode=mode), Work()) for mode in Mode]
    seen, todo, edges = set(start), deque(start), list[Edge]()
    while todo:
        for edge in _edges(todo.popleft()):
            edges.append(edge)
            if edge.after not in seen:
                seen.add(edge.after)
                todo.append(edge.after)
    return Graph(frozenset(seen), tuple(edges))


def _edges(here: Configuration) -> Iterator[Edge]:
    yield from _asked(here)
    yield from _applied(here)
    yield from _told(here)
    yield from _seen_by_the_world(here)


def _asked(here: Configuration) -> Iterator[Edge]:
    for verb in Verb:
        if refusal(here.run, verb) is None:
            after = Configuration(acknowledge(here.run, verb), here.work)
            yield Edge(f"asked {verb}", here, after)


def _applied(here: Configuration) -> Iterator[Edge]:
    if here.run.intent is None:
        return
    try:
        taken = apply_intent(here.run, here.work)
    except RefusedError as declined:
        after = Configuration(replace(here.run, intent=None), here.work)
        yield Edge(f"declined {declined.refusal}", here, after)
    else:
        yield _taken(here, taken)


def _told(here: Configuration) -> Iterator[Edge]:
    # WORK_RETURNED is not told here: it follows a failed callback at once.
    for fact in Fact:
        if fact is Fact.WORK_RETURNED:
            continue
        taken = step(here.run, here.work, fact)
        if taken is not None:
            yield _taken(here, taken)


def _taken(here: Configuration, taken: Step) -> Edge:
    # An end empties nothing by itself: "ended => no work left" is then a property that
    # the table's guards and effects have to earn.
    work = here.work
    if Effect.DROP_UNTOUCHED in taken.effects:
        work = replace(work, eligible=0, waiting=0)
    if Effect.DROP_CALLBACKS in taken.effects:
        work = replace(work, callbacks=0)
    after = Configuration(taken.after, work)
    return Edge(str(taken.event), here, after, taken.effects)


def _seen_by_the_world(here: Configuration) -> Iterator[Edge]:
    run, work = here
    if run.is_ended:
        if run.results is Results.COLLECTING:
            yield Edge("result arrived", here, here)
        return
    if run.intake is Intake.FILTERING and run.phase in (Phase.QUEUED, Phase.RUNNING):
        yield _worked("filter yields", here, replace(work, eligible=1))
    if work.in_flight:
        yield from _attempt_ended(here)
    else:
        yield from _attempt_started(here)
    if work.waiting:
        answered = replace(work, waiting=0)
        yield _worked("external step done", here, answered)
        yield _worked("external step requeues", here, replace(answered, eligible=1))


def _attempt_started(here: Configuration) -> Iterator[Edge]:
    run, work = here
    flying = replace(work, in_flight=1, sent=True)
    if work.eligible and may_dispatch(run):
        yield _worked("dispatch", here, replace(flying, eligible=0))
        yield _worked("dispatch, more left", here, flying)
    if work.callbacks and may_call_back(run):
        yield _worked("callback", here, replace(flying, callbacks=0))
        yield _worked("callback, more left", here, flying)


def _attempt_ended(here: Configuration) -> Iterator[Edge]:
    landed = replace(here.work, in_flight=0)
    yield _worked("attempt final", here, landed)
    if may_retry(here.run):
        yield _worked("attempt to retry", here, replace(landed, eligible=1))
        yield _worked("attempt waits", here, replace(landed, waiting=1))
    if may_promise(here.run):
        yield _worked("attempt to call back", here, replace(landed, callbacks=1))


def _worked(event: str, here: Configuration, work: Work) -> Edge:
    returned = step(here.run, work, Fact.WORK_RETURNED)
    run = here.run if returned is None else returned.after
    return Edge(event, here, Configuration(run, work))
