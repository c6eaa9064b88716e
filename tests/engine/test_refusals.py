from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.floor import ASKER, campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.regions import Gate, Phase, RunOutcome, Verb
from watchfloor.engine.commands import RefuseCommand, TakeCommand
from watchfloor.engine.operations import steering_command
from watchfloor.store.commands import refusable
from watchfloor.store.inbox import Command, ask


def refused(answer):
    assert answer.state == "refused", answer
    assert answer.detail
    return answer.refusal


@pytest.fixture
def slow(floor, provider):
    """A run in flight that a test may steer: its provider holds every reply."""
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=2), ids(20))
    with floor.engine():
        until(lambda: provider.at_once == 2)
        yield run_id
        provider.let_go()


def test_a_pause_of_a_paused_run_is_already_paused(floor, slow):
    floor.steered(Verb.PAUSE, slow, state="applied")

    assert refused(floor.steered(Verb.PAUSE, slow)) == "ALREADY_PAUSED"


def test_a_resume_of_an_open_run_is_not_paused(floor, slow):
    assert refused(floor.steered(Verb.RESUME, slow)) == "NOT_PAUSED"


def test_a_cancel_while_pausing_needs_the_pause_to_settle(floor, slow):
    floor.steered(Verb.PAUSE, slow, state="applied")

    assert refused(floor.steered(Verb.CANCEL, slow)) == "NEEDS_PAUSE"


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        (Verb.PAUSE, "STOPPING"),
        (Verb.RESUME, "NOT_PAUSED"),
        (Verb.STOP, "ALREADY_STOPPING"),
        (Verb.CANCEL, "STOPPING"),
    ],
)
def test_a_stopping_run_refuses_every_verb_by_name(floor, slow, verb, name):
    floor.steered(Verb.STOP, slow, state="applied")
    until(lambda: floor.books(slow).not_attempted == 18)

    assert refused(floor.steered(verb, slow)) == name
    assert floor.view(slow).lifecycle.phase is Phase.STOPPING


def test_of_two_equal_commands_in_one_breath_the_first_is_done(floor):
    run_id = floor.launched(campaign(), ids(3))
    first, second = floor.command(Verb.PAUSE, run_id), floor.command(Verb.PAUSE, run_id)
    ask(floor.layout, first)

    assert refused(floor.asked(second)) == "ALREADY_PAUSED"
    assert floor.receipt(first.command_id).state == "settled"


@pytest.fixture
def together(floor):
    """Take two commands in one transaction, as while the first is still pending."""

    def take(first, second):
        def both(tx):
            TakeCommand(first)(tx)
            TakeCommand(second)(tx)

        with floor.engine() as engine:
            engine.do(both)
        return floor.receipt(first.command_id), floor.receipt(second.command_id)

    return take


def test_an_equal_command_while_one_is_pending_is_refused(floor, together):
    run_id = floor.launched(campaign(), ids(3))
    pause, again = floor.command(Verb.PAUSE, run_id), floor.command(Verb.PAUSE, run_id)

    taken, other = together(pause, again)

    assert taken.state == "settled"
    assert refused(other) == "INTENT_PENDING"


def test_a_stronger_command_replaces_a_pending_one_and_both_are_answered(
    floor, together
):
    run_id = floor.launched(campaign(), ids(3))
    pause, stop = floor.command(Verb.PAUSE, run_id), floor.command(Verb.STOP, run_id)

    replaced, taken = together(pause, stop)

    assert refused(replaced) == "INTENT_PENDING"
    assert "replaced" in replaced.detail
    assert taken.state == "settled"
    assert floor.view(run_id).lifecycle.outcome is RunOutcome.STOPPED


def test_a_stop_before_the_launch_is_taken_although_a_pause_came_in_between(floor):
    run_id = floor.launched(campaign(), ids(3))
    pause, stop = floor.command(Verb.PAUSE, run_id), floor.command(Verb.STOP, run_id)
    ask(floor.layout, pause)

    # The pause raised the version the stop was decided on, but nothing was launched.
    assert floor.asked(stop).state == "settled"
    assert floor.receipt(pause.command_id).state == "settled"
    assert floor.view(run_id).label == "Stopped"


def test_a_stop_decided_on_figures_that_grew_is_drifted_and_tells_the_new_ones(
    floor, provider
):
    provider.otherwise = Reply(after_s=0.01)
    run_id = floor.launched(webhook(provider.url, permits=2), ids(200))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 2)
        preview = floor.preview(Verb.STOP, run_id)
        grown = replace(preview, seen=replace(preview.seen, untouched=0))
        answer = floor.asked(steering_command(grown, ASKER, "", floor.around, typed=""))

        assert refused(answer) == "DRIFTED"
        assert "not attempted" in answer.detail
        assert floor.view(run_id).lifecycle.phase is Phase.RUNNING
        # The same stop with the figures of now is taken: fewer are left by then.
        assert floor.steered(Verb.STOP, run_id).state == "settled"


def test_a_cancel_whose_run_was_resumed_meanwhile_is_drifted(floor, provider):
    provider.otherwise = Reply(after_s=0.01)
    run_id = floor.launched(webhook(provider.url, permits=2), ids(100))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 2)
        floor.steered(Verb.PAUSE, run_id)
        cancel = floor.command(Verb.CANCEL, run_id)
        floor.steered(Verb.RESUME, run_id)
        before = floor.books(run_id).delivered
        until(lambda: floor.books(run_id).delivered > before)
        floor.steered(Verb.PAUSE, run_id)

        assert refused(floor.asked(cancel)) == "DRIFTED"
        assert floor.view(run_id).lifecycle.gate is Gate.PAUSED


