"""A console over a paper desk, and what stands on its screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import OWN_PID, HandClock
from tests.console.style_rules import parsed_once
from tests.console.unseen import painted_when_seen

from watchfloor.console.app import WatchfloorApp
from watchfloor.console.commands import Patience
from watchfloor.console.preferences import Preferences

QUICK = Patience(poll_s=0.005, polls=40)


@pytest.fixture(scope="session", autouse=True)
def _style_rules():
    with parsed_once():
        yield


@pytest.fixture(autouse=True)
def _paintings():
    with painted_when_seen():
        yield


@pytest.fixture
def desk() -> PaperDesk:
    return PaperDesk()


@pytest.fixture
def clock(desk: PaperDesk) -> HandClock:
    return desk.clock


@pytest.fixture
def console(desk: PaperDesk) -> Callable[..., WatchfloorApp]:
    def opened(**choices: Any) -> WatchfloorApp:
        settings: dict[str, Any] = {
            "workspace_name": "prod-eu",
            "operator": "ann@desk-3",
            "clock": desk.clock,
            "own_pid": OWN_PID,
            "patience": QUICK,
            # What is confirmed goes out at once, unless a test wants to take it back.
            "wishes": Preferences(undo_s=0, theme="dark"),
        }
        return WatchfloorApp(desk, **{**settings, **choices})

    return opened


@pytest.fixture
def app(console: Callable[..., WatchfloorApp]) -> WatchfloorApp:
    return console()
