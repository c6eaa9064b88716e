from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import select
from tests.support.floor import ASKER, NORA, campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.domain.blocked_by import Reason, blocked_by
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.regions import Results, Verb
from watchfloor.engine import jobs
from watchfloor.engine.afterwork import Afterwork
from watchfloor.engine.desk import StoreDesk
from watchfloor.engine.historian import Historian
from watchfloor.engine.tenure import tenure
from watchfloor.store.reads.alerts import open_alerts
from watchfloor.store.reads.situations import situation
from watchfloor.store.tables import history

DAY_S = 86_400


def held_by(floor, run_id):
    """Return the reasons that hold the run's records now, with their counts."""
    now_ms = floor.clock.now_ms()
    found = floor.read(lambda connection: situation(connection, run_id, now_ms))
    return {one.reason: one.count for one in blocked_by(found)}


def test_results_close_by_themselves_after_thirty_days_and_not_before(floor):
    run_id = floor.launched(campaign(), ids(3))
    with floor.engine() as engine:
        floor.until_ended(run_id)
        floor.clock.ahead_s = 30 * DAY_S - 60
        engine.do(jobs.close_results)
        assert floor.view(run_id).lifecycle.results is Results.COLLECTING

        floor.clock.ahead_s = 30 * DAY_S + 60
        engine.do(jobs.close_results)
        closed = floor.view(run_id)

    assert closed.label == "Completed"
    assert floor.event_words(run_id)[-1] == "results_closed"


def test_results_that_fell_due_while_no_engine_ran_close_at_the_next_start(floor):
    run_id = floor.launched(campaign(), ids(3))
    floor.carried_out()
    floor.clock.ahead_s += 31 * DAY_S

    with floor.engine():
        until(lambda: floor.view(run_id).lifecycle.results is Results.CLOSED)


def test_the_history_says_what_the_books_say_and_is_written_once(floor):
    run_id = floor.launched(campaign(), ids(4))
    floor.carried_out()
    floor.carried_out()

    [report] = floor.read(lambda c: list(c.scalars(select(history.c.report_json))))

    told = json.loads(report)
    assert told["books"] == floor.books(run_id).as_dict()
    assert (told["run"], told["outcome"]) == (run_id, "completed")
    assert told["launch_id"] == floor.view(run_id).launch_id


def test_the_journal_tells_the_life_of_a_run_in_order_and_by_whom(floor):
    run_id = floor.launched(campaign(), ids(4))
    floor.steered(Verb.PAUSE, run_id, "wait")
    floor.steered(Verb.RESUME, run_id)
    floor.carried_out()

    told = floor.events(run_id)

    assert [one.event for one in told] == [
        "launch",
        "pause requested",
        "pause",
        "resume requested",
        "resume",
        "intake_started",
        "extracted",
        "filter_done",
        "admitted",
        "all_done",
        "history_created",
    ]
    paused = told[2]
    assert (paused.by, paused.origin, paused.why) == (NORA, "desk-1", "wait")
    assert (paused.before, paused.after) == (
        "Queued + pause requested",
        "Queued + paused",
    )


def test_a_journey_tells_everything_that_happened_to_a_record(floor, provider):
    later = Reply(body={"outcome": "callback", "due_at": "2099-01-01T00:00:00+00:00"})
    provider.replies["c00002"] = [
        Reply(status=503),
        Reply(drop=True),
        Reply(body={"outcome": "delivered", "id": "p-7", "detail": "at last"}),
    ]
    provider.replies["c00001"] = [later]
    run_id = floor.launched(webhook(provider.url), ids(3))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered == 2)
        promised, reached = floor.journey(run_id, 1), floor.journey(run_id, 2)

    assert [one.event for one in reached.entries] == [
        "received",
        "attempt 1",
        "attempt 2",
        "attempt 3",
    ]
    assert "row 2 of upload.csv" in reached.entries[0].detail
    assert "p-7" in reached.entries[3].detail
    assert "at last" in reached.entries[3].detail
    assert reached.fields == {"id": "c00002", "first_name": "name of c00002"}
    assert {one.key for one in provider.arrivals if one.contact == "c00002"} == {
        reached.key
    }
    times = [one.at_ms for one in reached.entries]
    assert times == sorted(times)
    last = promised.entries[-1]
    assert (last.event, last.at_ms) == ("callback due", 4_070_908_800_000)


