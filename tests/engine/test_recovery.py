from __future__ import annotations

from functools import partial

from tests.support.floor import campaign, ids, webhook
from tests.support.patience import until
from tests.support.process import EngineProcess
from tests.support.provider import Reply

from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Phase, RunOutcome, Verb
from watchfloor.engine.extraction import AddBatch, JudgeSlice
from watchfloor.intake.audience_file import Batch


def test_what_a_crash_cut_off_is_resent_where_the_key_is_honoured_and_else_unknown(
    floor, provider
):
    provider.hold()
    resent = floor.launched(
        webhook(provider.url, permits=4, name="resent", retry="attempts = 1"),
        ids(30, "r"),
    )
    once = floor.launched(
        webhook(provider.url, 'delivery = "at_most_once"', permits=3, name="once"),
        ids(30, "o"),
    )
    with EngineProcess(floor.layout) as engine:
        until(lambda: provider.at_once == 7)
        assert engine.kill()
    cut = [one.contact for one in provider.arrivals]
    left = floor.books(resent).attempting, floor.books(once).attempting
    provider.let_go()

    floor.carried_out()

    assert left[0] >= 4
    assert left[1] == 3
    # One attempt is the cap, and a crash does not count against it.
    assert floor.assert_books_hold(resent).delivered == 30
    assert all(len(bodies) == 1 for bodies in provider.bodies_by_key.values())
    assert len(provider.bodies_by_key) == 60
    again = [contact for contact in provider.contacts if contact[0] == "r"]
    assert len(again) == 30 + len([contact for contact in cut if contact[0] == "r"])

    books = floor.assert_books_hold(once)
    assert (books.unknown, books.delivered) == (3, 27)
    assert sorted(one for one in provider.contacts if one[0] == "o") == ids(30, "o")
    unknown = {one.contact for one in floor.records(once, RecordState.UNKNOWN)}
    assert unknown == {contact for contact in cut if contact[0] == "o"}

    for run_id in (resent, once):
        [told] = [one for one in floor.events(run_id) if one.event == "recovered"]
        assert "attempts were in flight" in told.detail
    seq = floor.records(once, RecordState.UNKNOWN)[0].seq
    assert "interrupted" in [one.event for one in floor.journey(once, seq).entries]


def test_an_extraction_goes_on_after_a_crash_and_judges_no_row_twice(floor):
    contacts = ids(24_000)
    # Every tenth row repeats a contact of long before: the crash falls in between.
    contacts[9::10] = contacts[0::10]
    run_id = floor.launched(campaign(), contacts)
    floor.steered(Verb.PAUSE, run_id)
    for batches in (2, 8):
        with EngineProcess(floor.layout) as engine:
            until(partial(has_read, floor, run_id, batches * 1_000))
            assert engine.kill()
        partly = floor.assert_books_hold(run_id)
        assert partly.extracted < 24_000

    with floor.engine():
        until(lambda: floor.view(run_id).label == "Queued + paused")

    books = floor.assert_books_hold(run_id)
    assert (books.extracted, books.duplicate) == (24_000, 2_400)
    records = floor.records(run_id)
    assert [one.seq for one in records] == list(range(1, len(records) + 1))
    rows = [one.row_no for one in records]
    assert rows == sorted(set(rows))
    assert "ADMITTED" not in floor.event_words(run_id)


def has_read(floor, run_id, rows):
    return floor.books(run_id).extracted >= rows


def test_a_crash_while_pausing_is_paused_after_the_restart_and_sends_nothing(
    floor, provider
):
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=3), ids(20))
    with EngineProcess(floor.layout) as engine:
        until(lambda: provider.at_once == 3)
        asked = floor.steered(Verb.PAUSE, run_id, state="applied")
        assert floor.view(run_id).lifecycle.gate is Gate.PAUSING
        engine.kill()
    provider.let_go()
    sent = len(provider.arrivals)

    floor.carried_out()

    assert floor.view(run_id).lifecycle.gate is Gate.PAUSED
    assert floor.receipt(asked.command_id).state == "settled"
    assert len(provider.arrivals) == sent
    floor.steered(Verb.RESUME, run_id)
    floor.carried_out()
    assert floor.assert_books_hold(run_id).delivered == 20


def test_a_command_after_a_crash_finds_everything_accounted_for(floor, provider):
    provider.otherwise = Reply(after_s=0.005)
    told = 'delivery = "at_most_once"'
    run_id = floor.launched(webhook(provider.url, told, permits=4), ids(400))
    with EngineProcess(floor.layout) as engine:
        until(lambda: len(provider.arrivals) > 40)
        engine.kill()
    sent = len(set(provider.keys))

    assert floor.steered(Verb.STOP, run_id).state == "settled"

    run = floor.view(run_id)
    assert run.lifecycle.phase is Phase.ENDED
    books = floor.assert_books_hold(run_id)
    assert books.not_attempted + books.delivered + books.unknown == 400
    assert books.unknown <= 4
    assert books.delivered <= sent <= books.delivered + books.unknown


def test_an_intake_that_comes_too_late_for_its_run_changes_nothing(floor):
    with floor.engine() as engine:
        assert engine.do(AddBatch("let-go-of", Batch([], [], 0, 0), None)) is False
        assert engine.do(JudgeSlice("let-go-of", None)) is False
        assert engine.is_running


def test_a_promise_that_a_crash_cut_off_is_still_kept_by_a_stopped_run(floor, provider):
    later = Reply(body={"outcome": "callback", "due_at": "2020-01-01T00:00:00Z"})
    for one in ids(2):
        provider.replies[one] = [later, Reply(), Reply()]
    run_id = floor.launched(webhook(provider.url, permits=2), ids(2))
    provider.hold()
    with EngineProcess(floor.layout) as engine:
        until(lambda: provider.at_once == 2)
        # Both are promised in the same moment, and neither promise is kept yet.
        provider.let_go()
        provider.hold()
        until(lambda: floor.books(run_id).callback == 2)
        floor.steered(Verb.STOP, run_id)
        floor.until_phase(run_id, Phase.STOPPED_CALLBACK)
        until(lambda: provider.at_once == 2)
        assert engine.kill()
    provider.let_go()

    floor.carried_out()

    ended = floor.until_ended(run_id)
    assert ended.lifecycle.outcome is RunOutcome.STOPPED
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.remaining) == (2, 0)
