from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.paper_runs import MINUTE_MS, NOON_MS, campaign_runs, some_runs

from watchfloor.console.columns import RECORD_COLUMNS, RUN_COLUMNS, RunRow
from watchfloor.console.labels import list_label
from watchfloor.console.listing import (
    ORDERS,
    RunFilter,
    arranged,
    as_typed,
    is_fault,
    is_stalled,
    listed,
    typed,
    visible,
)
from watchfloor.console.pages import Filter
from watchfloor.domain.books import Books
from watchfloor.domain.labels import Dialect
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, RunOutcome
from watchfloor.domain.views import Overview


def overview(*runs, **values) -> Overview:
    return Overview(runs=runs or tuple(some_runs()), as_of_ms=NOON_MS, **values)


def rows(*runs, **values) -> list[RunRow]:
    return listed(overview(*runs, **values), Dialect.WATCHFLOOR)


def names(found) -> list[str]:
    return [row.run.campaign_name for row in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("autumn", ["Autumn billing"]),
        ("RUN-0003", ["Welcome texts"]),
        ("contacts-5.csv", ["Survey NPS"]),
        ("paused", ["Welcome texts"]),
        ("stopping kyc", ["KYC refresh"]),
        ("stopping autumn", []),
        ("", names(rows())),
    ],
)
def test_runs_are_found_by_name_id_upload_and_state(text, found):
    assert names(arranged(rows(), RunFilter(text=text), "newest")) == found


def test_runs_are_found_in_the_words_of_the_dialect_and_in_ours():
    found = listed(overview(), Dialect.DIALER)

    assert names(arranged(found, RunFilter(text="active"), "newest")) == [
        "Autumn billing",
    ]
    assert "Autumn billing" in names(
        arranged(found, RunFilter(text="running"), "newest")
    )


def test_a_filter_of_runs_is_named():
    assert RunFilter().words == "none"
    assert RunFilter(text="ann", faults=True).words == 'faults and "ann"'
    assert not RunFilter().is_set


def quiet(run):
    """The same run with nothing that anybody should look at."""
    books = run.books
    good = replace(
        books,
        failed=0,
        unknown=0,
        delivered=books.delivered + books.failed + books.unknown,
    )
    return replace(run, books=good)


def test_a_run_is_a_fault_where_somebody_should_look():
    plain = quiet(some_runs()[0])
    asks = replace(plain, approve_after=20, books=replace(plain.books, attempts=20))
    over = replace(plain.lifecycle, outcome=RunOutcome.FAILED)
    still = replace(plain, progress_at_ms=NOON_MS - 10 * MINUTE_MS)
    rest = replace(still, books=replace(still.books, attempting=0, unknown=8))

    assert not is_fault(RunRow(plain, NOON_MS))
    assert is_fault(RunRow(some_runs()[0], NOON_MS))
    assert is_fault(RunRow(plain, NOON_MS, expected_ms=1))
    assert is_fault(RunRow(asks, NOON_MS))
    assert is_fault(RunRow(replace(plain, lifecycle=over), NOON_MS))
    assert is_fault(RunRow(replace(plain, cause="no such provider"), NOON_MS))
    assert is_fault(RunRow(still, NOON_MS))
    assert is_fault(RunRow(rest, NOON_MS))
    assert is_fault(RunRow(replace(plain, books=Books(extracted=1)), NOON_MS))


def test_a_run_is_stalled_only_where_something_could_start():
    run = replace(quiet(some_runs()[0]), progress_at_ms=NOON_MS - 10 * MINUTE_MS)
    paused = replace(run, lifecycle=replace(run.lifecycle, gate=Gate.PAUSED))
    slow = replace(run, rate_per_s=1 / 3600)
    full = replace(run, permits=8)
    shut = replace(run, shut_until_ms=NOON_MS + MINUTE_MS)

    assert is_stalled(RunRow(run, NOON_MS))
    assert "Autumn billing" in names(
        arranged(rows(run), RunFilter(text="stalled"), "newest")
    )
    for held in (paused, slow, full, shut):
        assert not is_stalled(RunRow(held, NOON_MS))


def test_promises_that_are_not_due_are_no_stall_and_those_that_are_may_be():
    late_ms = NOON_MS - 10 * MINUTE_MS
    run = replace(
        campaign_runs()[3],
        progress_at_ms=late_ms,
        next_callback_at_ms=NOON_MS + MINUTE_MS,
    )

    assert not is_stalled(RunRow(run, NOON_MS))
    assert is_stalled(RunRow(replace(run, next_callback_at_ms=late_ms), NOON_MS))


def test_the_selected_run_stays_until_the_filter_is_asked_again():
    kept = arranged(rows(), RunFilter(text="autumn"), "newest", kept="run-0003")

    assert names(kept) == ["Autumn billing", "Welcome texts"]


