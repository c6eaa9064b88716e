"""Run a console over a paper desk in a real terminal; for the tests of bytes.

The first argument says what the desk does at every refresh: ``still`` nothing, ``one``
changes one record and one run, ``all`` every record; with ``campaign`` nothing happens
to more runs, nor with ``retried`` to a run that failed and its retry. The second is
the driver: ``thrifty`` or ``plain``; ``staying`` is the thrifty one of a console that
q does not end, and ``recorded:FILE`` the same, with all that it is told to paint
written to FILE.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import (
    OWN_PID,
    a_canary,
    campaign_runs,
    retried_runs,
)
from textual.driver import Driver

from watchfloor import console
from watchfloor.console.app import WatchfloorApp, run_console
from watchfloor.console.commands import Patience
from watchfloor.console.driver import ThriftyDriver
from watchfloor.console.preferences import Preferences
from watchfloor.domain.views import Overview


class ChangingDesk(PaperDesk):
    """A desk on which something happens before every refresh."""

    kind = "still"

    async def overview(self) -> Overview:
        if self.kind in ("one", "all"):
            self.bump += 1
            self.all_change = self.kind == "all"
        return await super().overview()


class RecordedDriver(ThriftyDriver):
    """Writes down what it is told to paint, as a plain driver would send it."""

    told = Path()

    def write(self, data: str) -> None:
        with self.told.open("ab", buffering=0) as record:
            record.write(data.encode())
        super().write(data)


class StayingApp(WatchfloorApp):
    """A console for storms of keys: q does not end it, ctrl+q does."""

    CSS_PATH = str(Path(console.__file__).with_name("console.tcss"))
    is_recorded = False

    def get_driver_class(self) -> type[Driver]:
        return RecordedDriver if self.is_recorded else super().get_driver_class()

    async def action_ask_quit(self) -> None:
        return

    async def action_quit(self) -> None:
        self.exit(0)


def main(kind: str, driver: str, poison: str = "", theme: str = "") -> int:
    desk = ChangingDesk(poison=poison.encode().decode("unicode_escape"))
    desk.kind = kind
    if kind == "campaign":
        desk.runs += campaign_runs()
    if kind == "retried":
        # The one that failed stands first, its retry under it.
        desk.runs = retried_runs() + desk.runs
        desk.canaries = {run.run_id: a_canary(run.run_id) for run in desk.runs[1:2]}
    name, _, record = driver.partition(":")
    RecordedDriver.told = Path(record)
    StayingApp.is_recorded = name == "recorded"
    app = (WatchfloorApp if name in ("thrifty", "plain") else StayingApp)(
        desk,
        workspace_name="prod-eu",
        operator="ann@desk-3",
        clock=desk.clock,
        own_pid=OWN_PID,
        thrifty=name != "plain",
        patience=Patience(poll_s=0.02, polls=20),
        wishes=Preferences(theme=theme),
    )
    signal.signal(signal.SIGHUP, lambda *_: app.end_after_hangup())
    return run_console(app)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
