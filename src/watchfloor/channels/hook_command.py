"""Telling a program of this machine: JSON on its standard input, no shell.

It gets nothing of the engine's environment, is killed with its children when it takes
too long or says too much, and has taken what it was told when it ends with 0.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

from watchfloor.channels.hook_settings import CommandHookSettings, HookError
from watchfloor.domain.text import clean

#: Of what it says, so much is kept; more than the second ends it.
KEPT_BYTES: Final = 1_000
MOST_BYTES: Final = 1_048_576
#: What a hook finds in its environment, whatever the engine has in its own.
ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}

_CHUNK = 65_536
_REAP_S = 5.0
#: What it said before its end is heard within so long; what it left behind may go on.
_LAST_WORDS_S = 0.5


async def told_command(settings: CommandHookSettings, payload: bytes) -> str:
    """Run the program once and return what it said, in one line.

    Raises:
        HookError: It could not be started, did not end in time, said too much, or
            ended with anything but 0.
    """
    async with _listening() as (ear, mouth):
        process = await _started(settings, mouth)
        hearing = asyncio.create_task(ear.listen())
        feeding = asyncio.create_task(_feed(process, payload))
        try:
            async with asyncio.timeout(settings.timeout_ms / 1000):
                code = await _end_of(process, hearing)
        except TimeoutError as error:
            msg = f"did not end within {settings.timeout_ms / 1000:g} s and was killed"
            raise HookError(msg) from error
        finally:
            hearing.cancel()
            feeding.cancel()
            await _kill(process)
            await asyncio.gather(hearing, feeding, return_exceptions=True)
    told = f"ended with {code}" if code >= 0 else f"was ended by signal {-code}"
    if said := ear.said:
        told = f"{told}: {said}"
    if code != 0:
        raise HookError(told)
    return told


class _Ear:
    """Hears what a program says, keeps its beginning, and ends one that floods."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._kept = bytearray()

    @property
    def said(self) -> str:
        """The beginning of what was said, in one line."""
        return clean(self._kept.decode(errors="replace").strip(), 200)

    async def listen(self) -> None:
        """Hear everything.

        Raises:
            HookError: It is too much.
        """
        heard = 0
        while chunk := await self._reader.read(_CHUNK):
            heard += len(chunk)
            self._kept += chunk[: KEPT_BYTES - len(self._kept)]
            if heard > MOST_BYTES:
                msg = f"said more than {MOST_BYTES // 1024:,} KiB and was killed"
                raise HookError(msg)


@asynccontextmanager
async def _listening() -> AsyncGenerator[tuple[_Ear, int], None]:
    """Yield an ear, and the descriptor to speak to, which the block closes.

    A pipe of our own: what a program leaves behind may hold its end for ever, and ours
    is closed all the same.
    """
    ours, theirs = os.pipe()
    reader = asyncio.StreamReader(limit=_CHUNK)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", 0)
    )
    try:
        yield _Ear(reader), theirs
    finally:
        transport.close()


async def _started(settings: CommandHookSettings, mouth: int) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *settings.argv,
            stdin=PIPE,
            stdout=mouth,
            stderr=mouth,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        msg = f"{settings.argv[0]} cannot be started: {error.strerror}"
        raise HookError(msg) from error
    finally:
        # Held here too, it would never come to its end.
        os.close(mouth)


async def _feed(process: Process, payload: bytes) -> None:
    if process.stdin is None:
        return
    # One that does not read what it is told says by its end whether it took it.
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(payload)
        await process.stdin.drain()
    process.stdin.close()


async def _end_of(process: Process, hearing: asyncio.Task[None]) -> int:
    """Return the code that a program ends with, once what it said is heard."""
    ending = asyncio.create_task(process.wait())
    try:
        await asyncio.wait({ending, hearing}, return_when=asyncio.FIRST_COMPLETED)
        if hearing.done():
            hearing.result()
        code = await ending
    finally:
        ending.cancel()
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_S):
            await hearing
    return code


async def _kill(process: Process) -> None:
    """Kill what still runs, children and all, and let the system forget it."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(_REAP_S):
            await process.wait()
