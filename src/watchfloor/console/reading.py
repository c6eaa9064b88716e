"""Asking the desk: an answer, or a sentence that says why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from watchfloor.domain.errors import RefusedError, WatchfloorError
from watchfloor.domain.privacy import without_contact

Answer = TypeVar("Answer")

#: A read of a page takes milliseconds; after this long something is wrong.
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the desk gave no answer, fit for an operator."""

    sentence: str
    refused: RefusedError | None = None


async def answer(question: Awaitable[Answer]) -> Answer | Failure:
    """Return what the desk answers; every failure becomes a sentence."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await question
    except TimeoutError:
        return Failure(f"no answer within {PATIENCE_S:.0f} s; try again")
    except RefusedError as refused:
        return Failure(str(refused), refused)
    except WatchfloorError as error:
        return Failure(str(error))
    except Exception as error:  # noqa: BLE001  a bug must not take the screen away
        name = type(error).__name__
        said = without_contact(str(error))
        return Failure(f"unexpected {name}: {said}; r tries again; please report it")
