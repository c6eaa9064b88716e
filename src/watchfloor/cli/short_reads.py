"""Carrying out a sequence of short reads, each in a snapshot of its own."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from watchfloor.engine.lensing import Question
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading

Answer = TypeVar("Answer")


def carried_out(layout: Layout, reads: Generator[Question, Any, Answer]) -> Answer:
    """Answer one question after another; return what they come to."""
    question = next(reads)
    while True:
        with reading(layout) as connection:
            told = question(connection)
        try:
            question = reads.send(told)
        except StopIteration as ended:
            found: Answer = ended.value
            return found
