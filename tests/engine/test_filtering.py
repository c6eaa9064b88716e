from __future__ import annotations

import csv
import io
from functools import partial

import pytest
from tests.support.floor import campaign, ids, webhook
from tests.support.patience import until
from tests.support.process import EngineProcess

from watchfloor.domain.regions import Intake, Mode, Phase, RunOutcome, Verb
from watchfloor.engine import extraction
from watchfloor.intake.rejects import write_rejects
from watchfloor.store.reads.rejects import reject_form, rejects

ODD = "filter = 'plan = \"odd\"'"
STREAMING = 'mode = "streaming"'
#: One row in so many is wanted, where it is about rows and not about whom they contact.
FEW = 20


@pytest.fixture
def uploaded(floor):
    """Write an upload of which one row in so many is of the plan ``odd``."""

    def write(count, every=2):
        upload = floor.root / "plans.csv"
        rows = "".join(
            f"{one},name of {one},{'even' if number % every else 'odd'}\n"
            for number, one in enumerate(ids(count))
        )
        upload.write_text(f"id,first_name,plan\n{rows}", encoding="utf-8")
        return upload

    return write


@pytest.fixture
def small_slices(monkeypatch):
    """Judge few rows in one transaction, so that there are many to look between."""
    monkeypatch.setattr(extraction, "SLICE_ROWS", 40)


def has_left_out(floor, run_id, rows):
    return floor.books(run_id).filtered >= rows


def odd(count, every=2):
    return ids(count)[::every]


def test_only_rows_that_the_filter_wants_become_records(floor, provider, uploaded):
    run_id = floor.launched(webhook(provider.url, audience=ODD), uploaded(20))

    floor.carried_out()

    assert sorted(provider.contacts) == odd(20)
    books = floor.assert_books_hold(run_id)
    assert (books.extracted, books.records, books.filtered) == (20, 10, 10)
    assert books.unjudged == 0
    records = floor.records(run_id)
    assert [one.contact for one in records] == odd(20)
    told = floor.read(lambda connection: list(rejects(connection, run_id)))
    assert [row[0] for row in told] == list(range(2, 21, 2))
    assert {row[1:3] for row in told} == {
        ("filtered", "the campaign's filter leaves it out")
    }


def test_a_filter_that_wants_nobody_contacts_nobody_and_the_run_ends(
    floor, provider, uploaded
):
    nobody = "filter = 'plan = \"none\"'"
    run_id = floor.launched(webhook(provider.url, audience=nobody), uploaded(20))

    floor.carried_out()

    books = floor.assert_books_hold(run_id)
    assert (books.filtered, books.records) == (20, 0)
    assert floor.view(run_id).lifecycle.is_ended
    assert provider.arrivals == []


def test_extract_first_reads_all_then_filters_and_only_then_contacts_anybody(
    floor, provider, uploaded, small_slices
):
    told = webhook(provider.url, audience=ODD)
    run_id = floor.launched(told, uploaded(8_000, FEW))
    with floor.engine():
        until(lambda: floor.view(run_id).label == "Queued + extracting")
        until(lambda: floor.view(run_id).label == "Queued + filtering")
        seen = floor.view(run_id)
        sent_while_filtering = len(provider.arrivals)
        until(lambda: floor.view(run_id).lifecycle.intake is Intake.DONE)
        floor.until_ended(run_id)

    assert seen.books.extracted == 8_000
    assert seen.books.unjudged > 0
    assert seen.books.imbalance == ""
    assert sent_while_filtering == 0
    words = floor.event_words(run_id)
    order = ["intake_started", "extracted", "filter_done", "admitted"]
    assert [word for word in words if word in order] == order
    assert sorted(provider.contacts) == odd(8_000, FEW)
    assert floor.assert_books_hold(run_id).delivered == 8_000 / FEW


