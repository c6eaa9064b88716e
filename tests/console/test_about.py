from __future__ import annotations

from dataclasses import replace

from tests.console.paper_desk import (
    NOON_MS,
    OWN_PID,
    HandClock,
    PaperDesk,
    campaign_runs,
    some_runs,
)

from watchfloor.console.about import HEIGHT, about
from watchfloor.console.details import details
from watchfloor.console.labels import list_label, outside_window
from watchfloor.console.lines import cards, engine_line, header
from watchfloor.console.pieces import measured
from watchfloor.console.session import Session
from watchfloor.domain.books import Books
from watchfloor.domain.regions import Gate
from watchfloor.domain.views import EngineView, Overview


def text(line) -> str:
    return "".join(piece.text for piece in line)


def session(own_pid: int = OWN_PID) -> Session:
    return Session(
        desk=PaperDesk(),
        workspace_name="prod-eu",
        operator="ann",
        clock=HandClock(),
        own_pid=own_pid,
    )


def test_the_books_of_a_run_stand_in_two_sums():
    lines = [text(line).strip() for line in about(some_runs()[0], 200, NOON_MS)]

    assert lines[1] == (
        "extracted 1,014,000 = 10,000 invalid + 4,000 duplicate + 1,000,000 records"
    )
    assert lines[2] == (
        "records 1,000,000 = 579,996 pending + 8 attempting + 4 callback + "
        "419,975 delivered + 17 failed"
    )


def test_a_sum_that_is_too_long_goes_on_in_the_next_line():
    lines = about(some_runs()[0], 80, NOON_MS)

    assert len(lines) == HEIGHT
    assert all(measured(line) <= 80 for line in lines)
    assert text(lines[3]).strip().endswith("+ 17 failed")


def test_books_that_do_not_add_up_say_so_and_nothing_else():
    run = replace(some_runs()[0], books=Books(extracted=10, records=9, pending=9))

    lines = about(run, 120, NOON_MS)

    assert "BOOKS DO NOT ADD UP: 10 rows extracted, 9 accounted for" in text(lines[1])
    assert {piece.role for piece in lines[1]} >= {"alarm"}
    assert "books --audit" in text(lines[2])
    assert any("DO NOT ADD UP" in text(line) for line in details(run, NOON_MS))


def test_an_intake_shows_how_far_it_has_read():
    run = some_runs()[3]

    assert "extracting 42%, 19.2 MiB of 45.8 MiB" in text(about(run, 120, NOON_MS)[0])


def test_what_settles_shows_what_is_in_flight_and_who_asked():
    pausing = text(about(some_runs()[1], 160, NOON_MS)[0])

    assert "pausing, 3 in flight" in pausing
    assert "by ann@desk-3 14:01:11: wrong greeting" in pausing


def test_the_owner_of_the_workspace_is_named():
    alive = EngineView(
        pid=OWN_PID, host="desk-3", heartbeat_at_ms=NOON_MS, released=False
    )
    silent = replace(alive, heartbeat_at_ms=NOON_MS - 60_000)

    def said(engine, own_pid=OWN_PID) -> str:
        return text(engine_line(session(own_pid), engine, "", 120)).strip()

    assert said(alive).startswith(f"engine: this process, pid {OWN_PID}")
    assert said(alive, own_pid=1).startswith(f"engine: pid {OWN_PID} on desk-3")
    assert said(EngineView()).startswith(
        "NO ENGINE — runs wait; start: watchfloor engine"
    )
    assert said(silent).startswith("NO ENGINE since 14:01:11 (pid 4711)")


def test_the_header_says_the_age_of_the_page_in_every_width():
    overview = Overview(engine=EngineView(changes=10), as_of_ms=NOON_MS)
    engine = EngineView(changes=224)
    for width in (60, 80, 120, 200):
        line = header(session(), overview, engine, width)
        assert measured(line) <= width
        assert "prod-eu" in text(line)
        assert "14:02:11" in text(line)
        assert "214" in text(line)


def test_the_cards_count_over_all_runs():
    said = text(cards(Overview(runs=tuple(some_runs())), 80))

    assert " ".join(said.split()) == (
        "active 5 queued 1 FAILED 122 callbacks 8 unknown 2 in flight 17"
    )
    assert "failed 0" in text(cards(None, 80))


def test_what_keeps_a_run_from_moving_stands_in_its_line():
    asks, shut, outside, _, archived, _ = campaign_runs()

    def said(run) -> str:
        return text(about(run, 120, NOON_MS)[0])

    assert "waits for your word: A" in said(asks)
    assert "window closed, opens at 09:00" in said(shut)
    assert "420 outside window" in said(outside)
    both = replace(outside, shut_until_ms=shut.shut_until_ms)
    assert "420 outside window, first opens at 09:00" in said(both)
    assert "creating history 43 %" in said(archived)
    assert measured(about(archived, 80, NOON_MS)[0]) <= 80


def test_a_list_says_what_to_do_or_when_it_goes_on():
    asks, shut, outside, *_ = campaign_runs()
    paused = replace(asks, lifecycle=replace(asks.lifecycle, gate=Gate.PAUSED))

    assert list_label(asks, NOON_MS) == "waits for your word: A"
    assert list_label(shut, NOON_MS) == "Running, opens 09:00"
    assert list_label(outside, NOON_MS) == "Running"
    assert list_label(paused, NOON_MS) == "Waiting (external) + paused"


def test_an_ended_run_says_nothing_of_windows():
    ended = campaign_runs()[5]
    stale = replace(ended, held=3, shut_until_ms=NOON_MS + 1)

    assert outside_window(stale, NOON_MS) == ""
    assert list_label(stale, NOON_MS) == "Completed"


def test_the_approval_of_a_run_stands_in_its_details():
    asks = campaign_runs()[0]
    early = replace(asks, books=replace(asks.books, attempts=3))
    given = replace(asks, approved_at_ms=NOON_MS)

    def said(run) -> str:
        return "\n".join(text(line) for line in details(run, NOON_MS))

    assert "waits for your word: A" in said(asks)
    assert "asked for after 20 attempts" in said(early)
    assert "given 2026-11-22 14:02:11 UTC" in said(given)
    assert "approval" not in said(some_runs()[0])


def test_results_are_told_only_where_they_were_read():
    ended = campaign_runs()[4]

    def said(results) -> str:
        return "\n".join(text(line) for line in details(ended, NOON_MS, results))

    assert "results" not in said(None)
    assert "nothing was reported yet" in said({})


def test_cards_that_do_not_fit_are_left_out_whole_and_the_word_stands_first():
    line = cards(Overview(runs=tuple(campaign_runs())), 60)

    assert measured(line) <= 60
    assert text(line).startswith(" your word 1   active 4")
    assert "callbacks" not in text(line) or "callbacks 45" in text(line)
