"""When an owner last proved that the workspace is still its own."""

from __future__ import annotations

from collections.abc import Callable

from watchfloor.domain.taking_over import PROOF_S
from watchfloor.engine.surroundings import Surroundings


class Proof:
    """How long the last commit of an owner holds: nobody can have passed it over yet.

    A process that was stopped for long may have been, and finds out with its next
    commit only. What it had stored an intent for is then another owner's. The monotonic
    clock runs on while a process is stopped, and stands while the machine is suspended;
    the wall clock shows that, and may be put back.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        # Looked at before every attempt: nothing is reckoned there.
        self._until_s = self._until_ms = 0.0
        self.given_by_a_commit()()

    def given_by_a_commit(self) -> Callable[[], None]:
        """Return what notes a commit that is fenced next; to be called after it.

        It proves the moment of now: between commit and note a process may be stopped.
        """
        until_s = self._around.monotonic_s() + PROOF_S
        until_ms = self._around.now_ms() + PROOF_S * 1_000

        def note() -> None:
            self._until_s, self._until_ms = until_s, until_ms

        return note

    def is_old(self) -> bool:
        """Whether nothing may be sent before the next commit. Any thread."""
        around = self._around
        return around.monotonic_s() > self._until_s or around.now_ms() > self._until_ms
