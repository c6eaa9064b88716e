from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.support.floor import NORA, campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.handover import note_lines
from watchfloor.domain.regions import Gate, Phase, Verb
from watchfloor.engine.handover import handover
from watchfloor.intake.workspace_file import parse_workspace
from watchfloor.store.reads.periods import entries_since

HOUR_MS = 3_600_000
WORKSPACE = parse_workspace('[workspace]\nid = "floor"\nname = "Floor"\n', "test.toml")


def noted(floor, span_ms=8 * HOUR_MS, workspace=WORKSPACE):
    now_ms = floor.clock.now_ms()
    return floor.read(
        lambda connection: handover(connection, workspace, now_ms - span_ms, now_ms)
    )


def words(note):
    return [one.event for one in note.changes]


def test_a_shift_with_a_run_that_ended_is_told_with_its_counts(floor):
    run_id = floor.launched(campaign(), ids(12))
    floor.carried_out()

    note = noted(floor)

    [told] = note.runs
    assert (told.run_id, told.name) == (run_id, "Trial")
    assert told.sentence.startswith("Completed + collecting; 12 delivered")
    assert (told.gained.delivered, told.gained.attempts) == (12, 12)
    assert note.gained == told.gained
    assert words(note) == ["launch", "admitted", "all_done"]
    assert (note.engine.starts, note.engine.crashes) == (1, 0)
    assert not note.engine.is_alive
    assert note.waits == note.questions == ()
    [coming] = note.coming
    assert coming.what == "the first of 1 run that collect results closes them"


def test_what_was_before_the_shift_is_not_of_it(floor):
    floor.launched(campaign(), ids(3))
    floor.carried_out()
    floor.clock.ahead_s += 9 * 3_600

    note = noted(floor)

    assert (note.runs, note.changes, note.engine.starts) == ((), (), 0)
    assert len(noted(floor, 10 * HOUR_MS).runs) == 1


def test_who_paused_a_run_and_why_is_told_and_what_makes_it_go_on(floor, provider):
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=2), ids(9))
    with floor.engine():
        until(lambda: provider.at_once == 2)
        floor.steered(
            Verb.PAUSE, run_id, "ask nora@example.org first", state="acknowledged"
        )
        provider.let_go()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
        floor.ordered("limit", run_id, scope="run", permits=1, why="slowly")
        note = noted(floor)

    assert note.engine.is_alive
    assert words(note)[-2:] == ["pause", "limits changed"]
    [waits] = note.waits
    assert waits.startswith(f"Trial ({run_id}) was paused by {NORA}: ask n")
    assert waits.endswith(f"watchfloor resume {run_id}")
    assert "nora@" not in str(note)
    changed = next(one for one in note.changes if one.event == "limits changed")
    assert (changed.by, changed.why) == (NORA, "slowly")


def test_a_pause_by_the_engine_and_unknown_records_are_left_as_questions(
    floor, provider
):
    provider.otherwise = Reply(status=404)
    guard = (
        '[guard]\nbreaker_after = 0\npause_when = { class = "permanent", '
        'share = 0.2, over = "5m", at_least = 10 }'
    )
    run_id = floor.launched(webhook(provider.url, rest=guard), ids(60))
    with floor.engine():
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
        note = noted(floor)

    [question] = note.questions
    assert question.startswith(f"Trial ({run_id}) was paused by the engine (permanent")
    assert question.endswith(f"watchfloor why {run_id}")
    assert note.waits == ()


def test_a_run_that_mostly_fails_is_an_open_question_and_no_run_that_does_well(
    floor, provider
):
    provider.otherwise = Reply(status=503)
    patient = 'attempts = 9\nbackoff = "1h"\nmax_backoff = "1h"'
    quiet = "[guard]\nbreaker_after = 0"
    told = webhook(provider.url, permits=4, retry=patient, rest=quiet)
    run_id = floor.launched(told, ids(24))
    with floor.engine():
        until(lambda: floor.books(run_id).retry == 24)
        note = noted(floor)

    [run] = note.runs
    assert "24 of 24 fail: transient http_503" in run.sentence
    assert any(
        "24 of 24 fail" in one and f"watchfloor triage {run_id}" in one
        for one in note.questions
    )


