"""A function as somebody writes one: it blocks in a thread, without a time-out."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from watchfloor.domain.outcomes import Dispatch

FAR_LONGER_THAN_A_TEST_S = 3_600.0


async def contact(_: Dispatch, sign: str) -> str:
    """Leave a sign that it began, and block."""
    await asyncio.to_thread(_blocks, Path(sign))
    return "delivered"


def _blocks(sign: Path) -> None:
    sign.touch()
    time.sleep(FAR_LONGER_THAN_A_TEST_S)
