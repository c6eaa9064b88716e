"""Switch some of many on and off by typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.widgets import Input

from watchfloor.console.screens.chooser import Chooser, Option
from watchfloor.console.widgets.grid import Grid


class Switches(Chooser):
    """A chooser that stays: Enter switches, Escape leaves it as it is now.

    Args:
        hint: Stands in the field while it is empty.
        options: Returns what can be switched, as it is now.
        switch: Takes the name of what is switched.
    """

    def __init__(
        self,
        hint: str,
        options: Callable[[], Sequence[Option]],
        switch: Callable[[str], None],
    ) -> None:
        super().__init__(hint, options())
        self._now = options
        self._switch = switch

    @on(Input.Submitted)
    @on(Grid.Opened)
    def _switch_one(self, event: Input.Submitted | Grid.Opened) -> None:
        # What a chooser does is not to be done after it: it would go away.
        event.prevent_default()
        option = self._grid.current
        if option is None:
            return
        self._switch(option.ident)
        self._options = tuple(self._now())
        fresh = {one.ident: one for one in self._options}
        self._grid.replace(fresh[option.ident])
