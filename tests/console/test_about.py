from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import (
    MINUTE_MS,
    NOON_MS,
    OWN_PID,
    HandClock,
    campaign_runs,
    some_runs,
)

from watchfloor.console.about import HEIGHT, about, heading
from watchfloor.console.columns import RUN_COLUMNS, RunRow
from watchfloor.console.details import details
from watchfloor.console.labels import list_label, outside_window, run_label
from watchfloor.console.lines import cards, engine_lines, header, too_small
from watchfloor.console.pieces import measured
from watchfloor.console.session import Session
from watchfloor.domain.books import REJECT_KEYS, STATE_KEYS, Books
from watchfloor.domain.labels import Dialect
from watchfloor.domain.live import Cards
from watchfloor.domain.regions import Gate
from watchfloor.domain.views import Asked, EngineView, Overview


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
    lines = [text(line).strip() for line in about(RunRow(some_runs()[0], NOON_MS), 200)]

    assert lines[1] == (
        "extracted 1,014,000 = 10,000 invalid + 4,000 duplicate + 1,000,000 records"
    )
    assert lines[2] == (
        "records 1,000,000 = 579,996 pending + 8 attempting + 4 callback + "
        "419,975 delivered + 17 failed"
    )


def test_a_sum_that_is_too_long_goes_on_in_the_next_line():
    lines = about(RunRow(some_runs()[0], NOON_MS), 80)

    assert len(lines) == HEIGHT
    assert all(measured(line) <= 80 for line in lines)
    assert text(lines[3]).strip().endswith("+ 17 failed")


def test_books_that_do_not_add_up_say_so_and_nothing_else():
    run = replace(some_runs()[0], books=Books(extracted=10, records=9, pending=9))

    lines = about(RunRow(run, NOON_MS), 120)

    assert "BOOKS DO NOT ADD UP: 10 rows extracted, 9 accounted for" in text(lines[1])
    assert {piece.role for piece in lines[1]} >= {"alarm"}
    assert "books --audit" in text(lines[2])
    assert any("DO NOT ADD UP" in text(line) for line in details(run, NOON_MS))


def test_an_intake_shows_how_far_it_has_read():
    run = some_runs()[3]

    assert "extracting 42%, 19.2 MiB of 45.8 MiB" in text(
        about(RunRow(run, NOON_MS), 120)[0]
    )


def test_what_settles_shows_what_is_in_flight_and_who_asked():
    pausing = text(about(RunRow(some_runs()[1], NOON_MS), 160)[0])

    assert "pausing, 3 in flight" in pausing
    assert "by ann@desk-3 14:01:11: wrong greeting" in pausing


def test_the_owner_of_the_workspace_is_named():
    alive = EngineView(
        pid=OWN_PID, host="desk-3", heartbeat_at_ms=NOON_MS, released=False
    )
    silent = replace(alive, heartbeat_at_ms=NOON_MS - 60_000)

    def said(engine, own_pid=OWN_PID) -> str:
        (line,) = engine_lines(session(own_pid), engine, "", 120)
        return text(line).strip()

    assert said(alive).startswith(f"engine: this process, pid {OWN_PID}")
    elsewhere = replace(alive, owner="engine of ann", started_at_ms=NOON_MS - 60_000)
    assert said(elsewhere, own_pid=1).startswith(
        f"engine: engine of ann, pid {OWN_PID} on desk-3, since 14:01:11"
    )
    assert said(EngineView()).startswith(
        "NO ENGINE — runs wait; start: watchfloor engine"
    )
    assert said(silent).startswith("NO ENGINE since 14:01:11 (pid 4711)")
    full = "the disk is full; make room"
    assert said(replace(alive, fault=full)).startswith(f"STORE FAULT — {full}")
    broken = "notices failed by a mistake in Watchfloor itself (KeyError)"
    assert said(replace(alive, trouble=broken)).startswith(f"ENGINE TROUBLE — {broken}")
    # One that cannot store its heartbeat lives all the same.
    held = replace(silent, fault=full, is_held=True)
    assert said(held).startswith(f"STORE FAULT — {full}")
    assert said(replace(silent, fault=full)).startswith(
        f"NO ENGINE; start: watchfloor engine — {full}"
    )
    left = replace(alive, released=True, left="hang-up", left_at_ms=NOON_MS - 60_000)
    assert said(left).startswith(
        "NO ENGINE — interrupted by a hang-up at 14:01; resume: watchfloor engine"
    )


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
    told = Cards(active=5, queued=1, failed=122, callback=8, unknown=2, per_s=12.0)

    assert " ".join(text(cards(told, 80)).split()) == (
        "active 5 queued 1 FAILED 122 callbacks 8 unknown 2 in flight 0"
    )
    assert "in flight 17 of 96" in text(
        cards(replace(told, attempting=17, permits=96), 120)
    )
    assert "failed 0" in text(cards(None, 80))


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_card_that_grows_moves_no_other(width):
    few = Cards(active=1, failed=1)
    many = Cards(
        active=999,
        queued=999,
        failed=98_765_432,
        callback=99_999,
        unknown=99_999,
        attempting=99_999,
        permits=99_999,
        per_s=99_999.5,
    )

    before, after = text(cards(few, width)), text(cards(many, width))

    assert len(before) == len(after) <= width
    for name in ("active", "queued", "FAILED", "callbacks", "unknown", "in flight"):
        assert before.find(name) == after.find(name)
    assert "FAILED 98.7M " in after
    assert before.find("/s") < 0 or after.find("/s") > 0


