from __future__ import annotations

import pytest
from tests.support.floor import campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.regions import Gate, RunOutcome, Verb

HEADERS = "headers = { Authorization = 'env:FLOOR_TEST_TOKEN' }"


def failed(floor, run_id):
    """Return why the run failed; it must have contacted nobody."""
    run = floor.view(run_id)
    assert run.lifecycle.outcome is RunOutcome.FAILED
    assert run.launch_id is None
    assert "fault" in floor.event_words(run_id)
    assert floor.assert_books_hold(run_id).attempts == 0
    return run.cause


def test_a_channel_that_cannot_open_fails_an_unlaunched_run_and_contacts_nobody(
    floor, provider, monkeypatch
):
    monkeypatch.delenv("FLOOR_TEST_TOKEN", raising=False)
    run_id = floor.launched(webhook(provider.url, HEADERS), ids(30))
    other = floor.launched(webhook(provider.url), ids(3, "o"))

    floor.carried_out()

    assert "FLOOR_TEST_TOKEN" in failed(floor, run_id)
    assert floor.books(run_id).not_attempted == 30
    assert sorted(provider.contacts) == ids(3, "o")
    assert floor.view(other).lifecycle.outcome is RunOutcome.COMPLETED


def test_a_channel_that_cannot_reopen_pauses_a_launched_run_with_the_reason(
    floor, provider, monkeypatch
):
    monkeypatch.setenv("FLOOR_TEST_TOKEN", "hush")
    provider.otherwise = Reply(after_s=0.03)
    run_id = floor.launched(webhook(provider.url, HEADERS, permits=2), ids(100))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 5)
    sent = len(provider.arrivals)
    monkeypatch.delenv("FLOOR_TEST_TOKEN")

    floor.carried_out()

    run = floor.view(run_id)
    assert run.label == "Running + paused"
    assert run.gate_asked.by == "engine"
    assert "FLOOR_TEST_TOKEN" in run.gate_asked.why
    assert "hush" not in run.gate_asked.why
    assert len(provider.arrivals) == sent

    monkeypatch.setenv("FLOOR_TEST_TOKEN", "hush")
    floor.steered(Verb.RESUME, run_id)
    floor.carried_out()
    assert sorted(provider.contacts) == ids(100)
    assert floor.assert_books_hold(run_id).delivered == 100


def test_a_template_that_names_an_unknown_column_is_refused_before_it_is_asked(
    floor, provider
):
    text = webhook(provider.url).replace("${first_name}", "${frist_name}")

    with pytest.raises(ConfigError, match="did you mean \\$\\{first_name\\}"):
        floor.prepared(text, ids(3))

    assert list(floor.layout.uploads.iterdir()) == []


def test_a_template_that_names_an_unknown_column_fails_a_run_that_was_asked_for_anyway(
    floor, provider
):
    launch = floor.prepared(webhook(provider.url), ids(3))
    text = launch.command.payload["campaign_text"]
    launch.command.payload["campaign_text"] = text.replace("first_name", "frist_name")
    floor.asked(launch.command)

    floor.carried_out()

    assert "frist_name" in failed(floor, launch.run_id)
    assert provider.arrivals == []


def test_an_upload_that_is_gone_fails_the_run_with_the_cause(floor, provider):
    run_id = floor.launched(webhook(provider.url), ids(3))
    floor.layout.upload(floor.view(run_id).upload_id).unlink()

    floor.carried_out()

    assert "faulty selection" in failed(floor, run_id)
    assert provider.arrivals == []


def test_a_failed_run_ends_although_it_was_paused(floor):
    run_id = floor.launched(campaign(), ids(3))
    floor.steered(Verb.PAUSE, run_id)
    floor.layout.upload(floor.view(run_id).upload_id).unlink()

    with floor.engine():
        floor.until_ended(run_id)

    failed(floor, run_id)
    assert floor.view(run_id).lifecycle.gate is Gate.OPEN
