"""Signals that end a console, as its engine's keeper hears of them."""

from __future__ import annotations

import os
import signal

import pytest
from tests.support.patience import until

from watchfloor.cli import compose, departure
from watchfloor.cli.beside import Beside
from watchfloor.cli.departure import Departure
from watchfloor.console.app import WatchfloorApp
from watchfloor.console.late_desk import LateDesk


@pytest.fixture
def beside(shell):
    return Beside(shell.layout, starts=False)


@pytest.fixture
def told_to_end(beside, monkeypatch):
    """End a console by a signal, before its screens have; it has a terminal."""
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.setattr(departure, "has_terminal", lambda: True)
    app = WatchfloorApp(
        LateDesk(beside.desk),
        workspace_name="floor",
        operator="ann",
        clock=compose.now_ms,
    )

    def by(number: int, on_hangup: str) -> None:
        Departure(app, beside, on_hangup=on_hangup).listen()
        os.kill(os.getpid(), number)
        until(lambda: app.is_told_to_end)

    yield by
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_no_key_that_waits_starts_an_engine_in_a_console_that_is_to_end(
    beside, told_to_end, number
):
    told_to_end(number, "drain")

    assert beside.start() == "this console is being left"
    assert (beside.engine, beside.is_owned()) == (None, False)


def test_a_console_that_outlives_its_terminal_may_start_one(beside, told_to_end):
    told_to_end(signal.SIGHUP, "continue")

    assert beside.start() == ""
    engine = beside.left()
    assert engine is not None
    engine.stop()
    assert engine.join()