def test_unknown_records_wait_for_somebody(floor, provider):
    provider.otherwise = Reply(drop=True)
    settings = 'delivery = "at_most_once"'
    floor.launched(webhook(provider.url, settings, permits=1), ids(2))
    floor.carried_out()

    assert noted(floor).waits == (
        (
            "2 records unknown, to be resolved: watchfloor unknowns lists them, then: "
            "watchfloor resolve RUN SEQ --as delivered --reason TEXT (or --as "
            "not-delivered)"
        ),
    )


def test_an_approval_waits_for_somebody(floor, provider):
    told = webhook(provider.url, rest="[approval]\nafter = 3\n")
    run_id = floor.launched(told, ids(9))
    with floor.engine():
        until(lambda: floor.view(run_id).awaits_approval)
        until(lambda: not floor.books(run_id).attempting)
        note = noted(floor)

    assert note.waits == (
        f"Trial ({run_id}) waits for approval: watchfloor approve {run_id}",
    )


def test_a_failed_run_is_an_open_question(floor):
    run_id = floor.launched(
        webhook("http://127.0.0.1:9/", 'headers = { Authorization = "env:NOT_THERE" }'),
        ids(3),
    )
    floor.carried_out()

    note = noted(floor)

    [question] = note.questions
    assert question.startswith(f"Trial ({run_id}) failed (channel refused its ")
    assert words(note)[-1] == "fatal_error"


def test_runs_that_wait_without_an_engine_are_the_first_question(floor):
    floor.launched(campaign(), ids(3))

    note = noted(floor)

    assert note.questions[0] == (
        "Why does no engine run? 1 run can only wait: watchfloor engine"
    )
    [told] = note.runs
    assert told.sentence.startswith("not started, no engine")


def test_callbacks_and_the_end_of_quiet_hours_are_told_as_coming(floor):
    settings = 'callback_after = "2h"\nshares = { callback = 1.0 }'
    run_id = floor.launched(campaign(settings), ids(4))
    with floor.engine():
        floor.until_phase(run_id, Phase.CALLBACK)
        now = datetime.fromtimestamp(floor.clock.now_ms() / 1000, UTC)
        quiet = parse_workspace(
            '[workspace]\nid = "floor"\nname = "Floor"\n[alerts]\non = ["slow"]\n'
            f'[alerts.quiet]\nfrom = "{now:%H:%M}"\n'
            f'to = "{now + timedelta(hours=3):%H:%M}"\n',
            "test.toml",
        )
        note = noted(floor, workspace=quiet)

    coming = [one.what for one in note.coming]
    assert f"Trial ({run_id}): the first of 4 callbacks" in coming
    assert "quiet hours end: alerts that wait are told" in coming


def test_an_engine_that_ended_in_good_order_did_not_die(floor):
    with floor.engine():
        until(lambda: started(floor) == 1)
    with floor.engine():
        until(lambda: started(floor) == 2)
        note = noted(floor)

    assert (note.engine.starts, note.engine.crashes) == (2, 0)


def journal_of(floor):
    return floor.read(lambda connection: entries_since(connection, 0))


def started(floor):
    return [one.event for one in journal_of(floor)].count("engine started")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_a_note_reads_as_text_and_holds_nothing_that_a_terminal_obeys(floor, zone):
    name = json.dumps("Autumn \x1b]52;c;eA==\x07 +49 170 1234567")
    told = campaign().replace('name = "Trial"', f"name = {name}", 1)
    run_id = floor.launched(told, ids(3))
    floor.carried_out()

    workspace = parse_workspace(
        f'[workspace]\nid = "floor"\nname = "Floor"\nzone = "{zone}"\n', "test.toml"
    )
    note = noted(floor, workspace=workspace)
    text = "\n".join(note_lines(note, ZoneInfo(zone)))

    assert run_id in text
    assert "\x1b" not in text
    assert "\x07" not in text