def test_streaming_contacts_people_while_the_rest_is_still_read_and_filtered(
    floor, provider, uploaded
):
    told = webhook(provider.url, permits=3, audience=f"{ODD}\n{STREAMING}")
    upload = uploaded(60_000)
    provider.hold()
    run_id = floor.launched(told, upload)
    with floor.engine():
        until(lambda: provider.at_once == 3)
        seen = floor.view(run_id)
        provider.let_go()
        until(lambda: floor.books(run_id).delivered > 3)
        more = floor.view(run_id)

    for run in (seen, more):
        assert run.lifecycle.mode is Mode.STREAMING
        assert run.label == "Running + filtering"
        assert 0 < run.books.extracted < 60_000
        assert run.books.unjudged == 0
        assert run.books.imbalance == ""
    assert floor.assert_books_hold(run_id).delivered == len(provider.arrivals)


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.CANCEL])
def test_a_stream_can_be_ended_while_it_is_still_read(floor, provider, uploaded, verb):
    told = webhook(provider.url, permits=3, audience=f"{ODD}\n{STREAMING}")
    run_id = floor.launched(told, uploaded(60_000))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 3)
        if verb is Verb.CANCEL:
            floor.steered(Verb.PAUSE, run_id)
        command = floor.command(verb, run_id)
        seen = floor.books(run_id).extracted
        until(lambda: floor.books(run_id).extracted > seen)
        answer = floor.asked(command, "applied")
        assert answer.state != "refused", answer
        ended = floor.until_ended(run_id)

    assert ended.books.extracted < 60_000
    books = floor.assert_books_hold(run_id)
    assert books.delivered == len(provider.arrivals)
    assert books.delivered + books.not_attempted == books.records


@pytest.mark.parametrize("mode", ["", STREAMING], ids=["extract_first", "streaming"])
def test_both_modes_contact_the_same_people_once(floor, provider, uploaded, mode):
    told = webhook(provider.url, permits=40, audience=f"{ODD}\n{mode}")
    run_id = floor.launched(told, uploaded(2_500))

    floor.carried_out()

    assert sorted(provider.contacts) == odd(2_500)
    books = floor.assert_books_hold(run_id)
    assert (books.filtered, books.delivered) == (1_250, 1_250)
    assert floor.view(run_id).lifecycle.outcome is RunOutcome.COMPLETED


def test_an_engine_that_is_stopped_while_it_filters_leaves_the_rest_to_the_next(
    floor, provider, uploaded, small_slices
):
    told = webhook(provider.url, audience=ODD)
    run_id = floor.launched(told, uploaded(6_000, FEW))
    for wanted in (1, 1_000):
        with floor.engine():
            until(partial(has_left_out, floor, run_id, wanted))
        partly = floor.assert_books_hold(run_id)
        assert 0 < partly.unjudged < 6_000
        assert partly.extracted == 6_000
    assert provider.arrivals == []

    floor.carried_out()

    books = floor.assert_books_hold(run_id)
    assert (books.records, books.filtered, books.unjudged) == (300, 5_700, 0)
    assert [one.contact for one in floor.records(run_id)] == odd(6_000, FEW)
    assert sorted(provider.contacts) == odd(6_000, FEW)


def test_a_kill_in_the_middle_of_filtering_loses_and_repeats_nobody(floor, uploaded):
    upload = uploaded(60_000)
    run_id = floor.launched(campaign(audience=ODD), upload)
    floor.steered(Verb.PAUSE, run_id)
    for _ in range(2):
        with EngineProcess(floor.layout) as engine:
            before = floor.books(run_id).filtered
            until(partial(has_left_out, floor, run_id, before + 1))
            assert engine.kill()
        partly = floor.assert_books_hold(run_id)
        assert partly.extracted == 60_000
        if not partly.unjudged:
            break

    with floor.engine():
        until(lambda: floor.view(run_id).label == "Queued + paused")

    books = floor.assert_books_hold(run_id)
    assert (books.records, books.filtered, books.unjudged) == (30_000, 30_000, 0)
    assert [one.contact for one in floor.records(run_id)] == odd(60_000)[:10_000]
    told = floor.read(lambda connection: list(rejects(connection, run_id)))
    assert [row[0] for row in told] == list(range(2, 60_001, 2))


