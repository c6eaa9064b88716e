"""Which screens can be had over the jobs by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from textual.screen import Screen

from watchfloor.console.screens.audit import AuditScreen
from watchfloor.console.screens.callbacks import CallbacksScreen
from watchfloor.console.screens.canary import CanaryScreen
from watchfloor.console.screens.charts import ChartsScreen
from watchfloor.console.screens.handover import HandoverPage
from watchfloor.console.screens.lens import LensScreen
from watchfloor.console.screens.live import LiveScreen
from watchfloor.console.screens.modal import Modal
from watchfloor.console.screens.sheet import Sheet
from watchfloor.console.screens.triage import TriageScreen
from watchfloor.console.screens.unknowns import UnknownsScreen
from watchfloor.console.session import Session
from watchfloor.domain.views import RunView

#: Makes a view over what is selected.
View = Callable[[Session, RunView | None], Modal[Any]]

#: By the names of the acts that open them, without ``nav.``.
VIEWS: Final[Mapping[str, View]] = {
    "live": LiveScreen,
    "triage": TriageScreen,
    "callbacks": CallbacksScreen,
    "audit": AuditScreen,
    "unknowns": UnknownsScreen,
    "charts": ChartsScreen,
    "handover": HandoverPage,
    "failures": LensScreen,
    "canary": CanaryScreen,
}


def subject_of(screen: Screen[Any]) -> RunView | None:
    """Return the one run a screen is about; None where it is about several."""
    return screen.subject if isinstance(screen, Sheet) else getattr(screen, "run", None)
