"""A console that stands still for a moment loses no timer that rings once."""

from __future__ import annotations

from itertools import count

import pytest
from tests.console.looking import laid_out, press, until
from tests.console.test_sizes import resize
from tests.console.tour import at_rest
from textual import _time


@pytest.fixture
def standstills(monkeypatch):
    """From now on the machine stands still between two looks at the clock."""
    clock, looks, lost_s = _time.get_time, count(), 0.0

    def late() -> float:
        nonlocal lost_s
        # Longer than any timer that rings once; not for ever, or those that ring again
        # and again would never come to wait.
        lost_s += 0.5 if next(looks) < 40 else 0.0
        return clock() + lost_s

    return lambda: monkeypatch.setattr(_time, "get_time", late)


async def test_a_size_is_heard_of_although_the_console_stood_still(app, standstills):
    async with app.run_test(size=(120, 36)) as pilot:
        await at_rest(pilot)
        standstills()
        await resize(pilot, 80, 24)
        await resize(pilot, 100, 30)
        assert laid_out(app) == [100] * 30


async def test_a_cursor_that_rests_is_followed_although_the_console_stood_still(
    app, desk, standstills
):
    async with app.run_test(size=(120, 36)) as pilot:
        await at_rest(pilot)
        second = app.jobs.runs.rows[1].run
        standstills()
        await press(pilot, "j")
        await until(
            pilot, lambda: app.jobs.shown and app.jobs.shown.run_id == second.run_id
        )