def test_a_kill_while_a_stream_is_read_contacts_everybody_once_and_nobody_twice(
    floor, provider, uploaded
):
    once = 'delivery = "at_most_once"'
    told = webhook(provider.url, once, permits=9, audience=f"{ODD}\n{STREAMING}")
    run_id = floor.launched(told, uploaded(6_000, FEW))
    provider.hold()
    with EngineProcess(floor.layout) as engine:
        until(lambda: provider.at_once == 9)
        assert engine.kill()
    provider.let_go()
    assert floor.assert_books_hold(run_id).extracted < 6_000

    floor.carried_out()

    books = floor.assert_books_hold(run_id)
    assert (books.records, books.filtered) == (300, 5_700)
    assert (books.unknown, books.delivered) == (9, 291)
    assert sorted(provider.contacts) == odd(6_000, FEW)


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.CANCEL])
def test_an_end_while_it_is_filtered_contacts_nobody(
    floor, provider, uploaded, small_slices, verb
):
    run_id = floor.launched(webhook(provider.url, audience=ODD), uploaded(8_000))
    with floor.engine():
        until(lambda: floor.books(run_id).filtered > 0)
        floor.steered(verb, run_id)
        ended = floor.until_ended(run_id)

    assert (ended.launch_id, ended.lifecycle.phase) == (None, Phase.ENDED)
    books = floor.assert_books_hold(run_id)
    assert books.not_attempted == books.records
    assert books.unjudged > 0
    assert provider.arrivals == []


def test_a_repeated_contact_is_a_duplicate_whatever_the_filter_makes_of_the_first(
    floor, provider
):
    upload = floor.root / "twice.csv"
    rows = "a,A,odd\nb,B,even\nb,B,odd\na,A,even\nc,C,odd\n"
    upload.write_text(f"id,first_name,plan\n{rows}", encoding="utf-8")
    run_id = floor.launched(webhook(provider.url, audience=ODD), upload)

    floor.carried_out()

    assert sorted(provider.contacts) == ["a", "c"]
    books = floor.assert_books_hold(run_id)
    assert (books.duplicate, books.filtered, books.records) == (2, 1, 2)


AWKWARD = [
    'x1,"Doe, Jane",even',
    'x2,"says ""hello""",even',
    "x3,  blanks around  ,even",
    "x4,Zoë 😀,even",
    'x5,"two\nlines",even',
    "x6,[brackets],even",
    "x7,,even",
]


def test_the_fix_file_gives_the_cells_of_a_filtered_row_back_as_they_were(
    floor, provider
):
    upload = floor.root / "awkward.csv"
    header = "id,first_name,plan"
    text = "\n".join([header, *AWKWARD, "x8,fine,odd", ""])
    upload.write_text(text, encoding="utf-8", newline="")
    run_id = floor.launched(webhook(provider.url, audience=ODD), upload)
    floor.carried_out()
    assert provider.contacts == ["x8"]

    def fixed(connection):
        out = io.StringIO(newline="")
        form = reject_form(connection, run_id)
        assert write_rejects(out, *form, rejects(connection, run_id)) == len(AWKWARD)
        return out.getvalue()

    found = list(csv.reader(io.StringIO(floor.read(fixed), newline="")))
    wanted = list(csv.reader(io.StringIO("\n".join([header, *AWKWARD]), newline="")))
    assert [row[2:] for row in found] == wanted
    assert {row[1] for row in found[1:]} == {"the campaign's filter leaves it out"}


def test_a_fix_file_of_filtered_rows_can_be_launched_again(floor, provider, uploaded):
    run_id = floor.launched(webhook(provider.url, audience=ODD), uploaded(10))
    floor.carried_out()
    fix = floor.root / "fix.csv"

    def write(connection):
        with fix.open("w", encoding="utf-8", newline="") as file:
            form = reject_form(connection, run_id)
            write_rejects(file, *form, rejects(connection, run_id))

    floor.read(write)
    again = floor.launched(webhook(provider.url, name="again"), fix)

    floor.carried_out()

    assert floor.assert_books_hold(again).delivered == 5
    assert sorted(provider.contacts) == ids(10)
