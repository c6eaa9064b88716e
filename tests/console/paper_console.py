"""Run a console over a paper desk in a real terminal; for the tests of bytes.

The first argument says what the desk does at every refresh: ``still`` nothing, ``one``
changes one record and one run, ``all`` every record; with ``campaign`` nothing happens
to more runs. The second is the driver:
``thrifty`` or ``plain``.
"""

from __future__ import annotations

import signal
import sys

from tests.console.paper_desk import OWN_PID, PaperDesk, campaign_runs

from watchfloor.console.app import WatchfloorApp, run_console
from watchfloor.console.commands import Patience
from watchfloor.domain.views import Overview


class ChangingDesk(PaperDesk):
    """A desk on which something happens before every refresh."""

    kind = "still"

    async def overview(self) -> Overview:
        if self.kind in ("one", "all"):
            self.bump += 1
            self.all_change = self.kind == "all"
        return await super().overview()


def main(kind: str, driver: str, poison: str = "") -> int:
    desk = ChangingDesk(poison=poison.encode().decode("unicode_escape"))
    desk.kind = kind
    if kind == "campaign":
        desk.runs += campaign_runs()
    app = WatchfloorApp(
        desk,
        workspace_name="prod-eu",
        operator="ann@desk-3",
        clock=desk.clock,
        own_pid=OWN_PID,
        thrifty=driver == "thrifty",
        patience=Patience(poll_s=0.02, polls=20),
    )
    signal.signal(signal.SIGHUP, lambda *_: app.end_after_hangup())
    return run_console(app)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
