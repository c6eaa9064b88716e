"""The campaigns of the world, and stores in which their runs are launched already.

A shape is drawn from its number alone. Its image is made once by the product itself:
launched, and for most shapes read to the end; every seed of the shape begins there.
"""

from __future__ import annotations

import random
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.simulation.epoch import EPOCH_MS
from tests.simulation.loop import VirtualLoop
from tests.simulation.seams import Disk, Image

from watchfloor.domain.actors import Asker, Owner
from watchfloor.engine.campaigns import checked_campaign
from watchfloor.engine.commands import TakeCommand
from watchfloor.engine.committer import Committer, Job
from watchfloor.engine.extraction import extract
from watchfloor.engine.preparing import prepared_launch
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.tenure import _settled_in
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.layout import Layout
from watchfloor.store.reads.runs import campaign_text

T = TypeVar("T")

ASKER = Asker(by="nora", origin="desk-1")
OWNER = Owner(name="engine", pid=1, host="world")
SHAPES = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaigning:
    """What one run of a shape asks for, as its campaign file says."""

    text: str
    zones: tuple[str, ...]
    is_idempotent: bool
    attempts: int
    max_backoff_ms: int
    permits: int
    rate_per_s: float | None
    window: str
    hours: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A store with its runs, at the moment from which a world goes on."""

    number: int
    runs: tuple[str, ...]
    campaigns: tuple[Campaigning, ...]
    is_read: bool
    image: Image


def drawn(number: int, place: int) -> Campaigning:
    """Return the campaign of one run of a shape."""
    chance = random.Random(f"{number}/{place}")  # noqa: S311 - replayable
    is_idempotent = chance.random() < 0.5
    attempts = chance.choice([1, 2, 3, 4])
    backoff_s, most_s = chance.choice([(0.5, 2), (2, 30), (20, 60)])
    permits = chance.choice([1, 2, 3, 5])
    rate = chance.choice([None, None, None, 2.0, 20.0])
    window = chance.choice(["", "", "", "", "Europe/Berlin", "recipient"])
    hours = chance.choice([(2, 4), (1, 2), (0, 3)])
    steps = chance.choice([1, 1, 1, 2])
    audience = 'zone_column = "zone"' if window == "recipient" else ""
    if chance.random() < 0.2:
        audience += '\nmode = "streaming"'
    promise = "idempotent" if is_idempotent else "at_most_once"
    one = _step("call", promise, attempts, backoff_s, most_s)
    two = _step("text", promise, attempts, backoff_s, most_s, _WHEN[number % 3])
    shut = f"{hours[0]:02}:00", f"{hours[1]:02}:00"
    text = f"""
[campaign]
id = "c{place}"
name = "C{place}"
[audience]
contact = "id"
kind = "id"
{audience}
{one}
{two if steps == 2 else ""}
[limits]
permits = {permits}
retry_share = {chance.choice([0.2, 0.5, 1.0])}
{f'rate = "{rate:g}/s"' if rate else ""}
[guard]
breaker_after = {chance.choice([0, 0, 6, 12])}
{f'[window]{chr(10)}zone = "{window}"' if window else ""}
{f'open = "{shut[0]}"{chr(10)}close = "{shut[1]}"' if window else ""}
{f"[approval]{chr(10)}after = 3" if chance.random() < 0.15 else ""}
[callbacks]
expire = "{chance.choice(["1m", "3h", "48h"])}"
"""
    zones = ("Europe/Berlin", "UTC", "America/New_York", "Asia/Tokyo")
    count = chance.randint(3, 8)
    return Campaigning(
        text=text,
        zones=tuple(chance.choice(zones) for _ in range(count)),
        is_idempotent=is_idempotent,
        attempts=attempts,
        max_backoff_ms=int(most_s * 1_000),
        permits=permits,
        rate_per_s=rate,
        window=window,
        hours=hours,
    )


_WHEN = ("", 'call.class = "permanent"', 'call.class = "delivered"')


def _step(
    name: str,
    promise: str,
    attempts: int,
    backoff_s: float,
    most_s: float,
    when: str = "",
) -> str:
    return f"""
[[steps]]
name = "{name}"
channel = "world"
{f"when = '{when}'" if when else ""}
[steps.settings]
promise = "{promise}"
target = "provider:443"
[steps.retry]
attempts = {attempts}
backoff = "{int(backoff_s * 1000)}ms"
max_backoff = "{int(most_s * 1000)}ms"
"""


def made(number: int, disk: Disk, layout: Layout) -> Shape:
    """Make the store of a shape, by the product's own launch and intake."""
    chance = random.Random(number)  # noqa: S311 - replayable
    disk.load(disk.empty)
    around = Surroundings(
        lambda: EPOCH_MS, lambda: 0.0, chance.random, chance.randbytes
    )
    committer = _settled_in(disk.handle, around, OWNER, layout, dispatches=False)
    campaigns = tuple(drawn(number, place) for place in range(1 + number % 2))
    is_read = number % 8 != 0
    runs = tuple(
        _launched(committer, layout, around, campaign, is_read=is_read)
        for campaign in campaigns
    )
    return Shape(
        number=number,
        runs=runs,
        campaigns=campaigns,
        is_read=is_read,
        image=disk.image(),
    )


def _launched(
    committer: Committer,
    layout: Layout,
    around: Surroundings,
    campaign: Campaigning,
    *,
    is_read: bool,
) -> str:
    file, upload = layout.root / "campaign.toml", layout.root / "upload.csv"
    file.write_text(campaign.text, encoding="utf-8")
    rows = "".join(
        f"c{place},name {place},{zone}\n" for place, zone in enumerate(campaign.zones)
    )
    # A row that comes twice and one that is nobody: rejects, each in its bucket.
    upload.write_text(f"id,first_name,zone\n{rows}c0,again,UTC\n,nobody,UTC\n")
    launch = prepared_launch(layout, file, upload, ASKER, around, allow_twin=True)
    taken = committer.submit(TakeCommand(launch.command))
    committer.round()
    taken.result()
    if is_read:
        _carried_out(_read(committer, layout, launch.run_id))
    return launch.run_id


@dataclass
class _Clock:
    """A clock that stands still."""

    now_s: float = 0.0


def _carried_out(work: Coroutine[Any, Any, None]) -> None:
    """Do all of it in order, as a world would: without a thread or a selector."""
    loop = VirtualLoop(_Clock(), None)
    task = loop.create_task(work)
    while loop.is_ready():
        loop.step()
    VirtualLoop.let_run(None)
    loop.die()
    task.result()


async def _read(committer: Committer, layout: Layout, run_id: str) -> None:
    async def submit(job: Job[T]) -> T:
        answer = committer.submit(job)
        while committer.round():
            pass
        return answer.result()

    text = await submit(lambda tx: campaign_text(tx.connection, run_id))
    campaign = checked_campaign(text, "the run's campaign")
    path = layout.upload(committer.ledgers[run_id].upload_id)
    await extract(run_id, campaign, path, submit, committer.suppressions)


def workspace(root: Path) -> Layout:
    """Return a workspace's folders and file; its store is in memory."""
    layout = Layout(root)
    for folder in (layout.root, layout.uploads):
        folder.mkdir(parents=True, exist_ok=True)
    layout.settings.write_text(
        default_workspace_text("floor", "Floor"), encoding="utf-8"
    )
    return layout
