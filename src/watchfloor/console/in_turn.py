"""Keys are obeyed one after another, each by what the one before has left."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import Any

from textual.app import App
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from watchfloor.console.screens.modal import Modal
from watchfloor.console.timers import Timed

#: So long keys wait at most, all of them together, until the screen has learned all.
_LONGEST_S = 1.0
#: How often it is looked whether it has: at once so many times, and then now and then.
_QUICK_LOOKS, _LOOK_S = 20, 0.005


class InTurn(Timed, App[int]):
    """An application at which a burst of keys does what the same keys do one by one.

    Textual 8 hands every key on to the screen that stands when it comes, and asks the
    screen that stands when it comes back what it means. Over a slow line keys come
    together: what was typed after the key that opens a field was the field's in
    neither, and its letters were orders to it.
    """

    _asked: Screen[Any] | None = None
    _written_in: Input | None = None
    _stalled_at_s: float | None = None
    _looked_at_s = 0.0
    _looks = 0

    def __init__(self, *, ansi_color: bool | None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._typed: deque[Key | Paste] = deque()

    @property
    def has_typed_ahead(self) -> bool:
        """Whether keys wait for what the one before them has begun."""
        return bool(self._typed)

    async def on_event(self, event: Event) -> None:
        """Hold a key while what the one before has begun is under way."""
        if not isinstance(event, (Key, Paste)):
            await super().on_event(event)
        elif not event.is_forwarded:
            if self._typed or not self._may_go_on(event):
                self._hold(event)
            else:
                await self.obey(event)
        elif isinstance(event, Key) and self.screen is not self._asked:
            # Another screen opened meanwhile, and may not even have its parts yet.
            self._hold(_anew(event), first=True)
        else:
            await super().on_event(event)

    async def obey(self, event: Key | Paste) -> None:
        """Hand a key on to whoever has the focus."""
        self._asked = self.screen
        self._written_in = _field_for(event, self.focused)
        await super().on_event(event)

    def _hold(self, event: Key | Paste, *, first: bool = False) -> None:
        if not self._typed:
            self._looks = 0
            self._look_later()
        if first:
            self._typed.appendleft(event)
        else:
            self._typed.append(event)

    def _look_later(self) -> None:
        self._looks += 1
        if self._looks <= _QUICK_LOOKS:
            self.call_later(self._go_on)
        else:
            # Among the messages, and not in a task of the timer's own.
            self.set_timer(_LOOK_S, partial(self.call_later, self._go_on))

    async def _go_on(self) -> None:
        if self._may_go_on(self._typed[0]):
            self._looks = 0
            await self.obey(self._typed.popleft())
        if self._typed:
            self._look_later()

    def _may_go_on(self, event: Key | Paste) -> bool:
        """Whether a key is handed on: all is told, or it takes too long."""
        field = _field_for(event, self.focused)
        if field is not None and field is self._written_in:
            return True  # the letter before it has begun nothing
        now_s = time.monotonic()
        if not self._is_under_way:
            self._stalled_at_s = None
            return True
        if self._stalled_at_s is None or now_s - self._looked_at_s > _LONGEST_S:
            self._stalled_at_s = now_s
        self._looked_at_s = now_s
        return now_s - self._stalled_at_s >= _LONGEST_S

    @property
    def _is_under_way(self) -> bool:
        """Whether the screen, or any part of it, has still to learn something."""
        screen = self.screen
        if not screen.is_mounted or (isinstance(screen, Modal) and not screen.is_ready):
            return True
        parts = (self, *screen.walk_children(with_self=True))
        # Textual has nothing public that tells whether a message waits.
        return any(one._message_queue.qsize() for one in parts)  # noqa: SLF001


def _field_for(event: Key | Paste, focused: Widget | None) -> Input | None:
    """Return the field that a key is written into."""
    is_text = isinstance(event, Paste) or event.is_printable
    return focused if is_text and isinstance(focused, Input) else None


def _anew(key: Key) -> Key:
    """Return a key that nobody was asked about yet, typed when that one was."""
    again = Key(key.key, key.character)
    again.time = key.time
    return again
