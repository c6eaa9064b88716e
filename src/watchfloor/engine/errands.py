"""Long work between jobs: what it reads and writes of files, beside an event loop.

An errand is a sequence of jobs for the committer with work of its own in between. It is
written once, and carried out either by an engine, whose loop must not wait for it, or
at once by an owner of one moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import closing
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from watchfloor.engine.committer import Committer, Job, Submit

T = TypeVar("T")

#: Yields jobs to have done, is sent the result of each after its commit, and returns
#: what came of it all.
Errand: TypeAlias = Generator[Job[Any], Any, T]


async def carried_out(errand: Errand[T], submit: Submit) -> T:
    """Carry an errand out: its own work on a thread, its jobs by the committer.

    Raises:
        StoreError: The store took no writes; the errand was left there.
    """
    with closing(errand):
        answer: object = None
        while True:
            step = asyncio.create_task(asyncio.to_thread(_next, errand, answer))
            try:
                found = await asyncio.shield(step)
            except asyncio.CancelledError:
                # An errand can be closed only once its thread has let go of it.
                await asyncio.wait([step])
                raise
            if isinstance(found, _Done):
                outcome: T = found.outcome
                return outcome
            answer = await submit(found)


def carried_out_now(errand: Errand[T], committer: Committer) -> T:
    """Carry an errand out on this thread, which runs the committer's rounds.

    Raises:
        StoreError: The store took no writes; the errand was left there.
    """
    with closing(errand):
        answer: object = None
        while True:
            found = _next(errand, answer)
            if isinstance(found, _Done):
                outcome: T = found.outcome
                return outcome
            asked = committer.submit(found)
            committer.round()
            answer = asked.result()


class _Done(NamedTuple, Generic[T]):
    """An errand is over; what came of it."""

    outcome: T


def _next(errand: Errand[T], answer: object) -> Job[Any] | _Done[T]:
    # A StopIteration must not meet a future, which cannot hold one.
    try:
        return errand.send(answer)
    except StopIteration as over:
        return _Done(over.value)