def test_runs_can_be_ordered_by_every_figure():
    per_s = {"run-0001": 1.0, "run-0002": 10.0, "run-0005": 1.0}
    found = rows(done_per_s=per_s)

    def ordered(name) -> list[str]:
        return names(arranged(found, RunFilter(), name))

    assert {order.name for order in ORDERS} == {
        "newest",
        "name",
        "done",
        "failed",
        "state",
        "elapsed",
        "eta",
    }
    assert ordered("newest") == names(rows())
    assert ordered("name") == sorted(names(rows()), key=str.casefold)
    assert ordered("done")[:2] == ["Outage notice", "Survey NPS"]
    assert ordered("failed")[:2] == ["Beta invite", "Autumn billing"]
    assert ordered("state")[-2:] == ["Outage notice", "Beta invite"]
    assert ordered("elapsed")[-1] == "Win-back Q4"
    # A paused run and one that only keeps promises have no end.
    assert ordered("eta")[:3] == ["Autumn billing", "Reminder DE", "Welcome texts"]


def test_a_run_has_an_end_where_its_rate_is_known():
    found = rows(done_per_s={"run-0001": 100.0})

    assert found[0].eta_ms == 5_800_040
    assert found[1].eta_ms is None


def test_a_run_that_takes_longer_than_earlier_ones_is_late():
    slow, *_ = some_runs()
    over = some_runs()[5]
    earlier = replace(
        over, campaign_id=slow.campaign_id, spent_ms={"active": 52 * 1_000}
    )
    slow = replace(slow, spent_ms={"active": 30 * MINUTE_MS})

    found = rows(slow, earlier)

    assert found[0].expected_ms == 1_000_000
    assert found[0].state == "late, Running"
    assert found[1].expected_ms is None
    assert rows(slow)[0].expected_ms is None


def test_runs_of_one_name_are_told_apart_and_only_they():
    first, second, *_ = some_runs()
    other = replace(second, campaign_name=first.campaign_name)
    child = replace(other, run_id="run-0077", parent_id="run-0001")
    sister = replace(child, run_id="run-0078")

    assert [row.twin for row in rows(first, second)] == ["", ""]
    assert [row.twin for row in rows(first, other)] == ["0001", "0002"]
    assert [row.twin for row in rows(first, child)] == ["0001", "child"]
    assert [row.twin for row in rows(first, child, sister)] == ["0001", "0077", "0078"]
    assert rows(first, child)[1].name == "Autumn billing child"


def test_the_column_that_tells_runs_apart_stands_only_where_it_says_something():
    column = next(one for one in RUN_COLUMNS if one.title == "ID")
    first, second, *_ = some_runs()

    assert not column.worth(rows(first, second))
    assert column.worth(rows(first, replace(first, run_id="run-0099")))


def test_a_run_that_was_read_later_says_so():
    found = listed(overview(), Dialect.WATCHFLOOR, {"run-0002": NOON_MS + 5})

    assert [row.as_of_ms - NOON_MS for row in found[:3]] == [0, 5, 0]


def test_what_was_said_of_a_run_does_not_outlive_a_newer_read_of_it():
    told = overview(
        said={"run-0001": "paused by nora", "run-0002": "paused by nora"},
        unwell=frozenset({"run-0001", "run-0002"}),
    )

    found = listed(told, Dialect.WATCHFLOOR, {"run-0002": NOON_MS + 5})

    of = {row.run.run_id: (row.said, row.is_unwell) for row in found}
    assert of["run-0001"] == ("paused by nora", True)
    assert of["run-0002"] == ("", False)


def test_columns_can_be_left_out_but_never_the_first():
    shown = visible(RUN_COLUMNS, {"NAME", "ELAPSED", "nonsense"})

    assert [column.title for column in shown] == [
        "NAME",
        "ID",
        "PROGRESS",
        "DONE",
        "FAILED",
        "STATE",
        "ETA",
    ]
    assert visible(RECORD_COLUMNS, ()) == RECORD_COLUMNS


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("failed", Filter((RecordState.FAILED,))),
        (
            " Unknown, failed unknown ",
            Filter((RecordState.UNKNOWN, RecordState.FAILED)),
        ),
        ("not-attempted", Filter((RecordState.NOT_ATTEMPTED,))),
        ("failed ann", Filter(text="failed ann")),
        ("+1555", Filter(text="+1555")),
        ("wrong_number", Filter(text="wrong_number")),
        (
            'code = "busy" and attempts > 1',
            Filter(where='code = "busy" and attempts > 1'),
        ),
        ("attempts>=2", Filter(where="attempts>=2")),
        ('country in ("US")', Filter(where='country in ("US")')),
        ("email is not empty", Filter(where="email is not empty")),
        ("code CONTAINS 'x'", Filter(where="code CONTAINS 'x'")),
        ('phone starts with "+1"', Filter(where='phone starts with "+1"')),
        ("man in black", Filter(text="man in black")),
        ('"a = b"', Filter(text="a = b")),
        ('"failed"', Filter(text="failed")),
        ("", Filter()),
    ],
)
def test_what_is_typed_is_states_a_filter_or_text(words, chosen):
    assert typed(words) == chosen
    assert typed(as_typed(chosen)) == chosen


def test_that_a_run_is_held_is_never_what_a_narrow_list_cuts_off():
    promised = campaign_runs()[3]
    held = replace(promised, lifecycle=replace(promised.lifecycle, gate=Gate.PAUSED))

    assert list_label(promised, NOON_MS) == "Stopped, callbacks"
    assert list_label(held, NOON_MS) == "paused + Stopped, callbacks"
    short = some_runs()[2]
    assert list_label(short, NOON_MS) == "Running + paused"