def test_the_number_of_changes_moves_nothing_beside_it():
    overview = Overview(engine=EngineView(changes=10), as_of_ms=NOON_MS)
    for width in (60, 80, 120):
        places = {
            text(header(session(), overview, EngineView(changes=10 + since), width))
            .replace("changes", "change ")
            .find("14:02:11")
            for since in (0, 1, 2, 214, 99_000, 10**7)
        }
        assert len(places) == 1


def test_a_terminal_that_is_too_small_is_told_what_it_can_be_told():
    told = Cards(active=7, failed=17)

    assert [text(line) for line in too_small(told, "60x16", "q", 80)] == [
        " Watchfloor needs 60x16.  active 7  FAILED 17  q quit"
    ]
    assert [text(line) for line in too_small(told, "60x16", "q", 40)] == [
        " Watchfloor needs 60x16.",
        " active 7  FAILED 17",
        " q quit",
    ]


def test_what_keeps_a_run_from_moving_stands_in_its_line():
    asks, shut, outside, _, archived, _ = campaign_runs()

    def said(run) -> str:
        return text(about(RunRow(run, NOON_MS), 120)[0])

    assert "waits for your word" in said(asks)
    assert "window closed, opens at 09:00" in said(shut)
    assert "420 outside window" in said(outside)
    both = replace(outside, shut_until_ms=shut.shut_until_ms)
    assert "420 outside window, first opens at 09:00" in said(both)
    assert "creating history 43 %" in said(archived)
    assert measured(about(RunRow(archived, NOON_MS), 80)[0]) <= 80


def test_a_list_says_what_to_do_or_when_it_goes_on():
    asks, shut, outside, *_ = campaign_runs()
    paused = replace(asks, lifecycle=replace(asks.lifecycle, gate=Gate.PAUSED))

    assert list_label(asks, NOON_MS) == "waits for your word"
    assert list_label(shut, NOON_MS) == "Running, opens 09:00"
    assert list_label(outside, NOON_MS) == "Running"
    assert list_label(paused, NOON_MS) == "paused + Waiting (external)"


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

    assert "waits for your word" in said(asks)
    assert "asked for after 20 attempts" in said(early)
    assert "given 2026-11-22 14:02:11 UTC" in said(given)
    assert "approval" not in said(some_runs()[0])


def test_results_are_told_only_where_they_were_read():
    ended = campaign_runs()[4]

    def said(results) -> str:
        return "\n".join(text(line) for line in details(ended, NOON_MS, results))

    assert "results" not in said(None)
    assert "nothing was reported yet" in said({})


def test_cards_that_do_not_fit_are_left_out_whole_and_the_word_stays():
    told = Cards(active=4, asking=1, callback=45)
    line = cards(told, 60)

    assert measured(line) <= 60
    assert text(line).startswith(" active 4")
    assert text(line).endswith("your word 1 ")
    assert "callback" not in text(line) or "callbacks 45" in text(line)
    assert "callbacks 45" in text(cards(replace(told, asking=0), 60))


def test_with_eighty_columns_no_figure_of_what_goes_wrong_is_left_out():
    told = Cards(active=5, queued=1, failed=1_235, callback=50, unknown=8)
    moving = replace(told, attempting=14, permits=96, per_s=12.0)

    assert " ".join(text(cards(moving, 80)).split()) == (
        "active 5 queued 1 FAILED 1,235 callbacks 50 unknown 8 in flight 14"
    )
    asks = " ".join(text(cards(replace(moving, asking=1), 80)).split())
    assert "FAILED 1,235 callbacks 50 unknown 8 in flight 14 your word 1" in asks


def test_why_a_run_stands_flows_over_the_lines_that_are_free():
    why = "waits for the new text of the legal department, and nobody may resume it"
    run = replace(some_runs()[2], gate_asked=Asked(by="root", at_ms=NOON_MS, why=why))

    said = [text(line) for line in about(RunRow(run, NOON_MS), 80)]

    assert len(said) <= HEIGHT
    assert " ".join(" ".join(said).split()).endswith(f"by root 14:02:11: {why}")
    assert all(len(line) <= 80 for line in said)


def test_a_reason_without_end_says_that_it_is_cut():
    run = replace(some_runs()[2], cause="header Authorization is missing; " * 20)

    said = [text(line) for line in about(RunRow(run, NOON_MS), 80)]

    assert len(said) == HEIGHT
    assert said[-1].endswith("…")
    assert "records 9,000 = " in said[1]


