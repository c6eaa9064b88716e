"""What everybody is told of an engine that ends, and of one that stands still."""

from __future__ import annotations

import pytest

from watchfloor.domain.draining import (
    Drain,
    at_words,
    drain_figures,
    drain_words,
    hang_words,
    holder_words,
    unseen_words,
    wait_s,
    waits_for_it,
)

#: 14:55:20 of some day.
SINCE_MS = 20_000 * 86_400_000 + ((14 * 60 + 55) * 60 + 20) * 1_000


@pytest.mark.parametrize(
    ("lasts_s", "ends"),
    [(40, "14:56"), (41, "14:57"), (580, "15:05"), (40_000, "10-05 02:02")],
    ids=["at the full minute", "after it", "within the hour", "tomorrow"],
)
def test_an_end_is_never_promised_too_early(lasts_s, ends):
    drain = Drain(SINCE_MS, SINCE_MS + lasts_s * 1_000, 1_234)
    figures = f"1,234 in flight, since 14:55; ends by {ends} at the latest"

    assert drain_figures(drain, SINCE_MS) == figures
    assert drain_words(drain, SINCE_MS) == f"drains, {figures}"


@pytest.mark.parametrize(
    ("left_ms", "seconds"), [(-5_000, 1), (0, 1), (1, 1), (1_001, 2), (60_000, 60)]
)
def test_who_waits_for_it_waits_until_its_end_at_least(left_ms, seconds):
    drain = Drain(SINCE_MS, SINCE_MS + left_ms, 1)

    assert wait_s(drain, SINCE_MS) == seconds
    assert waits_for_it(drain, SINCE_MS) == f"watchfloor engine --wait {seconds}"


def test_one_that_hangs_is_told_by_its_process_and_its_silence():
    assert hang_words(4711, SINCE_MS - 12_000, SINCE_MS) == (
        "hangs: last heartbeat 12 s ago, and its process 4711 lives"
    )


@pytest.mark.parametrize(
    ("holder", "at"),
    [
        ("engine of nora (pid 7 on desk)", "is starting"),
        ("launch of ann (pid 7 on desk), for a moment", "applies a command"),
    ],
)
def test_one_that_does_not_beat_yet_is_told_by_what_it_is_at(holder, at):
    assert at_words(holder) == at
    assert holder_words(holder) == f"{holder.partition(',')[0]} {at}"


def test_of_one_whose_lock_may_not_be_read_it_is_said_what_is_known_and_what_not():
    assert unseen_words(SINCE_MS - 12_000, SINCE_MS) == (
        "does not answer: last heartbeat 12 s ago; whether its process lives cannot be "
        "told: its lock cannot be read from this account"
    )
