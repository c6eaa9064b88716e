"""Closing a screen once, however often it was asked for."""

from __future__ import annotations

from typing import TypeVar

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
