"""Asking providers about unknown records: paced, few at once, and never guessing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from watchfloor.channels.base import Channel, NoAnswerError, asks_of
from watchfloor.domain.errors import StoreError, WatchfloorError
from watchfloor.domain.pacing import Bucket, opened, take
from watchfloor.domain.reach import Reach
from watchfloor.domain.resolutions import settled_as
from watchfloor.domain.text import clean
from watchfloor.engine.campaigns import channel_for, checked_campaign
from watchfloor.engine.committer import Submit
from watchfloor.engine.flights import GRACE_S
from watchfloor.engine.lane import OPEN_S, shut
from watchfloor.engine.look_ups import (
    BookAnswers,
    EndLookUp,
    Heard,
    Inquiry,
    NextInquiry,
)
from watchfloor.engine.soundness import sound
from watchfloor.engine.surroundings import Survived, named
from watchfloor.store.reads.resolutions import Doubt
from watchfloor.store.reads.runs import campaign_text

log = logging.getLogger(__name__)

#: Questions under way at once, and per second, whatever the run's own limits are: an
#: attempt must never wait for them.
PERMITS: Final = 4
RATE_PER_S: Final = 20.0
#: So many questions in a row that get no answer end a look-up.
MOST_UNANSWERED: Final = 20


class Inquirer:
    """Carries out the look-ups that were asked for, one after the other, on the loop.

    Args:
        submit: Has jobs done by the committer.
        monotonic_s: For the pace.
        reach: Returns whom webhooks may contact now.
        survived: Writes a mistake of our own down, and returns it as a cause.
    """

    def __init__(
        self,
        submit: Submit,
        monotonic_s: Callable[[], float],
        reach: Callable[[], Reach],
        survived: Survived = named,
    ) -> None:
        self._survived = survived
        self._submit = submit
        self._reach = reach
        self._monotonic_s = monotonic_s
        self._bucket: Bucket = opened(RATE_PER_S, monotonic_s())
        self._permits = asyncio.Semaphore(PERMITS)
        self._unanswered = 0

    async def look_up(self, number: int, run_id: str) -> None:
        """Ask about every record of one look-up; it goes on from where it was left.

        Raises:
            StoreError: The store took no writes; it goes on later.
        """
        self._unanswered = 0
        channels: dict[str, Channel] = {}
        try:
            await self._opened(run_id, channels)
            why = await self._asked(number, channels)
        except StoreError:
            raise
        except WatchfloorError as error:
            why = f"the provider cannot be asked: {error}"
        except Exception as error:  # noqa: BLE001 - a channel's bug ends one look-up
            log.warning("a look-up failed: %s", clean(repr(error)))
            why = f"the provider cannot be asked: {self._survived(error)}"
        finally:
            await shut(tuple(channels.values()))
        await self._submit(EndLookUp(number, clean(why, 300)))

    async def _opened(self, run_id: str, channels: dict[str, Channel]) -> None:
        """Open the channels of a run's steps that can ask their provider."""
        text = await self._submit(lambda tx: campaign_text(tx.connection, run_id))
        for step in checked_campaign(text, "the run's campaign").steps:
            channel = channel_for(step, self._reach)
            if asks_of(channel) is not None:
                async with asyncio.timeout(OPEN_S):
                    await channel.__aenter__()
                channels[step.name] = channel

    async def _asked(self, number: int, channels: Mapping[str, Channel]) -> str:
        """Ask batch by batch; return why it ended before all were asked about."""
        while True:
            inquiry = await self._submit(NextInquiry(number))
            if not inquiry.doubts:
                return ""
            heard = await asyncio.gather(
                *(self._hear(inquiry, one, channels) for one in inquiry.doubts)
            )
            await self._submit(BookAnswers(number, heard))
            if self._unanswered >= MOST_UNANSWERED:
                return f"given up: {self._unanswered:,} in a row without an answer"

    async def _hear(
        self, inquiry: Inquiry, doubt: Doubt, channels: Mapping[str, Channel]
    ) -> Heard:
        dispatch = inquiry.dispatch(doubt)
        channel = channels.get(dispatch.step)
        asks = None if channel is None else asks_of(channel)
        if channel is None or asks is None:
            return Heard(doubt, None)
        async with self._permits:
            if self._unanswered >= MOST_UNANSWERED:
                return Heard(doubt, None, is_answer=False)
            await self._turn()
            try:
                async with asyncio.timeout(channel.deadline_s + GRACE_S):
                    outcome = await asks.look_up(dispatch)
            except (NoAnswerError, TimeoutError):
                self._unanswered += 1
                return Heard(doubt, None, is_answer=False)
            except Exception as error:  # noqa: BLE001 - a bug settles nothing
                log.warning("a look-up failed: %s", clean(self._survived(error)))
                self._unanswered += 1
                return Heard(doubt, None, is_answer=False)
        self._unanswered = 0
        told = None if outcome is None else sound(outcome)
        return Heard(doubt, told if settled_as(told) is not None else None)

    async def _turn(self) -> None:
        """Wait for the pace."""
        while True:
            self._bucket, wait_s = take(self._bucket, self._monotonic_s())
            if not wait_s:
                return
            await asyncio.sleep(wait_s)
