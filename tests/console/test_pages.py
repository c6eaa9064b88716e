from __future__ import annotations

from tests.console.paper_desk import PaperDesk

from watchfloor.console.pages import (
    FAULTS,
    FIRST,
    LAST,
    Filter,
    Place,
    anchored,
    page,
    turned,
)

RUN = "run-0001"


def seqs(shown) -> list[int]:
    return [record.seq for record in shown.records]


async def test_pages_of_one_filter_follow_each_other():
    desk = PaperDesk()
    first = await page(desk, RUN, FIRST, Filter(), 5)
    place = turned(first, 1)
    assert place is not None

    second = await page(desk, RUN, place, Filter(), 5)

    assert seqs(first) + seqs(second) == list(range(1, 11))
    assert turned(second, -1) == Place(before=6)
    assert turned(first, -1) is None


async def test_faults_are_both_failed_and_unknown_in_one_order():
    desk = PaperDesk(total=200)
    everything = await page(desk, RUN, FIRST, Filter(), 200)
    faults = [r.seq for r in everything.records if r.state in FAULTS]

    found: list[int] = []
    place: Place | None = FIRST
    while place is not None:
        shown = await page(desk, RUN, place, Filter(FAULTS), 3)
        found += seqs(shown)
        place = turned(shown, 1)

    assert found == faults


async def test_the_last_page_of_faults_is_read_backwards_without_a_gap():
    desk = PaperDesk(total=200)
    everything = await page(desk, RUN, FIRST, Filter(), 200)
    faults = [r.seq for r in everything.records if r.state in FAULTS]

    found: list[int] = []
    place: Place | None = LAST
    while place is not None:
        shown = await page(desk, RUN, place, Filter(FAULTS), 3)
        found = seqs(shown) + found
        place = turned(shown, -1)

    assert found == faults


async def test_a_page_read_again_stays_where_it_is():
    desk = PaperDesk(total=100)
    last = await page(desk, RUN, LAST, Filter(), 10)

    again = await page(desk, RUN, anchored(last), Filter(), 10)

    assert seqs(again) == seqs(last) == list(range(91, 101))
    assert anchored(await page(desk, RUN, FIRST, Filter(), 10)) == FIRST
