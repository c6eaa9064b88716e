"""Closing a screen once, however often it was asked for, and knowing that it goes."""

from __future__ import annotations

from typing import Any, TypeVar

from textual.screen import Screen

Answer = TypeVar("Answer")


def close(screen: Screen[Answer], answer: Answer | None = None) -> None:
    """Close *screen* with an answer, unless it is closed already.

    On a slow line keys pile up: a second Enter or Escape arrives when the screen that
    it was meant for has gone, and must not close the one beneath. A screen that
    another one covers stays: Textual calls it current as well, and would take the
    other one away in its place.
    """
    if screen.is_active:
        _ = screen.dismiss(answer)


def stands(screen: Screen[Any]) -> bool:
    """Return whether a screen is open, has its parts and keeps them.

    It is on the stack before it has got them; where an application ends, it loses them
    before it leaves the stack.
    """
    # Textual displays nothing that is being taken away.
    stays = screen.is_mounted and screen.display
    return stays and screen in screen.app.screen_stack
