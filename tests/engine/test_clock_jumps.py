"""Clocks that are put forward and back, stand still, and change for the summer."""

from __future__ import annotations

import pytest
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.errors import OwnedError
from watchfloor.domain.pacing import Bucket
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Phase

HOUR_S = 3_600.0
JUMPS = pytest.mark.parametrize(
    "ahead_s", [8 * HOUR_S, -8 * HOUR_S], ids=["forward", "back"]
)


@JUMPS
@pytest.mark.parametrize("paced", ["run", "channel"])
def test_a_wall_clock_that_jumps_lets_nothing_start_before_its_time(
    floor, provider, ahead_s, paced
):
    """While the monotonic clock stands so does the pace, whatever the wall shows."""
    if paced == "channel":
        floor.configure('[channels.webhook]\nrate = "40/s"')
    rate = "40/s" if paced == "run" else ""
    run_id = floor.launched(webhook(provider.url, permits=10, rate=rate), ids(40))
    with floor.engine():
        until(lambda: len(provider.arrivals) > 3)
        floor.clock.stand()
        # What was on its way arrives, and what was saved up for a burst is used.
        floor.rounds(run_id)
        until(lambda: floor.books(run_id).delivered == len(provider.arrivals))
        begun = len(provider.arrivals)
        for _ in range(2):
            floor.clock.jump(ahead_s)
            floor.rounds(run_id)
        assert len(provider.arrivals) <= begun + 1 < 40

        floor.clock.go_on()
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(40)
    assert floor.assert_books_hold(run_id).delivered == 40


@JUMPS
@pytest.mark.parametrize("delivery", ["idempotent", "at_most_once"])
def test_what_is_in_flight_when_the_wall_clock_jumps_is_neither_cut_nor_sent_again(
    floor, provider, ahead_s, delivery
):
    provider.hold()
    told = f'delivery = "{delivery}"\ntimeout = "600s"'
    run_id = floor.launched(webhook(provider.url, told, permits=3), ids(9))
    with floor.engine():
        until(lambda: provider.at_once == 3)
        floor.clock.jump(ahead_s)
        # With each beat the engine looks for what is overdue.
        until(lambda: floor.pulse().is_alive(floor.clock.now_ms()), "a heartbeat")
        floor.rounds(run_id)
        assert (len(provider.arrivals), provider.at_once) == (3, 3)
        provider.let_go()
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(9)
    assert floor.assert_books_hold(run_id).delivered == 9


@JUMPS
def test_an_engine_whose_clock_jumps_still_owns_the_workspace(floor, ahead_s):
    with floor.engine():
        epoch = floor.pulse().epoch
        floor.clock.jump(ahead_s)
        until(lambda: floor.pulse().is_alive(floor.clock.now_ms()), "a heartbeat")
        with pytest.raises(OwnedError), floor.engine(name="another"):
            pass
        assert floor.pulse().epoch == epoch


def test_retries_that_a_jump_makes_due_at_once_keep_to_permits_and_pace(
    floor, provider
):
    wait = Reply(status=503, headers={"Retry-After": "3600"})
    provider.replies = {one: [wait, Reply(after_s=0.01)] for one in ids(40)}
    retry = 'backoff = "1ms"\nmax_backoff = "2h"'
    told = webhook(
        provider.url,
        retry=retry,
        permits=4,
        rate="200/s",
        retry_share=1.0,
        rest="[guard]\nbreaker_after = 0",
    )
    run_id = floor.launched(told, ids(40))
    with floor.engine():
        until(lambda: floor.books(run_id).retry == 40)
        floor.clock.jump(-8 * HOUR_S)
        floor.rounds(run_id)
        assert len(provider.arrivals) == 40

        floor.clock.stand()
        floor.clock.jump(16 * HOUR_S)
        floor.rounds(run_id)
        assert len(provider.arrivals) <= 40 + 1 + Bucket(200.0, 0.0, 0.0).burst
        floor.clock.go_on()
        floor.until_ended(run_id)

    assert provider.most_at_once <= 4
    assert {provider.contacts.count(one) for one in ids(40)} == {2}
    assert floor.assert_books_hold(run_id).delivered == 40


def test_a_callback_is_made_once_though_its_time_comes_twice(floor, provider):
    due = "2030-06-01T09:00:00+00:00"
    later = Reply(body={"outcome": "callback", "due_at": due})
    provider.replies["c00001"] = [later, Reply()]
    provider.replies["c00002"] = [later, later, Reply()]
    floor.clock.move_to("2030-06-01T08:00:00+00:00")
    run_id = floor.launched(webhook(provider.url), ids(2))
    with floor.engine():
        floor.until_phase(run_id, Phase.CALLBACK)
        floor.clock.jump(-3 * HOUR_S)
        floor.rounds(run_id)
        assert len(provider.arrivals) == 2
        floor.clock.jump(4.1 * HOUR_S)
        until(lambda: floor.books(run_id).delivered == 1)
        until(lambda: len(provider.arrivals) >= 5)
        floor.until_ended(run_id)

    # Who asks for a moment that has just gone by is promised the next one.
    assert sorted(provider.contacts) == ["c00001"] * 2 + ["c00002"] * 3
    assert floor.assert_books_hold(run_id).delivered == 2


