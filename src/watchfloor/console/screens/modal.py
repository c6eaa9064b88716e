"""What every screen is that opens over another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from textual._callback import invoke
from textual.screen import ModalScreen  # noqa: TID251  the one that may

from watchfloor.console.closing import stands

Answer = TypeVar("Answer")


class Modal(ModalScreen[Answer]):
    """A screen over another one; what it put off is never done once it has gone.

    Textual 8 gives what is to be done after a painting to the screen that stands by
    then. Where this one went first, the one beneath would do it to a screen without
    parts, and the console would end.
    """

    @property
    def is_ready(self) -> bool:
        """Whether it is known already what the next key is for."""
        return True

    def call_after_refresh(
        self, callback: Callable[..., object], *args: object, **kwargs: object
    ) -> bool:
        """Do something after the next painting, if this screen stands by then."""

        async def if_it_stands() -> None:
            if stands(self):
                await invoke(lambda: callback(*args, **kwargs))

        return super().call_after_refresh(if_it_stands)
