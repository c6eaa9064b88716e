from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.paper_runs import MINUTE_MS, NOON_MS, a_run, balanced, some_runs

from watchfloor.console.alerts import alerts, fitted
from watchfloor.console.holds import hold_lines, hold_words, unaccounted
from watchfloor.console.keymap import Keymap
from watchfloor.console.live_lines import (
    LIVE_COLUMNS,
    LiveRow,
    ends_about,
    engine_line,
    health_word,
    lately,
    live_at_length,
    shared_lines,
)
from watchfloor.console.pieces import Line, measured
from watchfloor.console.sight import EngineSight
from watchfloor.domain.blocked_by import Blocked, Reason
from watchfloor.domain.failing import Failing
from watchfloor.domain.health import Health
from watchfloor.domain.live import LiveOps, LiveRun
from watchfloor.domain.regions import Intake, Lifecycle, Phase, RunOutcome
from watchfloor.domain.sharing import SharedUse
from watchfloor.domain.shell_words import Address
from watchfloor.domain.views import EngineView, RunView

RUNNING = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
ENGINE = EngineView(
    epoch=7,
    owner="ann",
    pid=4711,
    started_at_ms=NOON_MS - MINUTE_MS,
    heartbeat_at_ms=NOON_MS,
    released=False,
)
KEYS = Keymap()


def run_of(**states: int) -> RunView:
    return a_run(1, "Autumn", RUNNING, balanced(1_000, **states))


def words(lines: list[Line] | tuple[Line, ...]) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in lines)


def ops(*runs: LiveRun, engine: EngineView = ENGINE) -> LiveOps:
    return LiveOps(runs=runs, engine=engine, as_of_ms=NOON_MS)


@pytest.mark.parametrize(
    ("per_s", "said"),
    [
        (0.0, "0/s"),
        (12.04, "12.0/s"),
        (1_234.5, "1,234.5/s"),
        (0.5, "30.0/m"),
        (0.001, "3.6/h"),
    ],
)
def test_a_rate_is_told_in_a_unit_in_which_it_is_something(per_s, said):
    assert lately(per_s) == said


@pytest.mark.parametrize(
    ("done_per_s", "step_min"), [(1.0, 1), (0.1, 10), (0.01, 30), (0.001, 360)]
)
def test_the_further_the_end_the_rounder_it_is_told(done_per_s, step_min):
    live = LiveRun(run=run_of(), health=Health.OK, done_per_s=done_per_s)
    at_ms = ends_about(live, NOON_MS)
    exact_ms = NOON_MS + 1_000 / done_per_s * 1_000
    assert at_ms is not None
    assert at_ms % (step_min * MINUTE_MS) == 0
    assert abs(at_ms - exact_ms) <= step_min * MINUTE_MS / 2


def test_an_end_that_something_puts_off_is_the_earliest_one():
    run = run_of(callback=10)
    live = LiveRun(run=run, health=Health.OK, done_per_s=1.0)
    row = LiveRow(live, ENGINE, NOON_MS)
    [cell] = [column.text(row) for column in LIVE_COLUMNS if column.title == "ENDS"]

    assert cell == "14:18+"
    assert "ends after 14:18" in words(live_at_length(row, NOON_MS, KEYS, 120))
    promised = replace(run, next_callback_at_ms=NOON_MS + 120 * MINUTE_MS)
    at_ms = ends_about(replace(live, run=promised), NOON_MS)
    assert at_ms == (NOON_MS + 120 * MINUTE_MS) // (10 * MINUTE_MS) * 10 * MINUTE_MS


def test_right_after_an_engines_start_no_pace_is_told():
    young = replace(ENGINE, started_at_ms=NOON_MS - 5_000)
    live = LiveRun(run=run_of(), health=Health.OK)
    row = LiveRow(live, young, NOON_MS)
    [cell] = [column.text(row) for column in LIVE_COLUMNS if column.title == "RATE"]

    assert cell == "-"
    assert "pace not known yet" in words(live_at_length(row, NOON_MS, KEYS, 120))
    assert "pace" not in words(live_at_length(row._replace(engine=ENGINE), 0, KEYS, 90))


