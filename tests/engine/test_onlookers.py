"""Whoever may write the inbox and may not command: no run, store or person suffers."""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import asdict, replace
from functools import partial

import pytest
from sqlalchemy import text
from tests.support.floor import campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.regions import Gate, Verb
from watchfloor.domain.roles import Identity, RoleRules
from watchfloor.engine.commands import MOST_SEEN_CHARS, TakeCommand, held_by
from watchfloor.engine.onlookers import MOST_A_MINUTE, Onlookers
from watchfloor.store.asks import MOST_A_TURN, MOST_BYTES, MOST_SMALL_BYTES
from watchfloor.store.commands import MOST_CHARS, MOST_KEPT_CHARS, MOST_NAME_CHARS
from watchfloor.store.inbox import Command, ask

RULES = RoleRules(operators=frozenset({"carol"}))
CAROL = Identity(uid=1001, name="carol")
DAVE = Identity(uid=1002, name="dave")
PAUSE = Command(command_id="c-1", at_ms=1, verb="pause", run_id="run-1", by="dave")


def stored(floor, command_id):
    """Return the rows that a command left, as plain values."""
    told = {"command_id": command_id}
    rows = []
    for table in ("command", "journal"):
        query = text(f"SELECT * FROM {table} WHERE command_id = :command_id")  # noqa: S608 - ours
        rows += floor.read(lambda c, q=query: c.execute(q, told).mappings().all())
    return [dict(row) for row in rows]


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


def test_of_whoever_may_not_ask_no_more_is_kept_than_tells_what_was_asked(floor):
    run_id = floor.launched(campaign(), ids(2))
    seen = {"x": "a" * (MOST_SMALL_BYTES - 2 * MOST_CHARS)}
    refused = Command(
        command_id="c" * MOST_NAME_CHARS,
        at_ms=1,
        verb="pause",
        run_id=run_id,
        by="eve",
        origin="o" * MOST_NAME_CHARS,
        why="w" * MOST_CHARS,
        payload={"seen": seen},
        role="viewer",
    )

    answer = floor.asked(refused)

    assert answer.refusal == "NOT_ALLOWED"
    command, entry = stored(floor, refused.command_id)
    assert (command["run_id"], command["seen_json"]) == (run_id, "{}")
    assert command["why"] == entry["why"] == "w" * MOST_KEPT_CHARS
    assert (
        sum(len(str(one)) for row in (command, entry) for one in row.values()) < 4_000
    )


def test_what_a_refused_retry_calls_its_parent_is_not_kept_at_any_length(floor):
    payload = {"parent_id": "p" * 50_000}
    asked = replace(PAUSE, verb="retry", role="viewer", payload=payload)

    assert floor.asked(asked).refusal == "NOT_ALLOWED"

    [_, entry] = stored(floor, "c-1")
    assert entry["run_id"] == "p" * MOST_KEPT_CHARS


@pytest.mark.parametrize(
    "seen",
    [
        {"x": "a" * 1_000},
        dict.fromkeys(("version", "untouched", "in_flight", "callbacks"), "a" * 1_000)
        | {"launched": False},
    ],
    ids=["no figures", "figures of letters"],
)
def test_what_was_seen_is_kept_only_if_it_is_figures(floor, seen):
    run_id = floor.launched(campaign(), ids(2))
    asked = replace(floor.command(Verb.PAUSE, run_id), payload={"seen": seen})

    assert floor.asked(asked).refusal == "UNUSABLE"

    [command, _] = stored(floor, asked.command_id)
    assert command["seen_json"] == "{}"
    assert floor.steered(Verb.PAUSE, run_id).state == "settled"


def test_what_was_seen_is_kept_up_to_a_length_and_its_length_beyond(floor):
    digests = [f"{number:032x}" for number in range(3)]
    seen = {"selection": ["s" * 100] * 150}
    for more in ("fits", "e" * MOST_SEEN_CHARS):
        floor.ordered("suppress", digests=digests, seen={**seen, "more": more})

    [short, long] = floor.read(
        lambda connection: [
            json.loads(one)
            for one in connection.scalars(
                text("SELECT seen_json FROM command ORDER BY length(seen_json) DESC")
            )
        ]
    )

    assert short == {**seen, "more": "fits"}
    assert list(long) == ["left_out_characters"]
    assert long["left_out_characters"] > MOST_SEEN_CHARS


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


def test_an_account_that_only_looks_is_answered_some_times_a_minute(caplog):
    now_s = [0.0]
    onlookers = Onlookers(lambda: RULES, lambda: now_s[0])
    by_dave = [replace(PAUSE, asker=DAVE)] * (MOST_A_MINUTE - 1)

    onlookers.note([*by_dave, *[replace(PAUSE, asker=CAROL)] * 90, PAUSE])
    assert onlookers.most_of(DAVE) == 1
    assert not caplog.text
    onlookers.note(by_dave[:2])
    assert onlookers.most_of(DAVE) == 0
    assert caplog.text.count("dave only looks and was refused 30 times") == 1
    # Whoever may command is not counted: among what they ask may be a pause.
    assert onlookers.most_of(CAROL) > 1_000

    now_s[0] = 59.9
    assert onlookers.most_of(DAVE) == 0
    now_s[0] = 60.0
    assert onlookers.most_of(DAVE) == MOST_A_MINUTE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as another account")
def test_a_flood_of_an_account_that_only_looks_is_answered_and_taken_away(floor):
    floor.configure('[roles]\noperators = ["nobody-at-all"]')
    run_id = floor.launched(campaign(), ids(2))
    flood = [
        replace(PAUSE, command_id=f"flood-{number}", run_id=run_id)
        for number in range(MOST_A_MINUTE + 30)
    ]
    lay(floor, [written(floor, one, account="daemon") for one in flood])
    with floor.engine():
        until(lambda: not list(floor.layout.asks.iterdir()), "the folder to be empty")
        floor.clock.monotonic_ahead_s += 60
        later = replace(PAUSE, command_id="later", run_id=run_id)
        lay(floor, [written(floor, later, account="daemon")])
        until(partial(floor.receipt, "later"), "a minute later to be another one")
        assert floor.view(run_id).lifecycle.gate is not Gate.PAUSED

    query = text("SELECT refusal FROM command WHERE command_id LIKE 'flood%'")
    refusals = floor.read(lambda connection: connection.scalars(query).all())
    assert refusals == ["NOT_ALLOWED"] * MOST_A_MINUTE


def test_a_pause_beside_a_flood_waits_for_one_turn_of_it(floor, provider):
    """In counts of who is answered, once the pause is durable."""
    provider.otherwise = Reply(after_s=0.005)
    told = webhook(provider.url, permits=4, rate="100/s")
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
        answered = links_of_flood(floor)
        until(lambda: floor.receipt(pause.command_id) is not None, "an answer")
        answered_after = links_of_flood(floor, pause.command_id) - answered

    assert answered_after <= MOST_A_TURN + 1
    assert floor.view(run_id).lifecycle.gate is not Gate.OPEN


def links_of_flood(floor, before=""):
    """Return how many of the flood were answered, before a command if it is named."""
    query = text(
        "SELECT count(*) FROM chain WHERE command_id LIKE 'flood-%' AND link_no <"
        " coalesce((SELECT min(link_no) FROM chain WHERE command_id = :before), 1e9)"
    )
    return floor.read(lambda connection: connection.scalar(query, {"before": before}))
