"""Bundles for the console: the verb, in a process of its own.

A picture of the console is a second console, and reading and packing take their time:
neither may hold up the screens, and a fault there must not take them away.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress

from watchfloor.cli import exits
from watchfloor.domain.environments import without_secrets
from watchfloor.domain.errors import WatchfloorError
from watchfloor.store.layout import Layout

#: After this long nothing good comes any more.
PATIENCE_S = 600.0
_SAID = "watchfloor: "


class ChildBundler:
    """Writes bundles of one workspace's runs into its folder of bundles."""

    def __init__(self, layout: Layout) -> None:
        self._root = layout.root.absolute()

    async def __call__(self, run_id: str, told: Callable[[str], None]) -> str:
        """Write the bundle of a run and return where it lies.

        Raises:
            WatchfloorError: Why there is none; nothing was left behind.
        """
        # Not from the working folder, whatever lies there; no terminal to be led by.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "watchfloor"),
            *("bundle", run_id, "--workspace", str(self._root)),
            *("--json", "--progress"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=without_secrets(os.environ),
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await _answer(process, told)
        except TimeoutError:
            msg = f"it took longer than {PATIENCE_S:.0f} s; nothing was written"
            raise WatchfloorError(msg) from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


async def _answer(process: Process, told: Callable[[str], None]) -> str:
    if process.stdout is None or process.stderr is None:
        raise WatchfloorError("its process cannot be listened to; nothing was written")
    reading = asyncio.create_task(process.stdout.read())
    said: list[str] = []
    async for line in process.stderr:
        text = line.decode(errors="replace").strip()
        if text.startswith(_SAID):
            said.append(text.removeprefix(_SAID))
        else:
            told(text)
    answer = await reading
    if await process.wait() != exits.DONE:
        raise WatchfloorError(
            "; ".join(said) or "its process ended; nothing was written"
        )
    return str(json.loads(answer)["file"])
