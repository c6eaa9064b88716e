"""The limits that runs share: the workspace's, and what operators put before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchfloor.domain.sharing import WORKSPACE, channel_scope, filed_limits
from watchfloor.domain.workspace import Shared, Workspace
from watchfloor.engine.throttles import Throttle


class Throttles:
    """Every shared limit of the workspace, made when it is first asked for.

    What operators set on the living workspace (*overrides*, by scope; see
    ``store.reads.limits``) goes before what its file says.
    """

    def __init__(
        self,
        workspace: Workspace,
        overrides: Mapping[str, Shared],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._filed = filed_limits(workspace)
        self._overrides = dict(overrides)
        self._monotonic_s = monotonic_s
        self._throttles: dict[str, Throttle] = {}

    def follow(self, workspace: Workspace) -> None:
        """Obey a file that somebody has changed, at once."""
        self._filed = filed_limits(workspace)
        for scope, throttle in self._throttles.items():
            limits = self.limits(scope)
            throttle.set(limits.permits, limits.rate_per_s)

    def for_channel(self, name: str) -> tuple[Throttle, ...]:
        """Return what a run through this channel goes through: its own, and all runs'.

        They are there without limits too: one may be set while attempts fly.
        """
        return (self.throttle(channel_scope(name)), self.throttle(WORKSPACE))

    def throttle(self, scope: str) -> Throttle:
        """Return a scope's throttle."""
        found = self._throttles.get(scope)
        if found is None:
            limits = self.limits(scope)
            found = Throttle(limits.permits, limits.rate_per_s, self._monotonic_s)
            self._throttles[scope] = found
        return found

    def limits(self, scope: str) -> Shared:
        """Return the limits that hold for a scope; none where nobody set any."""
        return self._overrides.get(scope) or self._filed.get(scope) or Shared()

    def obey(self, scope: str, shared: Shared | None) -> None:
        """Put an operator's limits before those of the file; None: the file's hold."""
        if shared is None:
            self.drop_override(scope)
        else:
            self.set_override(scope, shared.permits, shared.rate_per_s)

    def set_override(
        self, scope: str, permits: int | None, rate_per_s: float | None
    ) -> None:
        """Put an operator's limits before those of the file, at once.

        Raises:
            ValueError: Nothing could ever enter; nothing was changed.
        """
        self.throttle(scope).set(permits, rate_per_s)
        self._overrides[scope] = Shared(permits=permits, rate_per_s=rate_per_s)

    def drop_override(self, scope: str) -> None:
        """Let the file's limits hold again, at once."""
        self._overrides.pop(scope, None)
        limits = self.limits(scope)
        self.throttle(scope).set(limits.permits, limits.rate_per_s)

    def in_use(self) -> dict[str, int]:
        """Return how many attempts are in flight, by scope."""
        return {scope: one.in_use for scope, one in self._throttles.items()}
