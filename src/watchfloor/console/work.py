"""Work that goes on beside a screen."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import WorkType


def begin(
    node: DOMNode,
    task: Callable[[], Coroutine[Any, Any, None]],
    group: str,
    *,
    exclusive: bool = True,
) -> None:
    """Start *task* in a worker of *node*.

    Args:
        node: Ends the worker when it goes away itself.
        task: A callable, not a coroutine: one that is never begun leaves nothing
            behind.
        group: Names what the worker is for.
        exclusive: Whether it cancels the workers of its group that still go on.
    """
    work: WorkType[None] = task
    node.run_worker(work, group=group, exclusive=exclusive)
