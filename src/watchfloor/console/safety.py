"""The safety catch: a console starts disarmed, and armed does not last."""

from __future__ import annotations

from dataclasses import dataclass

ARMED_FOR_MS = 5 * 60_000
#: So long no key must come until keys are obeyed again.
QUIET_MS = 1_000


@dataclass(slots=True)
class SafetyCatch:
    """Whether keys that change a run are live. Times are ms since 1970, UTC.

    Attributes:
        keys: How many keys were pressed so far: a question that comes late must not be
            answered by a key that was meant for something else.
        input_s: When the key or click that is obeyed was made, by the monotonic clock.
    """

    armed_until_ms: int = 0
    keys: int = 0
    input_s: float = 0.0
    _deaf_until_ms: int = 0

    def arm(self, now_ms: int) -> None:
        """Let commands pass for five minutes from now."""
        self.armed_until_ms = now_ms + ARMED_FOR_MS

    def disarm(self) -> None:
        """Let no command pass from now on."""
        self.armed_until_ms = 0

    def is_armed(self, now_ms: int) -> bool:
        """Whether a command passes at this moment."""
        # A clock that was set back must not lengthen the time.
        return now_ms < self.armed_until_ms <= now_ms + ARMED_FOR_MS

    def was_asked(self, since_s: float) -> bool:
        """Whether the key or click that is obeyed was made when a question stood.

        One that was in the line before answers nothing.

        Args:
            since_s: When it was painted, by the monotonic clock; infinite for not yet.
        """
        return self.input_s >= since_s

    def ignore_typing(self, now_ms: int) -> None:
        """Obey no key until none has come for a while.

        For a screen that goes away by itself: who types into it goes on for a moment,
        and the page beneath would take the letters as commands.
        """
        self._deaf_until_ms = now_ms + QUIET_MS

    def obey_again(self) -> None:
        """Obey the next key."""
        self._deaf_until_ms = 0

    def ignores_typing(self, now_ms: int) -> bool:
        """Whether a key that comes at this moment is obeyed by nothing."""
        return now_ms < self._deaf_until_ms <= now_ms + QUIET_MS
