"""Saying what is waited for, where a wait takes longer than anybody expects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Final

from watchfloor.domain.draining import (
    ABOUT_A_HANG,
    ABOUT_A_HOLDER,
    at_words,
    drain_words,
    hang_words,
    waits_for_it,
)
from watchfloor.domain.errors import WatchfloorError
from watchfloor.engine.ownership import REACHED
from watchfloor.store.layout import Layout
from watchfloor.store.lock_holders import lock_holders
from watchfloor.store.lock_text import SIZE, all_told_in, owner_in
from watchfloor.store.owner_sign import is_owner
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import seen_engine

_AFTER_A_CLOSE: Final = "to go on after it: watchfloor engine --wait 30"
#: Whoever looks at a terminal that says nothing for longer begins to press keys.
SOON_S: Final = 0.7


@contextmanager
def told_if_slow(tell: Callable[[str], None], why: Callable[[], str]) -> Iterator[None]:
    """Tell once, on a thread of its own, what the block waits for, if it does.

    Args:
        tell: Gets the sentence; a terminal that takes nothing holds up nobody.
        why: Returns it, asked after ``SOON_S``; empty where nobody is waited for.
    """

    def look() -> None:
        if words := why():
            tell(words)

    timer = Timer(SOON_S, look)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def file_held(path: Path) -> str:
    """Return who locks a file of the workspace, and what to do; empty for nobody."""
    holders = lock_holders(path)
    if not holders:
        return ""
    return (
        f"waiting for {path}: it is locked by {holders}; end that program, or wait: "
        "some seconds, then this is refused and nothing is changed"
    )


def workspace_held(layout: Layout, now_ms: int) -> str:
    """Return who owns the workspace that an engine waits for, and what to do."""
    try:
        with layout.lock.open("rb") as lock:
            owner = owner_in(lock.read(SIZE))
    except OSError:
        owner = ""
    drain = all_told_in(layout.lock).drain
    drains = "" if drain is None else f", which {drain_words(drain, now_ms)}"
    return (
        f"waiting for the workspace {layout.root}: it is held by "
        f"{owner or 'another process'}{drains}; it goes on when that "
        "lets go, and ctrl+c gives up"
    )


def what_it_is_at(layout: Layout, now_ms: int) -> str:
    """Return what whoever owns the workspace is at, and what to do about that."""
    try:
        with reading(layout) as connection:
            engine = seen_engine(connection, now_ms, layout)
    except WatchfloorError:
        return REACHED
    if engine.hangs:
        hangs = hang_words(engine.pid, engine.heartbeat_at_ms, now_ms)
        return f"It {hangs}; {layout.in_here(ABOUT_A_HANG)}"
    if engine.holder:
        return f"It {at_words(engine.holder)}; {ABOUT_A_HOLDER}"
    if engine.released and is_owner(all_told_in(layout.lock).owner, engine):
        return f"It has ended its work and is closing; {_AFTER_A_CLOSE}"
    if engine.drain is None:
        return REACHED
    after = layout.in_here(waits_for_it(engine.drain, now_ms))
    return f"It {drain_words(engine.drain, now_ms)}. To go on after it: {after}"
