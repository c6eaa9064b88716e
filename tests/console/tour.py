"""Every screen of the console, by name, and the keys that lead to it."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

from tests.console.looking import press, settled, shown
from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import (
    a_canary,
    campaign_runs,
    retried_runs,
    some_runs,
)
from tests.support.patience import DEADLINE_S
from textual.pilot import Pilot
from textual.screen import Screen

from watchfloor.console.app import WatchfloorApp
from watchfloor.console.screens.audit import AuditScreen
from watchfloor.console.screens.callbacks import CallbacksScreen
from watchfloor.console.screens.canary import CanaryScreen
from watchfloor.console.screens.charts import ChartsScreen
from watchfloor.console.screens.chooser import Chooser
from watchfloor.console.screens.cohort import CohortScreen
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.details import Details
from watchfloor.console.screens.events import Events
from watchfloor.console.screens.handover import HandoverPage
from watchfloor.console.screens.jobs import JobsScreen
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.lens import LensScreen
from watchfloor.console.screens.limits import LimitsDialog
from watchfloor.console.screens.live import LiveScreen
from watchfloor.console.screens.prompt import Prompt
from watchfloor.console.screens.reader import Reader
from watchfloor.console.screens.switches import Switches
from watchfloor.console.screens.triage import TriageScreen
from watchfloor.console.screens.unknowns import UnknownsScreen
from watchfloor.console.screens.wizard import LaunchWizard

#: A run that ended with failures, and a retry of it.
FAILED, RETRIED = "run-0021", "run-0022"
#: Reads of the wizard, which ``settled`` does not wait for.
_OPENING = {"campaigns", "uploads", "check"}


class Stop(NamedTuple):
    """A screen on the tour.

    Attributes:
        keys: What is pressed on the jobs screen.
        kind: What is open then.
        about: The run under the cursor; empty for the first of those there are.
    """

    keys: tuple[str, ...]
    kind: type[Screen[Any]]
    about: str = ""


TOUR: dict[str, Stop] = {
    "jobs": Stop((), JobsScreen),
    "marked": Stop(("space", "space"), JobsScreen),
    "records": Stop(("l", "j", "j", "space"), JobsScreen),
    "full": Stop(("l", "f"), JobsScreen),
    "faults": Stop(("exclamation_mark",), JobsScreen),
    "filtered": Stop(("slash", *"http", "enter"), JobsScreen),
    "filter": Stop(("slash", *'code = "busy'), Prompt),
    "handover": Stop(("N",), HandoverPage),
    "order": Stop(("o",), Chooser),
    "columns": Stop(("w",), Switches),
    "journey": Stop(("l", "enter"), JourneyScreen),
    "beside": Stop(("l", "enter", "b"), JourneyScreen),
    "live": Stop(("2",), LiveScreen),
    "triage": Stop(("3", "j", "j", "j"), TriageScreen),
    "callbacks": Stop(("4", "j"), CallbacksScreen),
    "audit": Stop(("5", "j"), AuditScreen),
    "audit-filter": Stop(("5", "slash"), Prompt),
    "unknowns": Stop(("6",), UnknownsScreen),
    "resolve-as": Stop(("6", "m", "space", "space", "U"), Chooser),
    "resolve": Stop(("6", "m", "space", "space", "U", "down", "enter"), Confirm),
    "look-up": Stop(("6", "m", "L"), Confirm),
    "charts": Stop(("x",), ChartsScreen),
    "failures": Stop(("F",), LensScreen, FAILED),
    "failures-marked": Stop(("F", "b", "space", "space"), LensScreen, FAILED),
    "cohort": Stop(("F", "enter"), CohortScreen, FAILED),
    "retry": Stop(("m", "F", "R"), Confirm, FAILED),
    "retry-all": Stop(("m", "F", "E"), Confirm, FAILED),
    "canary": Stop(("C",), CanaryScreen, RETRIED),
    "events": Stop(("v",), Events),
    "details": Stop(("d",), Details),
    "help": Stop(("question_mark",), Reader),
    "palette": Stop(("colon", *"pa"), Chooser),
    "actions": Stop(("a",), Chooser),
    "paused": Stop(("m", "p"), JobsScreen),
    "stop": Stop(("m", "s"), Confirm),
    "stopped": Stop(("m", "s", "y"), JobsScreen),
    "cancel": Stop(("m", "j", "j", "c"), Confirm),
    "refused": Stop(("m", "c"), Confirm),
    "many": Stop(("m", "space", "space", "space", "p"), Confirm),
    "approve": Stop(("m", "A"), Confirm, "run-0011"),
    "limits": Stop(("m", "L"), LimitsDialog),
    "leave": Stop(("q",), Confirm),
    "wizard": Stop(("n",), LaunchWizard),
    "wizard-upload": Stop(("n", "enter"), LaunchWizard),
    "wizard-checks": Stop(("n", "enter", "enter"), LaunchWizard),
    "wizard-render": Stop(("n", "enter", "enter", "pagedown"), LaunchWizard),
    "wizard-review": Stop(("n", "enter", "enter", *["pagedown"] * 2), LaunchWizard),
}


def set_out(desk: PaperDesk, name: str) -> None:
    """Fill a desk with what the screen is about."""
    about = TOUR[name].about
    desk.runs = some_runs() + campaign_runs()
    if about in (FAILED, RETRIED):
        desk.runs += retried_runs()
        desk.canaries = {RETRIED: a_canary(RETRIED)}
    desk.runs.sort(key=lambda run: run.run_id != about)
    desk.steps = ("call", "text")
    desk.reports = {"opened": 300, "clicked": 100, "opted_out": 2}


async def at_rest(pilot: Pilot[Any]) -> None:
    """Wait until every read has come, the wizard's too."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        await settled(pilot)
        if not any(worker.group in _OPENING for worker in pilot.app.workers):
            return
        await asyncio.sleep(0.002)


async def walk(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one after another, each with its reads."""
    for key in keys:
        await press(pilot, key)
        await at_rest(pilot)


async def arrive(pilot: Pilot[Any], name: str) -> None:
    """Go to a screen; fail where it does not open."""
    await at_rest(pilot)
    await walk(pilot, *TOUR[name].keys)
    app = pilot.app
    assert isinstance(app, WatchfloorApp)
    assert isinstance(app.screen, TOUR[name].kind), (name, app.screen, shown(app))
