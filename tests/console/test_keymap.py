from __future__ import annotations

from dataclasses import replace

from watchfloor.console.app import WatchfloorApp
from watchfloor.console.help_lines import help_lines
from watchfloor.console.keymap import (
    ACTS,
    RESERVED,
    Keymap,
    collisions,
    shown_keys,
)
from watchfloor.console.pieces import measured
from watchfloor.console.screens.audit import AuditScreen
from watchfloor.console.screens.callbacks import CallbacksScreen
from watchfloor.console.screens.chooser import Chooser
from watchfloor.console.screens.cohort import CohortScreen
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.events import Events
from watchfloor.console.screens.handover import HandoverPage
from watchfloor.console.screens.jobs import JobsScreen
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.lens import LensScreen
from watchfloor.console.screens.limits import LimitsDialog
from watchfloor.console.screens.live import LiveScreen
from watchfloor.console.screens.prompt import Prompt
from watchfloor.console.screens.reader import Reader
from watchfloor.console.screens.sheet import Sheet
from watchfloor.console.screens.triage import TriageScreen
from watchfloor.console.screens.unknowns import UnknownsScreen
from watchfloor.console.screens.wizard import LaunchWizard
from watchfloor.console.widgets.grid import Grid

HOMES: dict[str, tuple[type, ...]] = {
    "app": (WatchfloorApp,),
    "nav": (JobsScreen, Sheet, JourneyScreen),
    "main": (JobsScreen,),
    "table": (Grid,),
    "confirm": (Confirm,),
    "limits": (LimitsDialog,),
    "sheet": (JourneyScreen, AuditScreen, CallbacksScreen, LiveScreen, Events),
    "journey": (JourneyScreen,),
    "triage": (TriageScreen,),
    "audit": (AuditScreen,),
    "unknowns": (UnknownsScreen,),
    "cohort": (LensScreen, CohortScreen),
    "lens": (LensScreen,),
    "wizard": (LaunchWizard,),
    "find": (Prompt,),
    "handover": (HandoverPage,),
    "reader": (Reader,),
    "chooser": (Chooser,),
}


def test_no_key_means_two_things():
    assert collisions() == []


def test_a_collision_and_a_reserved_key_are_found():
    taken = replace(ACTS[0], ident="other", keys="q,ctrl+c", scope="app")

    found = collisions((*ACTS, taken))

    assert "q: app.quit and other" in found
    assert f"ctrl+c of other is reserved: {RESERVED['ctrl+c']}" in found


def test_every_act_has_its_own_name():
    assert len({act.ident for act in ACTS}) == len(ACTS)
    assert all(act.label for act in ACTS)


def test_every_act_is_bound_and_can_be_done_where_it_lives():
    for act in ACTS:
        name = act.action.partition("(")[0]
        for home in HOMES[act.scope]:
            target = WatchfloorApp if name.startswith("app.") else home
            assert hasattr(target, f"action_{name.removeprefix('app.')}"), act.ident
            bound = {
                binding.id
                for one in home.__mro__
                for binding in one.__dict__.get("BINDINGS", ())
            }
            assert act.ident in bound or not act.keys


def test_the_key_that_confirms_is_no_key_that_changes_a_run():
    confirms = {key for act in ACTS if act.ident == "confirm.yes" for key in act.keys}
    opens = {key for act in ACTS if act.changes_run for key in act.keys.split(",")}

    assert confirms.isdisjoint(opens)


def test_the_help_names_every_key_and_fits():
    for width in (80, 120, 200):
        lines = help_lines(Keymap(), width)
        text = "\n".join("".join(piece.text for piece in line) for line in lines)
        assert all(measured(line) <= width for line in lines)
        for act in Keymap().acts("app", "main", "nav", "table"):
            assert act.label in text
            assert all(key in text for key in shown_keys(act))