def test_a_cancel_that_lost_the_race_to_the_launch_is_told_so_and_offers_the_pause(
    floor, provider
):
    run_id = floor.launched(webhook(provider.url, permits=2), ids(20))
    cancel = floor.command(Verb.CANCEL, run_id)
    provider.hold()
    with floor.engine():
        until(lambda: provider.at_once == 2)
        answer = floor.asked(cancel)
        provider.let_go()
        floor.until_ended(run_id)

    assert refused(answer) == "LAUNCHED_AT"
    assert floor.view(run_id).launch_id in answer.detail
    assert "pause" in answer.detail
    assert len(provider.arrivals) == 20


def test_a_command_asked_twice_under_one_id_has_one_effect(floor, slow):
    pause = floor.command(Verb.PAUSE, slow)
    first = floor.asked(pause, "applied")
    floor.steered(Verb.RESUME, slow)

    ask(floor.layout, pause)
    again = floor.asked(floor.command(Verb.RESUME, slow))

    assert refused(again) == "NOT_PAUSED"
    assert floor.receipt(pause.command_id).applied_at_ms == first.applied_at_ms
    assert floor.event_words(slow).count("pause") == 1


def test_a_launch_asked_twice_under_one_id_makes_one_run(floor):
    launch = floor.prepared(campaign(), ids(2))

    first, again = floor.asked(launch.command), floor.asked(launch.command)

    assert first == again
    assert len(floor.views()) == 1


def test_a_twin_of_a_live_run_is_refused_unless_it_is_allowed(floor):
    first = floor.launched(campaign(), ids(2))

    twin = floor.asked(floor.prepared(campaign(), ids(2)).command)
    allowed = floor.asked(floor.prepared(campaign(), ids(2), allow_twin=True).command)

    assert refused(twin) == "DUPLICATE_RUN"
    assert first in twin.detail
    assert allowed.state == "settled"
    assert len(floor.views()) == 2


def test_an_unpublished_campaign_is_not_launched(floor):
    text = campaign().replace("[campaign]", "[campaign]\npublished = false")

    answer = floor.asked(floor.prepared(text, ids(1)).command)

    assert answer.state == "refused"
    assert "not published" in answer.detail
    assert floor.views() == ()


def unusable(floor, **values):
    given = {
        "command_id": floor.around.entropy(5).hex(),
        "at_ms": floor.around.now_ms(),
        "verb": "pause",
        "run_id": "nobody",
        "by": "nora",
    }
    return Command(**{**given, **values})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"verb": "explode"},
        {"verb": "launch"},
        {"verb": "launch", "payload": {"upload_id": "u-new", "campaign_text": 1}},
        {"verb": "launch", "payload": {"upload_id": "../../elsewhere"}},
        {"payload": {"seen": {"colour": "red"}}},
        {"payload": {"seen": "red"}},
        {"payload": ["a list"]},
        {"payload": None},
    ],
    ids=str,
)
def test_a_command_that_makes_no_sense_is_refused_and_harms_nobody_else(floor, values):
    run_id = floor.launched(campaign(), ids(2))
    values = {"run_id": run_id, **values} if "payload" in values else values
    with floor.engine():
        answer = floor.asked(unusable(floor, **values))
        floor.until_ended(run_id)

    assert answer.state == "refused"
    assert "cannot be used" in answer.detail


@pytest.mark.parametrize(
    "values",
    [
        {"why": "\ud800"},
        {"by": "\ud800", "origin": "\ud800"},
        {"command_id": "\ud800"},
        {"run_id": "\ud800"},
        {"at_ms": 1 << 80},
        {"at_ms": None},
        {"why": 7},
        {"verb": "retry", "payload": {"parent_id": "\ud800"}},
    ],
    ids=repr,
)
def test_what_no_store_takes_is_refused_and_ends_no_engine(floor, values):
    command = unusable(floor, **values)

    with floor.engine() as running:
        running.do(RefuseCommand(command, ValueError("\ud800 of no use")))

    answer = floor.receipt(refusable(command).command_id)
    assert answer.refusal == "UNUSABLE"


@pytest.mark.parametrize(
    "run_id", ["a/../../../outside", "..", ".hidden", "\x1b[31m", "", "a" * 101]
)
def test_a_launch_whose_id_may_name_no_file_is_refused(floor, run_id):
    (floor.layout.uploads / "u-a").mkdir()
    (floor.layout.root.parent / "outside.csv").write_text("id\nsomebody\n")
    launch = floor.prepared(campaign(), ids(1)).command
    payload = {**launch.payload, "upload_id": f"u-{run_id}"}

    answer = floor.asked(replace(launch, run_id=run_id, payload=payload))

    assert answer.state == "refused"
    assert "is no id of a run" in answer.detail
    assert floor.views() == ()


def test_an_upload_that_is_a_link_leads_nowhere(floor, tmp_path):
    launch = floor.prepared(campaign(), ids(2))
    kept = floor.layout.upload(launch.command.payload["upload_id"])
    kept.rename(tmp_path / "private.csv")
    kept.symlink_to(tmp_path / "private.csv")

    floor.asked(launch.command)
    with floor.engine():
        ended = floor.until_ended(launch.run_id)

    assert ended.books.extracted == 0
    assert "symbolic links" in ended.cause


def test_a_launch_that_repeats_the_id_of_a_run_is_refused_and_harms_nobody_else(floor):
    launch = floor.prepared(campaign(), ids(2))
    floor.asked(launch.command)
    again = replace(launch.command, command_id="another")
    allowed = replace(again, payload={**again.payload, "allow_twin": True})

    with floor.engine():
        answer = floor.asked(allowed)
        floor.until_ended(launch.run_id)

    assert answer.state == "refused"
    assert len(floor.views()) == 1
