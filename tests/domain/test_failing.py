from __future__ import annotations

import pytest

from watchfloor.domain.books import Books
from watchfloor.domain.failing import Failing, FailureGroup, failing, may_fail
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState

FAILED, RETRY, UNKNOWN = RecordState.FAILED, RecordState.RETRY, RecordState.UNKNOWN
TRANSIENT, PERMANENT = OutcomeClass.TRANSIENT, OutcomeClass.PERMANENT


def group(state, code, records, outcome=TRANSIENT, step="call"):
    return FailureGroup(state, outcome, code, step, records, 1)


DOWN = (group(RETRY, "http_503", 40), group(FAILED, "http_404", 20, PERMANENT))


@pytest.mark.parametrize(
    ("books", "may"),
    [
        (Books(delivered=60, failed=20, retry=30, unknown=10), True),
        (Books(delivered=61, failed=20, retry=30, unknown=10), False),
        (Books(delivered=30, callback=20, waiting=11, retry=60), False),
        (Books(delivered=30, callback=20, waiting=10, retry=60), True),
        (Books(retry=19), False),
        (Books(retry=20, pending=10_000, expired=900, not_attempted=50), True),
        (Books(), False),
    ],
)
def test_half_of_what_was_tried_and_twenty_are_most_of_it(books, may):
    assert may_fail(books) is may
    assert (failing(books, (), 100) is not None) is may


def test_the_largest_group_is_named_with_where_it_is_from():
    books = Books(delivered=20, retry=40, failed=20)
    found = failing(books, DOWN, 100, lambda one: f"home of {one.code}")

    assert found == Failing(60, 80, "transient http_503 from home of http_503")
    assert found.said == "60 of 80 fail: transient http_503 from home of http_503"


def test_a_step_is_named_where_there_are_several():
    groups = (group(RETRY, "busy_line", 30, step="text"), *DOWN)
    found = failing(Books(retry=70, failed=20), groups, 100)

    assert found is not None
    assert found.worst == "transient busy_line at step text"


def test_who_is_merely_not_in_does_not_fail():
    groups = (group(RETRY, "no_answer", 50), group(RETRY, "http_503", 30))

    assert failing(Books(delivered=20, retry=80), groups, 100) is None
    few = (group(RETRY, "http_503", 70), group(RETRY, "no_answer", 10))
    assert failing(Books(delivered=20, retry=80), few, 100) == Failing(
        70, 100, "transient http_503"
    )


def test_a_refusal_for_good_fails_whatever_its_code():
    groups = (group(FAILED, "rejected", 40, PERMANENT),)

    assert failing(Books(failed=40), groups, 100) == Failing(
        40, 40, "permanent rejected"
    )


def test_of_very_many_those_looked_at_tell_of_all():
    groups = (group(RETRY, "http_503", 75), group(RETRY, "busy", 25))
    found = failing(Books(retry=4_000), groups, 100)

    assert found == Failing(3_000, 4_000, "transient http_503")


def test_without_any_reason_only_the_figures_are_said():
    found = failing(Books(unknown=30), (), 100)

    assert found is not None
    assert found.said == "30 of 30 fail"