def test_a_journey_of_nobody_is_not_found(floor):
    run_id = floor.launched(campaign(), ids(1))

    with pytest.raises(NotFoundError, match="has no record 1"):
        floor.journey(run_id, 1)


def test_every_record_that_does_not_move_has_its_reason(floor, provider):
    later = Reply(body={"outcome": "callback", "due_at": "2099-01-01T00:00:00+00:00"})
    provider.replies = {"c00001": [later], "c00002": [Reply(status=503)]}
    retry = 'backoff = "1h"\nmax_backoff = "1h"'
    run_id = floor.launched(webhook(provider.url, permits=2, retry=retry), ids(20))
    idle = held_by(floor, run_id)
    with floor.engine():
        until(lambda: floor.books(run_id).delivered == 18)
        timed = held_by(floor, run_id)
        provider.replies = {}
        provider.hold()
        full = floor.launched(webhook(provider.url, permits=2), ids(9))
        until(lambda: provider.at_once == 2)
        until(lambda: floor.books(full).attempting >= 2)
        permits = held_by(floor, full)
        floor.steered(Verb.PAUSE, full, "lunch", state="applied")
        until(lambda: floor.books(full).attempting == 2)
        gate = held_by(floor, full)
        provider.let_go()
        until(lambda: floor.view(full).label == "Running + paused")
    gone = held_by(floor, full)

    assert idle == {Reason.NO_ENGINE: 0}
    assert timed == {Reason.RETRY_BACKOFF: 1, Reason.CALLBACK_NOT_DUE: 1}
    assert list(permits) == [Reason.PERMITS_FULL]
    assert gate == {Reason.GATE: 7}
    assert gone == {Reason.NO_ENGINE: 7}


def test_the_desk_asks_for_what_a_preview_stands_for_and_shows_the_answer(floor):
    run_id = floor.launched(campaign(), ids(5))

    async def steered():
        desk = StoreDesk(floor.layout, floor.around, ASKER, floor.owner)
        try:
            assert await desk.full_id(run_id[:8]) == run_id
            preview = await desk.preview(Verb.CANCEL, run_id)
            asked = await desk.ask(preview, "wrong list")
            overview = await desk.overview()
            return preview, await desk.receipt(asked.command_id), overview
        finally:
            await desk.close()

    preview, receipt, overview = asyncio.run(steered())

    assert preview.typed == run_id
    assert receipt is not None
    assert receipt.state == "settled"
    assert [one.label for one in overview.runs] == ["Cancelled before launch"]


def test_what_is_under_way_and_asked_for_again_tells_nobody_twice(floor):
    """As when an engine ends by itself while it looks for alerts, or tells of them."""
    # A reference that names nothing: the run fails, and contacts nobody.
    told = 'headers = { Authorization = "env:NOT_THERE" }'
    floor.launched(webhook("http://127.0.0.1:9/", told), ids(3))
    floor.carried_out()

    async def twice_at_once(committer):
        async def submit(job):
            future = committer.submit(job)
            await asyncio.sleep(0)  # another may ask before it is done
            committer.round()
            return future.result()

        historian = Historian(
            floor.layout, submit, floor.around.monotonic_s, lambda: None
        )
        after = Afterwork(floor.layout, committer, submit, historian, floor.around)

        async def look():
            after.watch_soon()
            await after.watch()

        await asyncio.gather(look(), look())
        await asyncio.gather(after.tell_alerts(), after.tell_alerts())

    with Provider() as hook:
        chat = f'[alerts.webhook.chat]\nurl = "{hook.url}"'
        floor.configure(f'[alerts]\non = ["failed"]\n{chat}')
        with tenure(
            floor.layout, floor.around, floor.owner, dispatches=False
        ) as committer:
            asyncio.run(twice_at_once(committer))

    assert len(floor.read(open_alerts)) == 1
    assert len(hook.arrivals) == 1
