"""Which screens can be had over the jobs by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from textual.screen import ModalScreen

from watchfloor.console.screens.callbacks import CallbacksScreen
from watchfloor.console.session import Session
from watchfloor.domain.views import RunView

#: Makes a view over what is selected.
View = Callable[[Session, RunView | None], ModalScreen[Any]]

VIEWS: Final[Mapping[str, View]] = {
    "callbacks": CallbacksScreen,
}
