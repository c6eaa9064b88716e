from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from watchfloor.domain.draining import Drain
from watchfloor.domain.handover import (
    ENDED,
    STARTED,
    AlertTold,
    Coming,
    EngineTold,
    Handover,
    RunTold,
    engine_told,
    news,
    note_lines,
)
from watchfloor.domain.progress import Gain
from watchfloor.domain.views import EngineView, EventView

AUCKLAND = ZoneInfo("Pacific/Auckland")
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
NOW_MS = int(datetime(2026, 11, 28, 14, 0, tzinfo=UTC).timestamp() * 1000)
OWNER = EngineView(
    epoch=3,
    owner="engine of ann",
    pid=7,
    host="desk-3",
    started_at_ms=NOW_MS - HOUR_MS,
    heartbeat_at_ms=NOW_MS,
    released=False,
)


WHO = "engine of ann, pid 7 on desk-3"


def entry(event, number=1, **values):
    return EventView(entry_id=number, at_ms=NOW_MS - MINUTE_MS, run_id="", event=event)


def note(**values):
    given = {
        "workspace_id": "front-desk",
        "workspace_name": "Front desk",
        "zone": "UTC",
        "since_ms": NOW_MS - 8 * HOUR_MS,
        "until_ms": NOW_MS,
        "engine": EngineTold(OWNER, is_alive=True, starts=1, crashes=0),
    }
    return Handover(**{**given, **values})


@pytest.mark.parametrize(
    ("words", "starts", "crashes"),
    [
        ((), 0, 0),
        ((STARTED,), 1, 0),
        ((STARTED, STARTED), 2, 1),
        ((STARTED, ENDED, STARTED), 2, 0),
        ((ENDED, STARTED, STARTED, ENDED, STARTED), 3, 1),
        ((STARTED, "limits changed", STARTED), 2, 1),
    ],
)
def test_a_start_after_a_start_without_an_end_was_a_crash(words, starts, crashes):
    told = engine_told(OWNER, [entry(one) for one in words], is_alive=True)

    assert (told.starts, told.crashes) == (starts, crashes)


def test_news_is_what_changed_and_not_that_it_was_asked_for_or_how_it_was_done():
    words = (
        "launch",
        "pause requested",
        "pause",
        "pause_settled",
        "extracted",
        "alert raised",
        STARTED,
        "limits changed",
        "all_done",
    )

    told = [one.event for one in news(entry(word) for word in words)]

    assert told == ["launch", "pause", "limits changed", "all_done"]


def test_one_attempt_is_one():
    gained = Gain(delivered=1, attempts=1)
    told = note_lines(note(runs=(RunTold("r-1", "Autumn", "done", gained),)), UTC)

    assert told[3] == "Done: 1 delivered, 0 failed, 0 unknown, by 1 attempt"


def test_a_note_of_nothing_says_so_in_every_section():
    assert note_lines(note(), UTC) == (
        "Handover: Front desk (front-desk)",
        "Period: 2026-11-28 06:00 UTC to 2026-11-28 14:00 UTC",
        f"Engine: {WHO}, up since 13:00 UTC; 1 start in the period",
        "Done: 0 delivered, 0 failed, 0 unknown, by 0 attempts",
        "",
        "Runs: none was live or ended",
        "",
        "What changed: nothing",
        "",
        "Alerts: none stood",
        "",
        "Waits for somebody: nothing",
        "",
        "What comes: nothing is known",
        "",
        "Open questions: none",
    )


