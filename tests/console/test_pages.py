from __future__ import annotations

from collections.abc import Sequence

from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import some_runs

from watchfloor.console.pages import (
    FAULTS,
    FIRST,
    LAST,
    Filter,
    Place,
    anchored,
    beginning,
    looked_at,
    page,
    turned,
)
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import PageKey, RecordPage, RecordView

RUN = "run-0001"
STATES = (RecordState.FAILED, RecordState.DELIVERED)


class TwoStates(PaperDesk):
    """Failed records come at once; a search for the others stops after a while."""

    failed: Sequence[int] = range(10, 5_000, 10)
    delivered: Sequence[int] = range(3_001, 4_000, 100)
    most = 2_600

    async def records(self, run_id: str, key: PageKey) -> RecordPage:
        assert run_id == RUN
        if key.state is RecordState.FAILED:
            return self._part(self.failed, key, None)
        return self._part(self.delivered, key, self.most)

    def _part(self, seqs: Sequence[int], key: PageKey, most: int | None) -> RecordPage:
        backwards, end = key.before is not None, 5_000
        first = 1 if key.after is None else key.after + 1
        last = key.before - 1 if key.before else end
        if most is not None and last - first >= most:
            first, last = (
                (last - most + 1, last) if backwards else (first, first + most - 1)
            )
            stopped = first if backwards else last
        else:
            stopped = None
        found = [seq for seq in seqs if first <= seq <= last]
        shown = found[-key.size :] if backwards else found[: key.size]
        more = len(found) > key.size
        stopped = None if more else stopped
        is_cut = more or stopped is not None
        return RecordPage(
            records=tuple(
                RecordView(seq=seq, contact="", state=key.state or STATES[0])
                for seq in shown
            ),
            has_before=is_cut if backwards else key.after is not None,
            has_after=key.before != 0 if backwards else is_cut,
            searched_to=stopped,
        )


def seqs(shown) -> list[int]:
    return [record.seq for record in shown.records]


async def test_pages_of_one_filter_follow_each_other():
    desk = PaperDesk()
    first = await page(desk, RUN, FIRST, Filter(), 5)
    place = turned(first, FIRST, 1)
    assert place is not None

    second = await page(desk, RUN, place, Filter(), 5)

    assert seqs(first) + seqs(second) == list(range(1, 11))
    assert turned(second, place, -1) == Place(before=6)
    assert turned(first, FIRST, -1) is None


async def test_faults_are_both_failed_and_unknown_in_one_order():
    desk = PaperDesk(total=200)
    everything = await page(desk, RUN, FIRST, Filter(), 200)
    faults = [r.seq for r in everything.records if r.state in FAULTS]

    found: list[int] = []
    place: Place | None = FIRST
    while place is not None:
        shown = await page(desk, RUN, place, Filter(FAULTS), 3)
        found += seqs(shown)
        place = turned(shown, place, 1)

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
        place = turned(shown, place, -1)

    assert found == faults


async def test_a_full_page_of_one_state_ends_before_where_the_others_search_stopped():
    desk = TwoStates()
    wanted = sorted([*desk.failed, *desk.delivered])
    first = await page(desk, RUN, FIRST, Filter(STATES), 40)

    assert first.searched_to is None
    assert turned(first, FIRST, 1) == Place(after=400)
    found: list[int] = []
    place: Place | None = FIRST
    while place is not None:
        shown = await page(desk, RUN, place, Filter(STATES), 40)
        found += seqs(shown)
        place = turned(shown, place, 1)
    assert found == wanted


async def test_no_record_of_two_states_is_skipped_on_the_way_back_either():
    desk = TwoStates()
    desk.delivered = range(901, 1_000, 10)
    found: list[int] = []
    place: Place | None = LAST
    while place is not None:
        shown = await page(desk, RUN, place, Filter(STATES), 40)
        found = seqs(shown) + found
        place = turned(shown, place, -1)

    assert found == sorted([*desk.failed, *desk.delivered])


async def test_a_page_read_again_stays_where_it_is():
    desk = PaperDesk(total=100)
    last = await page(desk, RUN, LAST, Filter(), 10)

    again = await page(desk, RUN, anchored(last, LAST), Filter(), 10)

    assert seqs(again) == seqs(last) == list(range(91, 101))
    assert anchored(await page(desk, RUN, FIRST, Filter(), 10), FIRST) == FIRST


async def test_a_list_with_its_last_records_first_is_turned_backwards():
    desk = PaperDesk(total=95)
    place = beginning(down=True)
    shown = await page(desk, RUN, place, Filter(), 40)
    found = seqs(shown)[::-1]
    while (onwards := turned(shown, place, 1, down=True)) is not None:
        place = onwards
        shown = await page(desk, RUN, place, Filter(), 40)
        found += seqs(shown)[::-1]

    assert found == list(range(95, 0, -1))
    back = turned(shown, place, -1, down=True)
    assert back is not None
    assert seqs(await page(desk, RUN, back, Filter(), 40)) == list(range(16, 56))
    assert turned(shown, place, -2, down=True) == LAST
    assert turned(shown, place, 2, down=True) == FIRST


async def test_a_page_of_the_last_ones_first_stays_where_it_is():
    desk = PaperDesk(total=100)
    first = await page(desk, RUN, LAST, Filter(), 10)
    second_place = turned(first, LAST, 1, down=True)
    assert second_place is not None
    second = await page(desk, RUN, second_place, Filter(), 10)

    assert anchored(first, LAST, down=True) == LAST
    stays = anchored(second, second_place, down=True)
    assert seqs(await page(desk, RUN, stays, Filter(), 10)) == list(range(81, 91))


async def test_a_search_goes_on_where_it_stopped_and_back_where_it_began():
    desk = PaperDesk(total=200, search_most=50)
    chosen, place = Filter(text="nobody"), FIRST
    shown = await page(desk, RUN, place, chosen, 10)
    parts = [looked_at(shown, place, 200)]
    while (onwards := turned(shown, place, 1)) is not None:
        place = onwards
        shown = await page(desk, RUN, place, chosen, 10)
        parts.append(looked_at(shown, place, 200))

    assert parts[:4] == [(1, 50), (51, 100), (101, 150), (151, 200)]
    assert anchored(shown, place) == place
    assert place.after is not None
    assert turned(shown, place, -1) == Place(before=place.after + 1)


async def test_a_search_says_what_it_looked_at_in_both_directions():
    desk = PaperDesk(total=200, search_most=50)
    busy = Filter(text="BUSY")

    forward = await page(desk, RUN, Place(after=20), busy, 1)
    backward = await page(desk, RUN, LAST, busy, 40)

    assert seqs(forward) == [33]
    assert looked_at(forward, Place(after=20), 200) == (21, 33)
    assert looked_at(backward, LAST, 200) == (151, 200)
    assert seqs(backward) == [153, 173, 193]


def test_a_filter_is_named_and_counted_by_what_it_asks():
    books = some_runs()[0].books
    chosen = Filter(states=FAULTS, where="attempts > 1", text="Ann")

    assert chosen.words == 'failed or unknown and attempts > 1 and "Ann"'
    assert chosen.is_search
    assert chosen.count(books) == 17
    assert not Filter(FAULTS).is_search
    assert Filter().count(books) == 1_000_000
