"""Alerts of a real engine that is killed between raising one and telling it."""

from __future__ import annotations

import json
import sys

import pytest
from sqlalchemy import select
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.preloaded import carried_out
from tests.support.process import EngineProcess, is_gone
from tests.support.provider import Provider, Reply

from watchfloor.store.tables import alert_message, journal

GUARD = (
    '[guard]\nbreaker_after = 0\npause_when = { class = "permanent", share = 0.2, '
    'over = "5m", at_least = 10 }'
)


@pytest.fixture
def hook():
    with Provider() as serving:
        yield serving


def launched(floor, provider, hook, *, pager=""):
    """Launch a run that the engine will pause, and configure who is told of it."""
    floor.configure(
        '[alerts]\non = ["auto_paused", "recovered"]\n'
        f'[alerts.webhook.chat]\nurl = "{hook.url}"\n{pager}'
    )
    provider.otherwise = Reply(status=404)
    return floor.launched(webhook(provider.url, rest=GUARD), ids(60))


def messages(floor):
    query = select(alert_message.c.what, alert_message.c.hook, alert_message.c.state)
    return floor.read(
        lambda connection: [tuple(one) for one in connection.execute(query)]
    )


def verb(floor, *arguments):
    return carried_out(*arguments, "--workspace", str(floor.layout.root))


def test_an_alert_that_was_raised_and_not_told_is_told_by_the_next_engine(
    floor, provider, hook
):
    hook.hold()
    run_id = launched(floor, provider, hook)
    with EngineProcess(floor.layout) as engine:
        until(lambda: hook.at_once == 1, "the alert to be on its way")
        assert engine.kill()
    assert messages(floor) == [("raised", "webhook chat", "owed")]
    hook.let_go()
    until(lambda: hook.at_once == 0)

    with EngineProcess(floor.layout):
        until(lambda: messages(floor) == [("raised", "webhook chat", "sent")])

    # At least once, under one id and with one body; told of once by the journal.
    first, *others = hook.arrivals
    assert len(others) == 1
    assert {one.key for one in others} == {first.key}
    assert {one.body for one in others} == {first.body}
    assert json.loads(first.body)["id"] == first.key
    assert floor.event_words(run_id).count("alert raised") == 1


def test_an_alert_that_no_hook_heard_of_yet_outlives_a_kill(floor, provider):
    with Provider() as hook:
        port = hook.port
    del port  # nobody listens there any more
    run_id = launched(floor, provider, hook)
    with EngineProcess(floor.layout) as engine:
        until(lambda: "alert raised" in floor.event_words(run_id))
        assert engine.kill()
    with Provider() as other:
        text = floor.layout.settings.read_text(encoding="utf-8")
        floor.layout.settings.write_text(
            text.replace(hook.url, other.url), encoding="utf-8"
        )
        with EngineProcess(floor.layout):
            until(lambda: messages(floor) == [("raised", "webhook chat", "sent")])

    assert len(other.arrivals) == 1
    assert floor.event_words(run_id).count("alert raised") == 1


def test_a_command_that_hangs_dies_with_a_drained_engine_and_holds_nothing_up(
    floor, provider, hook, tmp_path
):
    pid = tmp_path / "pid"
    sleeper = tmp_path / "hook.py"
    sleeper.write_text(
        "import os, time\n"
        f"open({str(pid)!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n",
        encoding="utf-8",
    )
    pager = (
        f'[alerts.command.pager]\nargv = ["{sys.executable}", "{sleeper}"]\n'
        'timeout = "60s"\n'
    )
    run_id = launched(floor, provider, hook, pager=pager)
    with EngineProcess(floor.layout) as engine:
        until(lambda: pid.exists() and pid.read_text())
        # The other hook was told meanwhile, and the engine obeys.
        until(lambda: ("raised", "webhook chat", "sent") in messages(floor))
        floor.rounds(run_id)
        engine.terminate()
        assert engine.ended() == 0

    assert ("raised", "command pager", "owed") in messages(floor)
    hung = int(pid.read_text())
    until(lambda: is_gone(hung), "the hook to be gone")


def test_a_crash_with_attempts_in_flight_is_told_once_and_shown(floor, provider, hook):
    floor.configure(
        f'[alerts]\non = ["recovered"]\n[alerts.webhook.chat]\nurl = "{hook.url}"\n'
    )
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=3), ids(5))
    with EngineProcess(floor.layout) as engine:
        until(lambda: provider.at_once == 3)
        assert engine.kill()
    provider.let_go()
    with EngineProcess(floor.layout, "--until-idle") as engine:
        assert engine.ended() == 0

    [told] = [json.loads(one.body) for one in hook.arrivals]
    assert told["kind"] == "recovered"
    assert f"{run_id}: 5 attempts were in flight" in told["text"]

    shown = verb(floor, "alerts", "--json")
    assert shown.returncode == 4
    [alert] = json.loads(shown.stdout)["alerts"]
    assert (alert["kind"], alert["stands"]) == ("recovered", True)
    assert [one["state"] for one in alert["told"]] == ["sent"]
    assert floor.read(
        lambda connection: connection.scalar(
            select(journal.c.detail).where(journal.c.event == "alert raised")
        )
    ).startswith("recovered: the engine before this one died")

    note = json.loads(verb(floor, "handover", "--since", "1h", "--json").stdout)
    assert (note["engine"]["starts"], note["engine"]["crashes"]) == (2, 1)
    assert [one["said"].partition(":")[0] for one in note["alerts"]] == ["recovered"]
    assert [one["id"] for one in note["runs"]] == [run_id]
    assert note["done"]["delivered"] == 5