def test_what_is_taken_up_beyond_the_permits_is_not_called_in_flight():
    run = replace(run_of(attempting=10, delivered=714), permits=5)
    live = LiveRun(
        run=run, health=Health.OK, blocked=(Blocked(Reason.PERMITS_FULL, 276),)
    )
    row = LiveRow(live, ENGINE, NOON_MS)
    [cell] = [
        column.text(row) for column in LIVE_COLUMNS if column.title == "IN FLIGHT"
    ]

    assert cell == "5/5"
    told = words(hold_lines(live, ENGINE, NOON_MS))
    assert "276  = remaining 286 - in flight 5 - taken up 5" in told


def test_no_end_is_told_of_a_run_that_stands_still():
    assert ends_about(LiveRun(run=run_of(), health=Health.OK), NOON_MS) is None


def test_the_worst_word_stands_for_a_runs_health():
    live = LiveRun(run=run_of(), health=Health.OK)
    assert health_word(live) == "ok"
    assert health_word(replace(live, is_late=True)) == "late"
    failing = replace(live, failing=Failing(40, 60, "transient http_503"))
    assert health_word(replace(failing, is_late=True)) == "failing"
    stalled = replace(live, health=Health.STALLED, is_late=True)
    assert health_word(stalled) == "stalled"


def test_alerts_come_one_for_each_run_with_all_that_is_wrong_the_worst_first():
    late = LiveRun(run=run_of(), health=Health.OK, is_late=True, expected_ms=60_000)
    asks = replace(
        late,
        run=replace(run_of(), approve_after=0, campaign_name="Asks"),
        is_late=False,
    )
    stalled = replace(late, health=Health.STALLED, run=run_of(delivered=3))
    fails = replace(late, failing=Failing(40, 60, "transient http_503"))
    found = alerts(ops(asks, fails, late, stalled), KEYS, Address())
    assert [one.word for one in found] == [
        *("STALLED, LATE", "FAILING, LATE", "LATE", "ASKS")
    ]
    assert found[1].said.startswith("40 of 60 fail: transient http_503; 3 tells why")
    assert "A on the jobs screen gives it" in found[3].said
    assert [one.role for one in found] == ["bad", "warn", "warn", "warn"]


def test_without_an_engine_no_run_is_called_blocked_by_that_too():
    silent = replace(ENGINE, heartbeat_at_ms=NOON_MS - MINUTE_MS)
    held = LiveRun(
        run=run_of(),
        health=Health.BLOCKED,
        blocked=(Blocked(Reason.NO_ENGINE, 1_000, "last heartbeat 60 s ago"),),
    )
    assert [one.word for one in alerts(ops(held, engine=silent), KEYS, Address())] == [
        "NO ENGINE"
    ]


def test_alerts_without_a_line_of_their_own_are_named_in_the_last_one():
    runs = [
        LiveRun(run=replace(run, campaign_name=f"Run {i}"), health=Health.STALLED)
        for i, run in enumerate(some_runs()[:4])
    ]
    found = alerts(ops(*runs), KEYS, Address())
    assert len(fitted(found, 4)) == 4
    told = words(fitted(found, 2))
    assert told.startswith(" ! STALLED  Run 0")
    assert told.endswith("and 3 more  STALLED Run 1, STALLED Run 2, STALLED Run 3")
    assert "No run needs anybody" in words(fitted([], 2))


def test_holds_are_told_with_times_that_stand_still():
    run = replace(
        run_of(retry=5, callback=3, attempting=2),
        next_retry_at_ms=NOON_MS + MINUTE_MS,
        next_callback_at_ms=NOON_MS - MINUTE_MS,
        shut_until_ms=NOON_MS + 60 * MINUTE_MS,
    )
    live = LiveRun(
        run=run,
        health=Health.OK,
        blocked=(
            Blocked(Reason.PACE, 980, "20/s, next in 0.1 s"),
            Blocked(Reason.OUTSIDE_WINDOW, 4, "first opens in 1 h 00 min"),
            Blocked(Reason.RETRY_BACKOFF, 5, "next retry in 1 min 00 s"),
            Blocked(Reason.CALLBACK_NOT_DUE, 3, "next callback in 3 s"),
        ),
    )
    told = words(hold_lines(live, ENGINE, NOON_MS))
    assert "20/s at most" in told
    assert "opens 15:02" in told
    assert "next 14:03:11" in told
    assert " in 0.1 s" not in told
    assert "could start now                   6" in told
    assert (
        "together                        998  = remaining 1,000 - in flight 2" in told
    )
    assert hold_words(live) == "pace 980 and 3 other reasons"
    assert hold_words(live, in_short=True) == "pace 980 +3"


