"""Timers that ring whatever else the machine has to do."""

from __future__ import annotations

from textual.message_pump import MessagePump
from textual.timer import Timer, TimerCallback


class Timed(MessagePump):
    """Whatever sets a timer that rings once: it does ring, if late.

    Textual 8 leaves out a ring whose time has passed before it waits for it, as is
    right for one of many. Of a timer that rings once nothing is left then: a console
    that stood still for 8 ms just as it was resized heard of no size any more.
    """

    def set_timer(
        self,
        delay: float,
        callback: TimerCallback | None = None,
        *,
        name: str | None = None,
        pause: bool = False,
    ) -> Timer:
        """Set a timer that rings once, after so many seconds or as soon as it can."""
        timer = super().set_timer(delay, callback, name=name, pause=pause)
        timer._skip = False  # noqa: SLF001  its task has not begun yet
        return timer
