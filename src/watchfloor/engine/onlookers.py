"""Accounts that only look, and lay commands all the same: their flood fills no store.

Nothing that they ask is ever obeyed, and every no is kept for good. So each of them is
answered some times a minute; what it lays beyond that is taken away unread.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from watchfloor.domain.roles import Identity, Role, RoleRules, role_of
from watchfloor.store.asks import however_many
from watchfloor.store.inbox import Command

log = logging.getLogger(__name__)

#: Refusals of one account in a minute: more than anybody's hands ask for.
MOST_A_MINUTE: Final = 30
_MINUTE_S: Final = 60.0


class Onlookers:
    """How often accounts that only look were answered in this minute. Any thread.

    Args:
        rules: Who is what now. By what an account is, not by what a command asks to
            be: behind a forced command somebody else may ask for a pause.
        monotonic_s: By which a minute is one.
    """

    def __init__(
        self, rules: Callable[[], RoleRules], monotonic_s: Callable[[], float]
    ) -> None:
        self._rules = rules
        self._monotonic_s = monotonic_s
        self._began_s = monotonic_s()
        self._answered: Counter[int] = Counter()

    def most_of(self, who: Identity) -> int:
        """Return how many of an account's commands may be read now."""
        if not self._only_looks(who):
            return however_many(who)
        if self._monotonic_s() - self._began_s >= _MINUTE_S:
            self._began_s = self._monotonic_s()
            self._answered.clear()
        return max(0, MOST_A_MINUTE - self._answered[who.uid])

    def note(self, answered: Iterable[Command]) -> None:
        """Count what was answered, and tell of those who have had enough."""
        for who in (one.asker for one in answered):
            if who is None or not self._only_looks(who):
                continue
            self._answered[who.uid] += 1
            if self._answered[who.uid] == MOST_A_MINUTE:
                told = "%s only looks and was refused %s times within a minute; what "
                told += "else it asks in that minute is taken away unread"
                log.warning(told, who.name, MOST_A_MINUTE)

    def _only_looks(self, who: Identity) -> bool:
        return role_of(who, self._rules()) is Role.VIEWER