def test_a_store_that_takes_nothing_new_is_told_before_all_else():
    ill = replace(ENGINE, fault="the disk is full; make room")
    found = alerts(ops(engine=ill), KEYS, Address())
    assert (found[0].word, found[0].said) == ("STORE FAULT", ill.fault)
    assert "STORE FAULT" in words([engine_line(ill, NOON_MS, 1)])

    sight = EngineSight()
    sight.tell(ill, NOON_MS)
    assert sight.alarm(NOON_MS) == "STORE FAULT"
    sight.tell(ENGINE, NOON_MS)
    assert sight.alarm(NOON_MS) == ""


def test_a_duty_of_the_engine_that_fails_is_told_among_what_needs_somebody():
    ailing = replace(ENGINE, trouble="notices failed by a mistake in Watchfloor itself")
    [first, *_] = alerts(ops(engine=ailing), KEYS, Address())
    assert (first.word, first.said) == ("ENGINE TROUBLE", ailing.trouble)
    assert "alive" in words([engine_line(ailing, NOON_MS, 1)])


def test_an_engine_that_is_gone_is_told_by_its_last_heartbeat():
    live = LiveRun(
        run=run_of(),
        health=Health.BLOCKED,
        blocked=(Blocked(Reason.NO_ENGINE, 1_000, "last heartbeat 60 s ago"),),
    )
    assert "last heartbeat 14:02:11" in words(hold_lines(live, ENGINE, NOON_MS))
    assert "none ever ran here" in words(hold_lines(live, EngineView(), NOON_MS))
    assert "none ever ran here" in words([engine_line(EngineView(), NOON_MS, 1)])
    let_go = replace(ENGINE, released=True)
    assert "let go in good order" in words([engine_line(let_go, NOON_MS, 1)])


def test_records_that_two_reasons_claim_are_an_alarm():
    live = LiveRun(
        run=run_of(),
        health=Health.OK,
        blocked=(Blocked(Reason.PACE, 900), Blocked(Reason.RETRY_BACKOFF, 200)),
    )
    assert unaccounted(live) == -100
    assert "100 records counted twice" in words(hold_lines(live, ENGINE, NOON_MS))


def test_a_run_that_has_ended_is_held_by_nothing():
    over = replace(RUNNING, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)
    run = replace(run_of(delivered=1_000), lifecycle=over)
    live = LiveRun(run=run, health=Health.OK)
    assert "has ended" in words(hold_lines(live, ENGINE, NOON_MS))
    assert hold_words(live) == "-"


def test_holders_without_room_are_counted_and_limits_too():
    use = SharedUse(
        scope="workspace",
        permits=16,
        in_flight=16,
        holders=tuple((f"run-{i:04}", 2) for i in range(8)),
    )
    lines = shared_lines(LiveOps(shared=(use, use, use)), 80, 2)
    assert len(lines) == 2
    assert words(lines[:1]).endswith(", 6 more")
    assert measured(lines[0]) <= 80
    assert "and 2 more shared limits" in words(lines[1:])
    assert "No limit is shared" in words(shared_lines(LiveOps(), 80, 2))


def test_a_limit_on_the_pace_alone_has_no_permits_to_hold():
    use = SharedUse(scope="channel:sms", rate_per_s=5.0, in_flight=3)
    told = words(shared_lines(LiveOps(shared=(use,)), 80, 2))
    assert "channel:sms  3 in flight, 5/s at most" in told


def test_a_run_that_was_not_started_says_when_it_was_accepted():
    run = a_run(4, "Win-back", Lifecycle(intake=Intake.EXTRACTING), balanced(100))
    row = LiveRow(LiveRun(run=run, health=Health.OK), ENGINE, NOON_MS)
    told = words(live_at_length(row, NOON_MS, KEYS, 80))
    assert "accepted 11:14:11, not started yet" in told
    assert live_at_length(None, NOON_MS, KEYS, 80) == []


def test_when_the_first_recipients_own_window_opens_is_told():
    shut = (Blocked(Reason.OUTSIDE_WINDOW, 148, "first opens in 8 h 16 min"),)
    live = LiveRun(
        run=run_of(),
        health=Health.OK,
        blocked=shut,
        opens_at_ms=NOON_MS + 8 * 60 * MINUTE_MS,
    )
    assert "first opens 22:02 UTC" in words(hold_lines(live, ENGINE, NOON_MS))
    unknown = replace(live, opens_at_ms=None)
    assert "a window of their own" in words(hold_lines(unknown, ENGINE, NOON_MS))
