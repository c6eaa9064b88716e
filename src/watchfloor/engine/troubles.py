"""Duties that fail for a reason nobody expected: told, and tried again ever later.

What is owed beside the runs must not end the engine that carries them out, and must not
fail in silence either. A duty that failed rests; the others and every run go on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from watchfloor.domain.errors import StoreError
from watchfloor.engine.surroundings import Surroundings

log = logging.getLogger(__name__)

#: How long a duty rests after its first failure; each further one doubles it.
FIRST_REST_S: Final = 2.0
LONGEST_REST_S: Final = 300.0


class _Trouble(NamedTuple):
    """One duty that fails."""

    said: str
    rest_s: float
    until_s: float


class Troubles:
    """Which duties of an engine fail. Its methods run on the loop.

    Args:
        around: The clocks, and where a mistake is written down.
        tell: Gets every trouble in a sentence where they changed; empty for none.
    """

    def __init__(self, around: Surroundings, tell: Callable[[str], None]) -> None:
        self._around = around
        self._tell = tell
        self._known: dict[str, _Trouble] = {}

    def is_failing(self, name: str) -> bool:
        """Whether a duty failed when it was last tried: nobody should wait for it."""
        return name in self._known

    def guarded(
        self, name: str, duty: Callable[[], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        """Return *duty* as one that rests where it failed, and ends nobody.

        A store that takes no writes is no trouble of a duty: that error is raised.
        """

        async def done() -> None:
            known = self._known.get(name)
            if known is not None and self._around.monotonic_s() < known.until_s:
                return
            try:
                await duty()
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, runs go on
                self._note(name, error)
            else:
                self._forget(name)

        return done

    def _note(self, name: str, error: Exception) -> None:
        known = self._known.get(name)
        rest_s = min(2 * known.rest_s, LONGEST_REST_S) if known else FIRST_REST_S
        place = self._around.mishap(error)
        # No word of the error's own: it may name whom the duty was about.
        said = (
            f"{name} failed by a mistake in Watchfloor itself "
            f"({type(error).__name__}) and are tried again, at most every "
            f"{LONGEST_REST_S / 60:.0f} minutes; runs go on. "
            f"{place or 'Start the engine anew if it lasts'}"
        )
        self._known[name] = _Trouble(said, rest_s, self._around.monotonic_s() + rest_s)
        if known is None or known.said != said:
            log.warning("%s", said)
            self._say()

    def _forget(self, name: str) -> None:
        if self._known.pop(name, None) is not None:
            log.warning("%s are done again", name)
            self._say()

    def _say(self) -> None:
        self._tell("; ".join(one.said for one in self._known.values()))