def test_a_name_without_end_leaves_room_for_what_became_of_the_run():
    run = replace(some_runs()[2], campaign_name="V" * 160)

    said = " ".join(text(line) for line in about(RunRow(run, NOON_MS), 80))

    assert "V…" in said
    assert "Running + paused" in said
    assert "902 of 9,000 done" in said
    assert "by ann@desk-3 14:01:11: wrong greeting" in said


def test_a_run_that_waits_for_a_word_has_one_name_for_it():
    row = RunRow(campaign_runs()[0], NOON_MS)

    assert "Waiting (external)" not in text(about(row, 120)[0])
    assert text(about(row, 120)[0]).count(row.state) == 1
    assert row.state in text(heading(row)[1])


def a_heavy_account() -> Books:
    states = {key: 1_000_000 + place for place, key in enumerate(STATE_KEYS)}
    rejects = {key: 100_000 + place for place, key in enumerate(REJECT_KEYS)}
    records = sum(states.values())
    return Books(
        extracted=records + sum(rejects.values()),
        records=records,
        **states,
        **rejects,
    )


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
@pytest.mark.parametrize("most", [1, HEIGHT])
@pytest.mark.parametrize("account", [some_runs()[0].books, a_heavy_account()])
def test_the_sum_of_the_records_is_whole_and_right_in_every_width(width, most, account):
    run = replace(some_runs()[0], books=account)

    lines = about(RunRow(run, NOON_MS), width, most)

    said = " ".join(text(line).strip() for line in lines[most > 1 :])
    total, _, terms = said[said.index("records 1") :].partition(" = ")
    numbers = [int(term.split()[0].replace(",", "")) for term in terms.split(" + ")]
    assert len(lines) <= most
    assert int(total.split()[1].replace(",", "")) == sum(numbers) == account.records
    assert most == 1 or all(measured(line) <= width for line in lines[1:])


def test_a_late_run_says_for_how_long_it_should_have_ended():
    run = replace(some_runs()[0], spent_ms={"active": 42 * MINUTE_MS})
    row = RunRow(run, NOON_MS, expected_ms=30 * MINUTE_MS)

    assert "Running   should have ended 0:12:00 ago" in text(about(row, 120)[0])
    assert "should have ended 0:12:00 ago" in text(heading(row)[1])
    assert row.state == "late, Running"
    assert row.role == "warn"
    assert "should have" not in text(about(RunRow(run, NOON_MS), 120)[0])


def test_the_time_of_the_end_stands_where_there_is_room_for_all_of_it():
    run = some_runs()[0]
    run = replace(run, books=replace(run.books, callback=0, pending=580_000))
    row = RunRow(run, NOON_MS, eta_ms=65 * MINUTE_MS)

    assert text(about(row, 120)[0]).endswith("ETA 15:07, in 1h 05m")
    assert "ETA" not in text(about(row, 80)[0])
    assert "ETA 15:07" in text(heading(row)[1])


def test_an_end_that_callbacks_put_off_is_told_as_the_earliest():
    row = RunRow(some_runs()[0], NOON_MS, eta_ms=65 * MINUTE_MS)

    assert row.run.books.callback
    assert text(about(row, 120)[0]).endswith("ETA after 15:07, in 1h 05m or more")
    [cell] = [column.text(row) for column in RUN_COLUMNS if column.title == "ETA"]
    assert cell == "1h+"


def test_nobody_is_named_in_full_in_a_cause_or_a_reason():
    run = some_runs()[1]
    asked = replace(run.gate_asked, why="0151 2345678 complained")
    causes = replace(run, cause="refused for ada.lovelace@example.org")

    assert "01***78 complained" in text(
        about(RunRow(replace(run, gate_asked=asked), NOON_MS), 200)[0]
    )
    assert "refused for a***@example.org" in text(
        about(RunRow(causes, NOON_MS), 200)[0]
    )


def test_no_more_is_in_flight_than_there_are_permits():
    run = some_runs()[0]
    ahead = replace(run, permits=8, books=replace(run.books, attempting=16))

    said = text(about(RunRow(ahead, NOON_MS), 160)[0])

    assert "8 in flight" in said
    assert "16 in flight" not in said


def test_a_run_is_called_by_the_words_of_the_dialect():
    run = some_runs()[2]

    assert run_label(run, Dialect.WATCHFLOOR) == "Running + paused"
    assert run_label(run, Dialect.DIALER) == "Paused"
    assert list_label(run, NOON_MS, Dialect.JOBS_PAGE) == "Waiting"
    assert RunRow(run, NOON_MS, Dialect.SENDER).label == "Paused"
    assert text(about(RunRow(run, NOON_MS, Dialect.DIALER), 120)[0]).startswith(
        " Welcome texts   Paused   "
    )


def test_the_strip_of_details_begins_as_the_heading_does():
    row = RunRow(some_runs()[0], NOON_MS)
    lines = details(row.run, NOON_MS)

    assert [text(line) for line in lines[:3]] == [text(one) for one in heading(row)]
    assert text(lines[3]).strip().startswith("run ")
