from __future__ import annotations

import pytest
from sqlalchemy import select
from tests.support.floor import ASKER, NORA, ids, webhook
from tests.support.patience import until

from watchfloor.domain.quota import Used
from watchfloor.domain.regions import RunOutcome, Verb
from watchfloor.engine.preparing import prepared_launch
from watchfloor.engine.quotas import plan_use
from watchfloor.intake.workspace_file import parse_workspace
from watchfloor.store.tables import quota

#: In the middle of a month, so that none ends while a test looks.
MONTH = "2030-01-15T12:00:00+00:00"
ODD = 'filter = \'id in ("c00001", "c00002")\''


@pytest.fixture
def used(floor):
    """Say what is reserved of this month's plan."""
    floor.clock.move_to(MONTH)

    def ask():
        workspace = parse_workspace(floor.layout.settings.read_text(), "it")
        now_ms = floor.clock.now_ms()
        return floor.read(
            lambda connection: plan_use(connection, workspace, now_ms)
        ).used

    return ask


def launch(floor, told, upload, **options):
    """Launch and return the run's id and the answer."""
    prepared = floor.prepared(told, upload, allow_twin=True, **options)
    return prepared.run_id, floor.asked(prepared.command)


def test_a_launch_beyond_the_month_s_runs_is_refused_by_name(floor, provider, used):
    floor.configure("[plan]\nmonthly_runs = 2")
    told = webhook(provider.url)
    first, _ = launch(floor, told, ids(1))
    second, _ = launch(floor, told, ids(1))

    third, answer = launch(floor, told, ids(1))

    assert (answer.state, answer.refusal) == ("refused", "PLAN_LIMIT")
    assert "runs 2 of 2; the month ends 2030-02-01 00:00 UTC" in answer.detail
    assert {run.run_id for run in floor.views()} == {first, second}
    [entry] = floor.events(third)
    assert (entry.event, entry.by) == ("launch refused", NORA)
    assert "runs 2 of 2" in entry.detail
    assert used().runs == 2


def test_a_launch_of_more_records_than_are_left_is_refused_with_the_figures(
    floor, provider, used
):
    floor.configure("[plan]\nmonthly_records = 10")
    launch(floor, webhook(provider.url), ids(6))

    refused, answer = launch(floor, webhook(provider.url), ids(5))
    _, taken = launch(floor, webhook(provider.url), ids(4))

    assert (answer.state, answer.refusal) == ("refused", "PLAN_LIMIT")
    assert "records 6 + 5 of 10" in answer.detail
    assert refused not in {run.run_id for run in floor.views()}
    assert taken.state == "settled"
    assert used() == Used(runs=2, records=10)


def test_a_refused_launch_contacts_nobody_and_costs_nothing(floor, provider, used):
    floor.configure("[plan]\nmonthly_records = 3")
    before = used()
    launch(floor, webhook(provider.url), ids(4))

    floor.carried_out()

    assert provider.arrivals == []
    assert used() == before


def test_rows_that_a_filter_leaves_out_cost_nothing_in_the_end(floor, provider, used):
    floor.configure("[plan]\nmonthly_records = 10")
    told = webhook(provider.url, audience=ODD)
    run_id, _ = launch(floor, told, ids(10))
    reserved = used()

    floor.carried_out()

    assert reserved == Used(runs=1, records=10)
    assert used() == Used(runs=1, records=2)
    assert floor.assert_books_hold(run_id).delivered == 2


def test_whoever_was_never_attempted_is_given_back_at_the_end(floor, provider, used):
    floor.configure("[plan]\nmonthly_records = 100")
    cancelled, _ = launch(floor, webhook(provider.url), ids(10))
    floor.steered(Verb.CANCEL, cancelled)
    assert used() == Used(runs=1, records=0)

    provider.hold()
    stopped, _ = launch(
        floor, webhook(provider.url, 'delivery = "at_most_once"', permits=3), ids(10)
    )
    with floor.engine():
        until(lambda: provider.at_once == 3)
        assert used() == Used(runs=2, records=10)
        floor.steered(Verb.STOP, stopped, state="applied")
        provider.let_go()
        floor.until_ended(stopped)

    assert floor.assert_books_hold(stopped).not_attempted == 7
    assert used() == Used(runs=2, records=3)


