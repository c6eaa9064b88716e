from __future__ import annotations

import pytest
from tests.support.provider import Provider
from tests.support.retries import BUSY, GONE, asked, previewed, retried, sick

from watchfloor.domain.people import People
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Verb
from watchfloor.domain.views import PageKey
from watchfloor.engine.peopling import people_reads
from watchfloor.engine.record_pages import people_page_of

DELIVERED, FAILED = RecordState.DELIVERED, RecordState.FAILED


@pytest.fixture
def provider():
    with Provider() as serving:
        yield serving


def people_of(floor, run_id) -> People:
    reads = people_reads(run_id)
    question = next(reads)
    while True:
        told = floor.read(question)
        try:
            question = reads.send(told)
        except StopIteration as ended:
            found: People = ended.value
            return found


def listed(floor, run_ids, state=None) -> list[tuple[str, int]]:
    wanted = PageKey(state=state, size=1_000)
    return [
        (run_id, one.seq)
        for run_id in run_ids
        for one in floor.read(
            lambda c, run_id=run_id: people_page_of(c, run_id, wanted)
        ).records
    ]


def test_each_person_counts_once_where_their_newest_record_stands(floor, provider):
    run_id = sick(floor, provider, 20, gone=3)
    provider.replies = {f"c{n:05}": [BUSY] for n in (5, 6)}
    child = retried(floor, run_id, canary=False)
    floor.carried_out()
    provider.replies = {"c00005": [BUSY]}
    grandchild = retried(floor, child, canary=False)
    floor.carried_out()
    family = (run_id, child, grandchild)

    for one in family:
        people = people_of(floor, one)
        assert people.counts == {DELIVERED: 16, FAILED: 4}
        assert (people.expected, people.reached, people.not_reached) == (20, 16, 4)
        assert people.imbalance == ""
    left = listed(floor, family)
    assert len(left) == 4
    assert [run for run, _ in left] == [run_id] * 3 + [grandchild]
    assert len(listed(floor, family, DELIVERED)) == 16


def test_whom_a_retry_did_not_come_to_stands_where_they_stood(floor, provider):
    run_id = sick(floor, provider, 20)
    provider.otherwise = GONE
    child = retried(floor, run_id)
    floor.carried_out()
    # The canary stopped it after fifteen: five were never come to.
    floor.ordered(Verb.STOP, child)
    floor.carried_out()

    people = people_of(floor, run_id)
    assert people.counts == {FAILED: 20}
    assert people.imbalance == ""
    assert len(listed(floor, (run_id,))) == 5
    assert len(listed(floor, (child,))) == 15


def test_a_cohort_is_counted_slice_by_slice(floor, provider, monkeypatch):
    monkeypatch.setattr("watchfloor.store.reads.people.older_slice.__defaults__", (3,))
    run_id = sick(floor, provider, 10)
    retried(floor, run_id, canary=False)
    floor.carried_out()

    people = people_of(floor, run_id)
    assert people.counts == {DELIVERED: 10}


def test_while_a_retry_is_on_its_way_the_counts_say_so(floor, provider):
    run_id = sick(floor, provider, 4)
    answer = asked(floor, previewed(floor, run_id))
    people = people_of(floor, run_id)

    assert answer.state == "settled"
    assert people.is_moving
    assert people.counts == {FAILED: 4}


def test_books_of_people_that_do_not_add_up_say_so():
    wrong = People(counts={DELIVERED: 3, FAILED: -1}, expected=2)
    short = People(counts={DELIVERED: 1}, expected=2)

    assert "2 people, and 2 by where they stand" in wrong.imbalance
    assert "2 people, and 1 by where they stand" in short.imbalance
    assert short.line == "2 people = 1 delivered"
