"""Somebody's code that goes on although it was told to end: it holds up nobody."""

from __future__ import annotations

import asyncio
from asyncio.tasks import _unregister_task
from typing import Any


def leave(task: asyncio.Task[Any]) -> None:
    """Tell a task to end, and wait for it no more.

    Nor does the loop, which would wait without limit for whoever does not listen
    before it closes.
    """
    task.cancel()
    _unregister_task(task)