def test_a_limit_that_was_raised_meanwhile_holds_from_then_on(floor, provider, used):
    floor.configure("[plan]\nmonthly_runs = 0")
    _, refused = launch(floor, webhook(provider.url), ids(1))
    text = floor.layout.settings.read_text(encoding="utf-8")
    raised = text.replace("monthly_runs = 0", "monthly_runs = 1_000")
    floor.layout.settings.write_text(raised, encoding="utf-8")

    _, taken = launch(floor, webhook(provider.url), ids(1))

    assert (refused.refusal, taken.state) == ("PLAN_LIMIT", "settled")
    assert used().runs == 1


def test_the_next_month_begins_at_nothing(floor, provider, used):
    floor.configure("[plan]\nmonthly_runs = 1")
    launch(floor, webhook(provider.url), ids(1))
    _, refused = launch(floor, webhook(provider.url), ids(1))
    floor.clock.move_to("2030-02-01T00:00:01+00:00")

    _, taken = launch(floor, webhook(provider.url), ids(1))

    assert (refused.refusal, taken.state) == ("PLAN_LIMIT", "settled")
    assert used().runs == 1


def child_of(floor, parent, upload):
    """Launch *upload* as a child of *parent* and return its id and the answer."""
    file = floor.root / "child.csv"
    rows = "".join(f"{one},name of {one}\n" for one in upload)
    file.write_text(f"id,first_name\n{rows}", encoding="utf-8")
    prepared = prepared_launch(
        floor.layout, None, file, ASKER, floor.around, parent_id=parent
    )
    return prepared.run_id, floor.asked(prepared.command)


def test_a_child_run_counts_as_every_other(floor, provider, used):
    floor.configure("[plan]\nmonthly_runs = 2\nmonthly_records = 100")
    parent, _ = launch(floor, webhook(provider.url), ids(3))
    floor.carried_out()
    child, taken = child_of(floor, parent, ids(2, "n"))
    _, refused = child_of(floor, parent, ids(2, "m"))
    floor.carried_out()

    assert (taken.state, refused.refusal) == ("settled", "PLAN_LIMIT")
    assert used() == Used(runs=2, records=5)
    assert floor.view(child).parent_id == parent


def test_a_child_contacts_nobody_who_is_a_record_of_its_family(floor, provider, used):
    parent, _ = launch(floor, webhook(provider.url), ids(3))
    floor.carried_out()
    child, _ = child_of(floor, parent, [*ids(4), "new"])

    floor.carried_out()

    assert sorted(provider.contacts) == [*ids(4), "new"]
    books = floor.assert_books_hold(child)
    assert (books.duplicate, books.delivered) == (3, 2)
    assert len(set(provider.keys)) == 5
    assert used() == Used(runs=2, records=5)


def test_a_run_that_outgrows_what_it_reserved_reserves_more_or_ends(
    floor, provider, used
):
    floor.configure("[plan]\nmonthly_records = 10")
    prepared = floor.prepared(webhook(provider.url), ids(12), allow_twin=True)
    # The asker counted too few: what counts is what the engine reads.
    prepared.command.payload["records"] = 2
    assert floor.asked(prepared.command).state == "settled"

    floor.carried_out()

    run = floor.view(prepared.run_id)
    assert run.lifecycle.outcome is RunOutcome.FAILED
    assert "PLAN_LIMIT" in run.cause
    assert provider.arrivals == []
    assert used().records <= 10
    floor.assert_books_hold(prepared.run_id)


def test_what_a_run_reserves_later_is_of_the_month_of_its_launch(floor, provider):
    floor.clock.move_to("2030-01-31T23:00:00+00:00")
    prepared = floor.prepared(webhook(provider.url), ids(6))
    prepared.command.payload["records"] = 2
    assert floor.asked(prepared.command).state == "settled"
    text = floor.layout.settings.read_text()
    # There it is another month already.
    floor.layout.settings.write_text(text.replace('"UTC"', '"Asia/Tokyo"'))

    floor.carried_out()

    months = floor.read(lambda connection: connection.execute(select(quota)).all())
    assert months == [("2030-01", 1, 6)]