def test_a_whole_note_tells_everything_in_its_place():
    runs = (
        RunTold("r-1", "Autumn", "62 % done", Gain(120, 110, 100, 9, 1)),
        RunTold("r-2", "Winter", "not started", Gain()),
        RunTold("r-3", "Spring", "Completed", Gain(30, 30, 30)),
    )
    changes = (
        EventView(
            entry_id=1,
            at_ms=NOW_MS - 26 * HOUR_MS,
            run_id="r-1",
            event="admitted",
            before="Queued",
            after="Running",
            detail="launch id L-1",
        ),
        EventView(
            entry_id=2,
            at_ms=NOW_MS - MINUTE_MS,
            run_id="",
            event="limits changed",
            by="nora",
            why="slower",
            detail="workspace: 5 permits",
        ),
    )
    told = note_lines(
        note(
            runs=runs,
            more_runs=4,
            changes=changes,
            more_changes=12,
            alerts=(
                AlertTold(NOW_MS - HOUR_MS, None, "slow: Autumn"),
                AlertTold(NOW_MS - HOUR_MS, NOW_MS - MINUTE_MS, "stalled: Winter"),
            ),
            waits=("Winter waits for approval",),
            coming=(
                Coming(NOW_MS + HOUR_MS, "the window opens"),
                Coming(NOW_MS + 11 * HOUR_MS, "it ends", about=True),
            ),
            questions=("Why is Autumn slow?",),
        ),
        UTC,
    )

    assert told[3:] == (
        "Done: 130 delivered, 9 failed, 1 unknown, by 150 attempts",
        "",
        "Runs:",
        "- Autumn (r-1): 62 % done",
        "  in the period: 100 delivered, 9 failed, 1 unknown, by 120 attempts",
        "- Winter (r-2): not started",
        "- Spring (r-3): Completed",
        "  in the period: 30 delivered, 0 failed, 0 unknown, by 30 attempts",
        "- and 4 more: watchfloor runs",
        "",
        "What changed:",
        "- 12 earlier ones: watchfloor events RUN",
        "- 11-27 12:00 UTC Autumn: started -> Running: launch id L-1",
        "- 13:59 UTC limits changed by nora: slower; workspace: 5 permits",
        "",
        "Alerts:",
        "- slow: Autumn, since 13:00 UTC, stands",
        "- stalled: Winter, since 13:00 UTC, over since 13:59 UTC",
        "",
        "Waits for somebody:",
        "- Winter waits for approval",
        "",
        "What comes:",
        "- 15:00 UTC the window opens",
        "- about 11-29 01:00 UTC it ends",
        "",
        "Open questions:",
        "- Why is Autumn slow?",
    )


def test_times_are_told_in_the_workspaces_zone_too_with_its_own_day():
    told = note_lines(
        note(zone="Pacific/Auckland", coming=(Coming(NOW_MS, "x"),)), AUCKLAND
    )

    assert told[1] == (
        "Period: 2026-11-28 06:00 UTC (19:00 Pacific/Auckland) to 2026-11-28 14:00 UTC "
        "(11-29 03:00 Pacific/Auckland)"
    )
    assert "- 14:00 UTC (11-29 03:00) x" in told


def test_whoever_comes_on_shift_is_told_of_an_engine_that_drains():
    drain = Drain(NOW_MS - MINUTE_MS, NOW_MS + MINUTE_MS, 3)
    ends = EngineTold(replace(OWNER, drain=drain), is_alive=True, starts=1, crashes=0)

    assert note_lines(note(engine=ends), UTC)[2] == (
        f"Engine: {WHO}, up since 13:00 UTC, and drains: it ends; 1 start in the period"
    )


def test_an_engine_that_is_gone_is_the_first_thing_that_is_seen():
    gone = EngineTold(OWNER, is_alive=False, starts=2, crashes=1)

    assert note_lines(note(engine=gone), UTC)[2] == (
        "Engine: NONE RUNS; the last owner was engine of ann, pid 7 on desk-3, until "
        "14:00 UTC; 2 starts in the period, 1 after it died"
    )
    hanging = EngineTold(
        replace(OWNER, hangs=True), is_alive=False, starts=1, crashes=0
    )
    assert note_lines(note(engine=hanging), UTC)[2] == (
        f"Engine: HANGS since 14:00 UTC: {WHO}, and its process lives; "
        "1 start in the period"
    )
    silent = EngineTold(
        replace(OWNER, is_unseen=True), is_alive=False, starts=1, crashes=0
    )
    assert note_lines(note(engine=silent), UTC)[2] == (
        f"Engine: DOES NOT ANSWER since 14:00 UTC: {WHO}; whether its process lives "
        "cannot be told: its lock cannot be read from this account; "
        "1 start in the period"
    )
    never = EngineTold(EngineView(), is_alive=False, starts=0, crashes=0)
    assert note_lines(note(engine=never), UTC)[2] == "Engine: none ever ran here"
