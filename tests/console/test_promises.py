from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.paper_runs import MINUTE_MS, NOON_MS, campaign_runs, some_runs

from watchfloor.console.promises import PromiseRow, at_length, fate, standing
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Lifecycle, Phase, RunOutcome
from watchfloor.domain.views import Asked, RecordView

HOUR_MS = 60 * MINUTE_MS
RUN = some_runs()[4]


def promise(due_ms: int, **more) -> PromiseRow:
    run = more.pop("run", RUN)
    values = {
        "next_at_ms": NOON_MS + due_ms,
        "due_at_ms": NOON_MS + due_ms,
        "expires_at_ms": NOON_MS + due_ms + 48 * HOUR_MS,
    }
    record = RecordView(
        seq=1, contact="+15550000001", state=RecordState.CALLBACK, **(values | more)
    )
    return PromiseRow(record, run, NOON_MS)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (promise(125 * MINUTE_MS), "not due, in 2 h 05 min"),
        (promise(15 * MINUTE_MS), "not due, in 15 min"),
        (promise(30_000), "not due, in under 1 min"),
        (promise(26 * HOUR_MS), "not due, in 1 d 02 h"),
        (promise(0), "due"),
        (promise(-HOUR_MS), "due"),
        (
            promise(-HOUR_MS, is_held=True, next_at_ms=NOON_MS + 19 * HOUR_MS),
            "due, window closed until 09:02",
        ),
        (
            promise(-HOUR_MS, is_held=True, next_at_ms=NOON_MS + 43 * HOUR_MS),
            "due, closed until 11-24 09:02",
        ),
        (promise(-HOUR_MS, is_held=True, next_at_ms=NOON_MS - 1), "due"),
        (
            promise(-HOUR_MS, expires_at_ms=NOON_MS),
            "too late, will not be tried",
        ),
    ],
)
def test_how_a_callback_stands_is_said_in_words_that_fit(row, said):
    assert standing(row) == said
    assert len(said) <= 30


def test_the_one_window_of_all_recipients_holds_what_is_due_and_nothing_else():
    shut = replace(RUN, shut_until_ms=NOON_MS + 19 * HOUR_MS)

    assert "window closed until 09:02" in standing(promise(-1, run=shut))
    assert "not due" in standing(promise(HOUR_MS, run=shut))


def text(lines) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in lines)


def test_at_length_both_times_stand_in_full_and_the_contact_does_not():
    said = text(at_length(promise(15 * MINUTE_MS)))

    assert "promised for 2026-11-22 14:17:11 UTC" in said
    assert "too late from 2026-11-24 14:17:11 UTC" in said
    assert "+1***0001" in said
    assert "0000001" not in said
    assert at_length(None) == ()


def test_a_purged_contact_is_called_so():
    row = promise(0)
    row = row._replace(record=replace(row.record, contact=""))

    assert "record 1, purged" in text(at_length(row))


def said(lifecycle: Lifecycle) -> str:
    asked = Asked(by="ann", at_ms=NOON_MS, why="greeting")
    return text([fate(replace(RUN, lifecycle=lifecycle, gate_asked=asked))])


def test_what_becomes_of_promises_is_said_for_every_phase():
    stopped = campaign_runs()[3].lifecycle

    assert "a second stop drops these" in said(stopped)
    assert "Only these are left" in said(RUN.lifecycle)
    running = replace(RUN.lifecycle, phase=Phase.RUNNING)
    assert "tried when due" in said(running)
    paused = said(replace(stopped, gate=Gate.PAUSED))
    assert "a second stop drops these" in paused
    assert "Paused by ann 14:02:11: greeting: none is tried before the resume" in paused
    cancelling = replace(RUN.lifecycle, phase=Phase.CANCELLING)
    assert "promises are dropped" in said(cancelling)
    ended = replace(
        RUN.lifecycle, phase=Phase.ENDED, outcome=RunOutcome.STOPPED, gate=Gate.OPEN
    )
    assert "no promise is kept" in said(ended)
