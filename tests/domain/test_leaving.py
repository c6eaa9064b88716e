from __future__ import annotations

from dataclasses import replace

import pytest

from watchfloor.domain.books import Books
from watchfloor.domain.leaving import Leaving, interruption, left_words
from watchfloor.domain.regions import Gate, Intake, Lifecycle, Phase, RunOutcome
from watchfloor.domain.views import EngineView, RunView

NOON_MS = 1_763_820_131_000  # 2025-11-22 14:02:11 UTC
HOUR_MS = 3_600_000
GONE = EngineView(
    epoch=3,
    owner="console of ann",
    pid=7,
    started_at_ms=NOON_MS - HOUR_MS,
    heartbeat_at_ms=NOON_MS - 60_000,
    left=Leaving.HANG_UP,
    left_at_ms=NOON_MS - 60_000,
)
RUN = RunView(
    run_id="r-1",
    campaign_id="c",
    campaign_name="Autumn",
    upload_id="u",
    upload_name="u.csv",
    lifecycle=Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True),
    books=Books(),
    version=1,
    created_at_ms=NOON_MS - HOUR_MS,
    started_at_ms=NOON_MS - HOUR_MS,
)


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (Leaving.HANG_UP, "interrupted by a hang-up at 14:01"),
        (Leaving.SIGNAL, "interrupted by a stop signal at 14:01"),
        (Leaving.QUIT, "interrupted when the console was left at 14:01"),
        (Leaving.HANDED_ON, "handed on, and no engine took it at 14:01"),
        (Leaving.TAKEN_OVER, "let go for a take-over, and no engine took it at 14:01"),
        (
            Leaving.STORE_GONE,
            "interrupted when files of its store were moved or deleted at 14:01",
        ),
        (Leaving.IDLE, ""),
        ("", ""),
        ("a word of a later version", ""),
    ],
)
def test_what_interrupted_a_run_is_told_with_its_time(why, words):
    assert interruption(RUN, replace(GONE, left=why), NOON_MS) == words
    assert left_words(replace(GONE, left=why), NOON_MS) == words


def test_while_an_engine_lives_nothing_is_interrupted():
    assert left_words(replace(GONE, released=False), NOON_MS) != ""
    living = replace(GONE, released=False, heartbeat_at_ms=NOON_MS)
    assert left_words(living, NOON_MS) == ""


@pytest.mark.parametrize(
    "run",
    [
        replace(RUN, lifecycle=replace(RUN.lifecycle, gate=Gate.PAUSED)),
        replace(RUN, lifecycle=replace(RUN.lifecycle, gate=Gate.PAUSING)),
        replace(RUN, started_at_ms=None),
        replace(RUN, started_at_ms=NOON_MS - 59_999),
        replace(
            RUN,
            lifecycle=replace(
                RUN.lifecycle, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED
            ),
        ),
    ],
    ids=["paused", "pausing", "not started", "started since", "ended"],
)
def test_what_would_not_go_on_by_an_engine_alone_was_not_interrupted(run):
    assert interruption(run, GONE, NOON_MS) == ""
