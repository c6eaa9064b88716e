"""Whoever may write the inbox and may not command: no run, store or person suffers."""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import asdict, replace

from sqlalchemy import text
from tests.support.floor import campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.regions import Gate, Verb
from watchfloor.domain.roles import Identity, RoleRules
from watchfloor.engine.commands import TakeCommand, held_by
from watchfloor.store.asks import MOST_A_TURN, MOST_BYTES
from watchfloor.store.inbox import Command, ask

RULES = RoleRules(operators=frozenset({"carol"}))
CAROL = Identity(uid=1001, name="carol")
DAVE = Identity(uid=1002, name="dave")
PAUSE = Command(command_id="c-1", at_ms=1, verb="pause", run_id="run-1", by="dave")


def written(floor, command, said=None, account=None):
    """Write a command as any program would, beside the folder; return where."""
    told = asdict(command)
    del told["asker"]
    path = floor.layout.root / f"{command.command_id}.ask"
    path.write_text(said or json.dumps(told), encoding="utf-8")
    path.chmod(0o640)
    if account is not None:
        os.chown(path, pwd.getpwnam(account).pw_uid, -1)
    return path


def lay(floor, paths):
    """Let files that are whole be asked for, all in one moment."""
    for path in paths:
        path.rename(floor.layout.asks / path.name)


def bomb(command, size=MOST_BYTES - 1_000):
    """Return a command with a payload that takes forty times the room of its text."""
    told = asdict(replace(command, payload={"x": []}))
    del told["asker"]
    head, tail = json.dumps(told).split("[]")
    return f"{head}[{'{},' * (size // 3)}{{}}]{tail}"


def test_gates_close_only_for_those_who_may_pause():
    pauses = [
        replace(PAUSE, run_id="of-dave", asker=DAVE),
        replace(PAUSE, run_id="of-carol", asker=CAROL),
        replace(PAUSE, run_id="of-carol-as-viewer", asker=CAROL, role="viewer"),
        replace(PAUSE, run_id="of-the-owner", asker=replace(DAVE, is_owner=True)),
        replace(PAUSE, run_id="of-the-process"),
    ]
    resume = replace(PAUSE, verb="resume", run_id="resumed", asker=CAROL)

    held = held_by([*pauses, resume], RULES)

    assert held == {"of-carol", "of-the-owner", "of-the-process"}


def test_the_rules_that_close_no_gate_let_no_pause_in(floor):
    """A role that is granted in between lets in the next pause, not this one."""
    run_id = floor.launched(campaign(), ids(2))
    asked = replace(PAUSE, run_id=run_id, asker=DAVE)
    with floor.engine() as engine:
        assert held_by([asked], RULES) == set()
        engine.do(TakeCommand(asked, RULES))
        engine.do(TakeCommand(replace(asked, command_id="c-2"), RoleRules()))

    assert floor.receipt("c-1").refusal == "NOT_ALLOWED"
    assert floor.receipt("c-2").refusal != "NOT_ALLOWED"


def test_a_pause_beside_a_flood_waits_for_one_turn_of_it(floor, provider):
    """In counts: who is answered and what is sent once the pause is durable."""
    rate_per_s, permits = 100, 4
    provider.otherwise = Reply(after_s=0.005)
    told = webhook(provider.url, permits=permits, rate=f"{rate_per_s}/s")
    run_id = floor.launched(told, ids(2_000))
    hostile = replace(PAUSE, verb="launch", run_id="nobody", role="viewer")
    bombs = [replace(hostile, command_id=f"flood-b{number}") for number in range(9)]
    flood = [written(floor, one, bomb(one)) for one in bombs]
    for number in range(120):
        small = replace(hostile, command_id=f"flood-{number:03}", verb="pause")
        flood.append(written(floor, small))
    with floor.engine():
        until(lambda: len(provider.arrivals) > 20)
        pause = floor.command(Verb.PAUSE, run_id)
        lay(floor, flood)
        ask(floor.layout, pause)
        sent, answered = len(provider.arrivals), links_of_flood(floor)
        until(lambda: floor.receipt(pause.command_id) is not None, "an answer")
        sent_after = len(provider.arrivals) - sent
        answered_after = links_of_flood(floor, pause.command_id) - answered

    assert answered_after <= MOST_A_TURN + 1
    # A quarter of a second's worth; what is sent meanwhile is of one turn at most.
    assert sent_after <= rate_per_s // 4
    assert floor.view(run_id).lifecycle.gate is not Gate.OPEN


def links_of_flood(floor, before=""):
    """Return how many of the flood were answered, before a command if it is named."""
    query = text(
        "SELECT count(*) FROM chain WHERE command_id LIKE 'flood-%' AND link_no <"
        " coalesce((SELECT min(link_no) FROM chain WHERE command_id = :before), 1e9)"
    )
    return floor.read(lambda connection: connection.scalar(query, {"before": before}))
