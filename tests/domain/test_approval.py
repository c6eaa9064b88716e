from __future__ import annotations

import pytest

from watchfloor.domain.approval import (
    attempts_before_approval,
    awaits_approval,
    work_of,
)
from watchfloor.domain.books import Books


@pytest.mark.parametrize(
    ("after", "approved_at_ms", "attempts", "waits", "left"),
    [
        (None, None, 99, False, None),
        (10, 5, 99, False, None),
        (10, 0, 99, False, None),
        (10, None, 9, False, 1),
        (10, None, 10, True, 0),
        (10, None, 11, True, 0),
        (0, None, 0, True, 0),
    ],
)
def test_so_many_attempts_are_made_before_somebodys_word(
    after, approved_at_ms, attempts, waits, left
):
    assert awaits_approval(after, approved_at_ms, attempts) is waits
    assert attempts_before_approval(after, approved_at_ms, attempts) == left


def test_what_is_left_waits_for_the_word_and_what_is_in_flight_does_not():
    books = Books(
        records=20, pending=5, retry=3, waiting=2, callback=4, attempting=1, delivered=5
    )
    free, held = work_of(books, waits=False), work_of(books, waits=True)

    assert free == books.work
    assert (free.eligible, free.waiting) == (8, 2)
    assert (held.eligible, held.waiting) == (0, 10)
    assert (held.in_flight, held.callbacks) == (free.in_flight, free.callbacks)
