from __future__ import annotations

import sqlite3

import pytest
from tests.support.floor import campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.regions import Verb
from watchfloor.store.inbox import ask

NONSENSE = {
    "a launch without its size": ("launch", '{"bytes": null}'),
    "a launch beyond every number": (
        "launch",
        '{"campaign_text": "", "campaign_origin": "\\ud800", "bytes": 1e400}',
    ),
    "a payload that is no JSON": ("pause", "{"),
    "a payload that is no object": ("pause", "[1]"),
    "a verb that is none": ("dance", "{}"),
    "what is no text": ("pause", b"\xff\xfe"),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_in_the_inbox_is_refused_and_holds_nothing_back(floor, what):
    verb, payload = NONSENSE[what]
    run_id = floor.launched(campaign(), ids(3))
    with sqlite3.connect(floor.layout.inbox) as inbox:
        inbox.execute(
            "INSERT INTO asked (command_id, at_ms, verb, run_id, by, origin, why, "
            "payload_json) VALUES ('nonsense', 1, ?, ?, 'x', '', '', "
            "CAST(? AS TEXT))",
            (verb, run_id, payload),
        )
    inbox.close()
    pause = floor.command(Verb.PAUSE, run_id)
    ask(floor.layout, pause)

    with floor.engine():
        until(lambda: floor.receipt("nonsense"))
        until(lambda: floor.receipt(pause.command_id))

    assert floor.receipt("nonsense").state == "refused"
    assert floor.receipt(pause.command_id).state in ("settled", "refused")
    floor.assert_books_hold(run_id)


def test_a_job_that_raises_is_undone_alone(floor, provider):
    provider.otherwise = Reply(after_s=0.05)
    run_id = floor.launched(webhook(provider.url, permits=4), ids(100))

    def spoil(tx):
        tx.ledgers[run_id].tally["delivered"] += 7
        tx.connection.exec_driver_sql("UPDATE books SET delivered = 7")
        raise KeyError("a mistake")

    with floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 5)
        for _ in range(5):
            with pytest.raises(KeyError, match="a mistake"):
                engine.do(spoil)
        floor.until_ended(run_id)

    assert floor.assert_books_hold(run_id).delivered == 100
    assert sorted(provider.contacts) == ids(100)


def test_a_channel_that_fails_for_everyone_pauses_the_run_instead_of_burning_it(floor):
    everyone = ids(200)
    script = ", ".join(f'{one} = ["crash"]' for one in everyone)
    settings = f'delivery = "at_most_once"\nscript = {{ {script} }}'
    run_id = floor.launched(campaign(settings, permits=2), everyone)

    with floor.engine():
        until(lambda: floor.view(run_id).label == "Running + paused")

    paused = floor.view(run_id)
    assert "the channel fails" in paused.gate_asked.why
    assert paused.gate_asked.by == "engine"
    assert paused.books.unknown < 20
    assert paused.books.pending > 180
    floor.assert_books_hold(run_id)
