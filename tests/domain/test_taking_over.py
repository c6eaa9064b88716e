from __future__ import annotations

from dataclasses import replace

import pytest

from watchfloor.domain.draining import Drain, drain_words
from watchfloor.domain.taking_over import (
    beats_still,
    beats_still_said,
    drain_lines,
    ending_said,
    not_taken_said,
    owner_words,
    seize_lines,
    take_over_lines,
    take_over_payload,
)
from watchfloor.domain.views import EngineView

NOON_MS = 1_763_820_131_000  # 2025-11-22 14:02:11 UTC
OWNER = EngineView(
    epoch=7,
    owner="nora",
    pid=4711,
    host="night-desk",
    started_at_ms=NOON_MS - 3_600_000,
    heartbeat_at_ms=NOON_MS - 95_000,
    released=False,
)


def test_only_the_engine_that_was_seen_is_asked_and_only_while_somebody_waits():
    assert take_over_payload(OWNER, NOON_MS) == {
        "epoch": 7,
        "until_ms": NOON_MS + 10_000,
    }


def test_the_owner_is_named_with_its_process_and_the_age_of_its_heartbeat():
    assert owner_words(OWNER, NOON_MS) == (
        "nora, pid 4711 on night-desk, since 13:02, last heartbeat 1 min 35 s ago"
    )


def test_an_owner_without_a_host_is_here_and_a_clock_behind_makes_no_age():
    here = replace(OWNER, host="", heartbeat_at_ms=NOON_MS + 500)

    assert owner_words(here, NOON_MS) == (
        "nora, pid 4711 on this machine, since 13:02, last heartbeat 0 s ago"
    )
    assert seize_lines(here, NOON_MS)[0] == (
        "pid 4711 on this machine holds the lock and took no command; its last "
        "heartbeat came 0 s ago."
    )


def test_of_an_engine_that_ends_already_nothing_is_asked():
    drain = Drain(NOON_MS - 60_000, NOON_MS + 49_000, 10)

    assert drain_lines(drain, NOON_MS) == (
        f"That engine {drain_words(drain, NOON_MS)}.",
        "Nothing is asked of it: its attempts in flight end, none is begun.",
        "When it has ended, the runs go on with an engine here.",
    )


def test_who_is_asked_to_let_go_drains_first():
    assert take_over_lines() == (
        "That engine is asked to drain: its attempts in flight end, none is begun.",
        "Then it lets go, and the runs go on with an engine here.",
        "If it has a console, that stays open, as a console of this engine.",
    )


def test_passing_over_a_silent_owner_says_what_it_may_still_send():
    assert seize_lines(OWNER, NOON_MS) == (
        (
            "pid 4711 on night-desk holds the lock and took no command; its last "
            "heartbeat came 1 min 35 s ago."
        ),
        "It is stopped, or hangs. Nothing is killed here; look at it first.",
        "Passed over, it can store nothing any more, and ends when it notices.",
        "What it had in flight is accounted for as after a crash.",
        "It begins nothing more when it wakes; what it was sending may go out.",
    )


@pytest.mark.parametrize(
    ("age_ms", "released", "beats"),
    [
        (0, False, True),
        (5_000, False, True),
        (5_001, False, False),
        (-60_000, False, False),
        (0, True, False),
    ],
    ids=["now", "as long as a proof holds", "longer", "clock put back", "let go"],
)
def test_an_owner_whose_proof_may_hold_beats_still(age_ms, released, beats):
    owner = replace(OWNER, heartbeat_at_ms=NOON_MS - age_ms, released=released)

    assert beats_still(owner, NOON_MS) is beats


def test_one_that_only_tells_why_it_cannot_store_is_silent():
    assert not beats_still(replace(OWNER, is_held=True), NOON_MS)


def test_who_may_not_pass_an_owner_over_is_told_what_else_there_is():
    again = replace(OWNER, heartbeat_at_ms=NOON_MS - 1_000)

    assert beats_still_said(again, NOON_MS) == (
        "the owner lives and stores again: nora, pid 4711 on night-desk, since 13:02, "
        "last heartbeat 1 s ago. It was not passed over, and nothing was changed. Ask "
        "it once more to let go: watchfloor engine --take-over. Where it still takes "
        f"no command, {ending_said(again)}"
    )


@pytest.mark.parametrize(
    ("host", "where"), [("night-desk", "night-desk"), ("", "this machine")]
)
def test_how_an_owner_is_ended_says_where_and_what_becomes_of_what_is_in_flight(
    host, where
):
    assert ending_said(replace(OWNER, host=host)) == (
        f"end that process, on {where}: kill 4711. It drains then: its attempts in "
        "flight end, and none is begun. Only where it does not: kill -9 4711. That "
        "cuts them off, and the next engine accounts for each as after a crash, by "
        "its channel's mode: sent again with the same key, or unknown"
    )


def test_nobody_is_asked_where_one_only_starts():
    assert not_taken_said("engine (pid 7 on desk)") == (
        "engine (pid 7 on desk) is starting: it can neither be asked nor passed over. "
        "Nothing was changed; wait for that; where it takes long, look at that process"
    )
