"""What a retry has taken up is resolved there, so that nobody is contacted twice."""

from __future__ import annotations

import pytest
from tests.engine.test_resolving import one, previewed, resolved
from tests.support import retries
from tests.support.floor import ASKER, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply
from tests.support.retries import BUSY, FINE, QUIET, retried

from watchfloor.domain.errors import Refusal
from watchfloor.domain.regions import Gate, Phase, Verb
from watchfloor.domain.resolutions import ResolveAs
from watchfloor.engine import resolving
from watchfloor.engine.commands import TakeCommand
from watchfloor.engine.operations import resolve_command
from watchfloor.engine.retry_previews import retry_command
from watchfloor.engine.tenure import tenure

LOST = Reply(drop=True)


def ended_with_unknowns(floor, provider, count, settings=""):
    """Return an ended run of which every record is unknown; each was sent once."""
    provider.otherwise = LOST
    text = webhook(provider.url, f'delivery = "at_most_once"\n{settings}', rest=QUIET)
    run_id = floor.launched(text, ids(count))
    floor.carried_out()
    assert floor.books(run_id).unknown == count
    provider.otherwise = FINE
    return run_id


def test_what_a_canary_holds_back_is_not_resolved_on_the_parent(floor, provider):
    run_id = ended_with_unknowns(floor, provider, 30)
    provider.otherwise = BUSY
    child = retried(floor, run_id, with_unknown=True)
    with floor.engine():
        until(lambda: floor.view(child).lifecycle.gate is Gate.PAUSED)
        answer = resolved(floor, run_id, "delivered")
        assert answer.refusal == Refusal.NOT_UNKNOWN
        assert (
            f"15 wait in run {child}, not sent yet: stop or cancel that run first, "
            "then resolve them here"
        ) in answer.detail
        assert f"15 are in run {child}: resolve them there" in answer.detail
        assert floor.books(run_id).delivered == 0
        provider.otherwise = FINE
        floor.steered(Verb.RESUME, child)
        until(lambda: floor.view(child).lifecycle.phase is Phase.ENDED)
    assert floor.assert_books_hold(child).delivered == 15


@pytest.mark.parametrize("at_once", [0, resolving.MOST_AT_ONCE])
def test_only_what_no_retry_has_taken_up_is_resolved_as_it_was_shown(
    floor, provider, monkeypatch, at_once
):
    monkeypatch.setattr(resolving, "MOST_AT_ONCE", at_once)
    run_id = ended_with_unknowns(floor, provider, 5)
    child = retried(floor, run_id, one(1, 2), with_unknown=True)

    seen = previewed(floor, run_id, ResolveAs.DELIVERED)
    answer = resolved(floor, run_id, "delivered")

    assert seen.records == 3
    assert (
        f"2 more wait in run {child}, not sent yet: stop or cancel that run first, "
        "then resolve them here."
    ) in seen.lines
    assert answer.detail == "3 unknown records resolved"
    floor.carried_out()
    assert sorted(provider.contacts) == sorted(ids(5) + ids(2))


@pytest.mark.parametrize("at_once", [0, resolving.MOST_AT_ONCE])
def test_what_a_retry_let_go_of_is_resolved_and_what_it_has_all_of_is_not(
    floor, provider, monkeypatch, at_once
):
    monkeypatch.setattr(resolving, "MOST_AT_ONCE", at_once)
    run_id = ended_with_unknowns(floor, provider, 2)
    child = retried(floor, run_id, with_unknown=True)

    refused = resolved(floor, run_id, "delivered")
    assert refused.refusal == Refusal.NOT_UNKNOWN
    assert child in refused.detail

    floor.steered(Verb.CANCEL, child)
    answer = resolved(floor, run_id, "delivered")
    assert answer.detail == "2 unknown records resolved"
    assert len(provider.arrivals) == 2


def test_what_its_retry_does_not_know_either_is_resolved_there(floor, provider):
    run_id = ended_with_unknowns(floor, provider, 2)
    provider.otherwise = LOST
    child = retried(floor, run_id, with_unknown=True)
    floor.carried_out()

    refused = resolved(floor, run_id, "delivered")
    assert refused.detail.endswith(f"2 are in run {child}: resolve them there)")
    assert resolved(floor, child, "delivered").detail == "2 unknown records resolved"


def test_no_retry_begins_while_its_parent_is_being_resolved(
    floor, provider, monkeypatch
):
    monkeypatch.setattr(resolving, "MOST_AT_ONCE", 0)
    run_id = ended_with_unknowns(floor, provider, 5)
    shown = retries.previewed(floor, run_id, with_unknown=True)
    seen = previewed(floor, run_id, ResolveAs.DELIVERED)
    resolve = resolve_command(seen, ASKER, "log", floor.around)
    retry = retry_command(shown, ASKER, floor.around, canary=True, reason="up")
    # An owner that takes both before anybody goes on with the first.
    with tenure(floor.layout, floor.around, floor.owner, dispatches=False) as owner:
        for command in (resolve, retry):
            owner.submit(TakeCommand(command))
            owner.round()

    assert floor.receipt(resolve.command_id).state == "acknowledged"
    refused = floor.receipt(retry.command_id)
    assert refused.refusal == Refusal.NOT_YET
    assert "a resolution of its records, asked for by nora, is under" in refused.detail
    assert "(where none runs: watchfloor engine --until-idle)" in refused.detail
    now = retries.previewed(floor, run_id, with_unknown=True)
    assert now.refusal is Refusal.NOT_YET
    floor.carried_out()
    assert floor.books(run_id).delivered == 5
    assert len(provider.arrivals) == 5


def test_a_look_up_leaves_what_a_retry_has_taken_up(floor, provider):
    run_id = ended_with_unknowns(floor, provider, 3, provider.look_up_setting)
    provider.look_ups = dict.fromkeys(
        ids(3), Reply(body={"outcome": "delivered", "id": "msg-1"})
    )
    child = retried(floor, run_id, one(1), with_unknown=True)

    refused = floor.ordered("look_up", run_id, why="report", seq=1)
    assert refused.refusal == Refusal.NOT_UNKNOWN
    assert f"1 waits in run {child}, not sent yet: stop" in refused.detail
    answer = floor.ordered_begun("look_up", run_id, why="report")
    assert answer.detail == "the engine asks the provider about 2 unknown records"
    floor.carried_out()

    assert len(provider.questions) == 2
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.unknown) == (2, 1)
    assert sorted(provider.contacts) == sorted(ids(3) + ids(1))