def zone_of_new_york(opens: str, closes: str, *, by_recipient: bool) -> str:
    zone = "recipient" if by_recipient else "America/New_York"
    return f'[window]\nzone = "{zone}"\nopen = "{opens}"\nclose = "{closes}"'


#: In New York the clock goes from 02:00 to 03:00 at 07:00 UTC on 2030-03-10, and from
#: 02:00 to 01:00 at 06:00 UTC on 2030-11-03. Open, closed, open again, in UTC.
CHANGES = [
    # An hour that is left out: the window opens at the change.
    (
        ("02:30", "09:00"),
        [
            ("2030-03-10T06:59:00", False),
            ("2030-03-10T07:00:01", True),
            ("2030-03-10T13:00:00", False),
            ("2030-03-11T06:31:00", True),
        ],
    ),
    # An hour that comes twice: put back, the clock stands before 01:30 once more.
    (
        ("01:30", "03:00"),
        [
            ("2030-11-03T05:29:00", False),
            ("2030-11-03T05:31:00", True),
            ("2030-11-03T06:01:00", False),
            ("2030-11-03T06:31:00", True),
        ],
    ),
    # A window that ends within it does not open again.
    (
        ("00:30", "01:30"),
        [
            ("2030-11-03T04:31:00", True),
            ("2030-11-03T05:31:00", False),
            ("2030-11-03T06:15:00", False),
            ("2030-11-04T05:31:00", True),
        ],
    ),
]


@pytest.mark.parametrize(("hours", "moments"), CHANGES, ids=["gap", "fold", "once"])
@pytest.mark.parametrize("by_recipient", [False, True], ids=["fixed", "own"])
def test_when_the_clocks_change_windows_open_as_they_say_and_nobody_is_sent_to_twice(
    floor, provider, hours, moments, by_recipient
):
    upload = floor.root / "zones.csv"
    rows = "".join(f"{one},name of {one},America/New_York\n" for one in ids(40))
    upload.write_text(f"id,first_name,zone\n{rows}", encoding="utf-8")
    told = webhook(
        provider.url,
        'timeout = "600s"',
        permits=4,
        audience='zone_column = "zone"',
        rest=zone_of_new_york(*hours, by_recipient=by_recipient),
    )
    floor.clock.move_to(f"{moments[0][0]}+00:00")
    run_id = floor.launched(told, upload)
    provider.hold()
    with floor.engine():
        for moment, is_open in moments:
            before = len(provider.arrivals)
            floor.clock.move_to(f"{moment}+00:00")
            floor.clock.jump(0)
            if is_open:
                # Four go; what is ready beside them waits until it is shut again.
                until(lambda: provider.at_once == 4, f"an open window at {moment}")
                assert len(provider.arrivals) == before + 4
            else:
                provider.let_go()
                until(lambda: floor.books(run_id).attempting == 0, "nothing in flight")
                floor.rounds(run_id)
                assert len(provider.arrivals) == before
                provider.hold()
        provider.let_go()
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(40)
    assert floor.assert_books_hold(run_id).delivered == 40


def test_a_callback_of_an_hour_that_comes_twice_is_made_in_the_one_that_was_meant(
    floor, provider
):
    for contact, offset in (("c00001", "-04:00"), ("c00002", "-05:00")):
        due = f"2030-11-03T01:45:00{offset}"
        later = Reply(body={"outcome": "callback", "due_at": due})
        provider.replies[contact] = [later, Reply()]
    floor.clock.move_to("2030-11-03T05:00:00+00:00")
    rest = zone_of_new_york("00:00", "12:00", by_recipient=False)
    run_id = floor.launched(webhook(provider.url, rest=rest), ids(2))
    with floor.engine():
        floor.until_phase(run_id, Phase.CALLBACK)
        floor.clock.move_to("2030-11-03T05:46:00+00:00")
        until(lambda: len(provider.arrivals) == 3)
        floor.clock.move_to("2030-11-03T06:30:00+00:00")
        floor.clock.jump(0)
        floor.rounds(run_id)
        assert provider.contacts[2:] == ["c00001"]
        assert len(floor.records(run_id, RecordState.CALLBACK)) == 1
        floor.clock.move_to("2030-11-03T06:46:00+00:00")
        floor.until_ended(run_id)

    assert provider.contacts[2:] == ["c00001", "c00002"]
