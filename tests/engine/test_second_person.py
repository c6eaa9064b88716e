from __future__ import annotations

import json
import os
import pwd
from dataclasses import asdict, replace
from functools import partial

import pytest
from tests.support.floor import ASKER, NORA, ids, webhook
from tests.support.patience import until

from watchfloor.domain.actors import Asker
from watchfloor.domain.regions import Gate, RunOutcome, Verb
from watchfloor.engine.operations import steering_command

OTTO = Asker(by="otto", origin="desk-2")


@pytest.fixture
def paused(floor, provider):
    """A paused run that is one record larger than one person may cancel."""
    safety = "[safety]\nsecond_person_above = 9\n"
    floor.configure(f"{safety}[roles]\nshared_account = true")
    provider.hold()
    told = webhook(provider.url, 'delivery = "at_most_once"', permits=1)
    run_id = floor.launched(told, ids(10))
    with floor.engine():
        until(lambda: provider.at_once == 1)
        floor.steered(Verb.PAUSE, run_id, state="applied")
        provider.let_go()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
        yield run_id


def cancelled(floor, run_id, asker=ASKER):
    command = steering_command(
        floor.preview(Verb.CANCEL, run_id), asker, "wrong list", floor.around, typed=""
    )
    return floor.asked(command)


def test_the_first_person_s_cancel_is_refused_by_name_and_changes_nothing(
    floor, paused
):
    before = floor.view(paused)

    answer = cancelled(floor, paused)

    assert (answer.state, answer.refusal) == ("refused", "SECOND_PERSON")
    assert f"10 records, more than 9; {NORA} asked" in answer.detail
    assert floor.view(paused).lifecycle == before.lifecycle
    assert floor.assert_books_hold(paused) == before.books


def test_a_second_person_s_cancel_is_obeyed(floor, provider, paused):
    cancelled(floor, paused)

    answer = cancelled(floor, paused, OTTO)

    assert answer.state == "settled"
    ended = floor.until_ended(paused)
    assert ended.lifecycle.outcome is RunOutcome.CANCELLED
    assert len(provider.arrivals) == 1
    assert floor.assert_books_hold(paused).not_attempted == 9


def test_two_names_behind_one_account_are_one_person(floor, paused):
    settings = floor.layout.settings
    said = settings.read_text(encoding="utf-8")
    settings.write_text(said.replace("account = true", "account = false"))
    cancelled(floor, paused)

    assert cancelled(floor, paused, OTTO).refusal == "SECOND_PERSON"


def test_the_same_person_at_another_desk_is_no_second_one(floor, paused):
    cancelled(floor, paused)

    answer = cancelled(floor, paused, replace(ASKER, origin="desk-7"))

    assert answer.refusal == "SECOND_PERSON"
    assert cancelled(floor, paused, OTTO).state == "settled"


def test_a_first_cancel_of_long_ago_is_none(floor, paused):
    cancelled(floor, paused)
    floor.clock.ahead_s = 15 * 60 + 1

    assert cancelled(floor, paused, OTTO).refusal == "SECOND_PERSON"
    assert cancelled(floor, paused).state == "settled"


def test_a_first_cancel_before_the_run_went_on_is_none(floor, provider, paused):
    cancelled(floor, paused)
    provider.hold()
    floor.steered(Verb.RESUME, paused)
    until(lambda: provider.at_once == 1)
    floor.steered(Verb.PAUSE, paused, state="applied")
    provider.let_go()
    until(lambda: floor.view(paused).lifecycle.gate is Gate.PAUSED)

    assert cancelled(floor, paused, OTTO).refusal == "SECOND_PERSON"
    assert len(provider.arrivals) == 2


def test_a_stop_needs_no_second_person(floor, paused):
    assert floor.steered(Verb.STOP, paused).state == "settled"


def test_a_run_that_is_not_launched_is_cancelled_by_one_person(floor, provider):
    floor.configure("[safety]\nsecond_person_above = 9")
    run_id = floor.launched(webhook(provider.url), ids(10))
    floor.steered(Verb.PAUSE, run_id)
    with floor.engine():
        until(lambda: floor.view(run_id).label == "Queued + paused")

        assert cancelled(floor, run_id).state == "settled"

    assert provider.arrivals == []


def test_a_run_that_is_just_not_too_large_is_cancelled_by_one_person(floor, provider):
    floor.configure("[safety]\nsecond_person_above = 10")
    provider.hold()
    told = webhook(provider.url, 'delivery = "at_most_once"', permits=1)
    run_id = floor.launched(told, ids(10))
    with floor.engine():
        until(lambda: provider.at_once == 1)
        floor.steered(Verb.PAUSE, run_id, state="applied")
        provider.let_go()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)

        assert cancelled(floor, run_id).state == "settled"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as another account")
def test_two_names_that_one_other_account_lays_down_are_one_person(floor, paused):
    daemon = pwd.getpwnam("daemon")
    for name in ("alice", "bob"):
        command = replace(floor.command(Verb.CANCEL, paused), by=name)
        told = asdict(command)
        del told["asker"]
        # As a program of theirs would: named only once it is theirs.
        aside = floor.layout.root / "aside"
        aside.write_text(json.dumps(told), encoding="utf-8")
        aside.chmod(0o640)
        os.chown(aside, daemon.pw_uid, -1)
        aside.rename(floor.layout.asks / f"{name}.ask")
        answer = until(partial(floor.receipt, command.command_id))

        assert answer.refusal == "SECOND_PERSON"


def test_who_asks_through_a_file_that_several_may_write_is_no_person(floor, paused):
    floor.layout.inbox.chmod(0o660)

    def cancelled_by(asker, role=""):
        command = steering_command(
            floor.preview(Verb.CANCEL, paused), asker, "", floor.around, typed=""
        )
        return floor.asked(replace(command, role=role))

    nobody = cancelled_by(ASKER)
    # The same person by a file of their own, which tells who it is.
    first = cancelled_by(ASKER, "operator")
    again = cancelled_by(OTTO)

    assert {one.refusal for one in (nobody, first, again)} == {"SECOND_PERSON"}
    assert "nobody knows who asked" in nobody.detail
    assert f"chmod 600 {floor.layout.inbox}" in again.detail
    assert cancelled_by(OTTO, "operator").state == "settled"
