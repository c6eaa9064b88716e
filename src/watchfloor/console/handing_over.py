"""Handing a run over to somebody else: its bundle, made beside the screens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from watchfloor.domain.errors import WatchfloorError
from watchfloor.domain.text import clean
from watchfloor.domain.views import RunView


class Bundler(Protocol):
    """Writes bundles, in a place of its own and never on the screens' loop."""

    async def __call__(self, run_id: str, told: Callable[[str], None]) -> str:
        """Write the bundle of a run and return where it lies.

        Args:
            run_id: Which run.
            told: Gets how far it is, in words.

        Raises:
            WatchfloorError: Why there is none; nothing was left behind.
        """
        ...


async def hand_over(
    bundler: Bundler, run: RunView, say: Callable[[str, str], None]
) -> None:
    """Write the bundle of a run; say how far it is, then where it lies."""
    name = clean(run.campaign_name, 40)
    say(f"Bundle of {name}: begun.", "dim")
    try:
        place = await bundler(
            run.run_id,
            lambda far: say(f"Bundle of {name}: {clean(far, 80)} ...", "dim"),
        )
    except WatchfloorError as error:
        say(f"No bundle of {name}: {clean(error)}", "bad")
    else:
        say(f"Bundle of {name}, people masked: {clean(place)}", "good")
