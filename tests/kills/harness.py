"""Killing engines: at a failpoint, or at a random moment, until a story is over."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kills.failpoints import POINTS, Failpoint
from tests.kills.nursery import DIED_AT, EVERY, HITS, Forked, Nursery
from tests.kills.plants import PLANTS
from tests.kills.promises import Broken, after_a_kill, at_the_end, unknown_per_kill
from tests.kills.steering import Steersman
from tests.kills.story import Story, Template, World, template
from tests.support.patience import DEADLINE_S
from tests.support.post_office import PostOffice
from tests.support.provider import Provider

POLL_S = 0.003
#: At the start of so many stories a failpoint is awaited that was counted before; one
#: that nothing was killed at yet, longer: on a busy machine it may need much luck.
TRIES = 3
TRIES_FOR_THE_FIRST = 40
#: The share of engines that die at a failpoint, where moments are random.
AT_A_POINT = 0.4


@dataclass(slots=True)
class Tally:
    """What came of it all.

    Attributes:
        kills: How often, by failpoint or ``at random``.
        broken: Every promise that did not hold, with the seed of its story.
        doubted: The most attempts at most once that one kill left unknown.
    """

    kills: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, Broken]] = field(default_factory=list)
    doubted: int = 0
    stories: int = 0
    commands: int = 0
    requests: int = 0
    seconds: float = 0.0


class Harness:
    """Tells stories, each in a workspace of its own, and counts what came of them."""

    def __init__(self, nursery: Nursery, world: World, made: Template) -> None:
        self._nursery = nursery
        self._world = world
        self._template = made
        self.tally = Tally()

    def at_failpoints(
        self, root: Path, points: Sequence[Failpoint], depth: int
    ) -> Counter[str]:
        """Kill at every failpoint, on its first hit, its second, up to *depth*.

        How often each is hit is counted first, in a story that nobody kills and in one
        whose first engine left work in flight. Then one engine of a story after the
        other is killed at whichever point it comes to first, each point once, until an
        engine comes to its end unharmed; what is left has its turn in the next story.

        Returns:
            For each failpoint, the last hit on which something was killed.
        """
        fresh = self._counted(root / "fresh", leaves_work=False)
        resumed = self._counted(root / "resumed", leaves_work=True)
        found: Counter[str] = Counter()
        for nth in range(1, depth + 1):
            # What neither story came to is awaited once more: it may need some luck.
            for leaves_work, counts in ((False, fresh), (True, resumed)):
                todo = [
                    one.name
                    for one in points
                    if found[one.name] < nth <= max(counts[one.name], leaves_work)
                ]
                misses, tries = 0, TRIES if nth > 1 else TRIES_FOR_THE_FIRST
                while todo and misses < tries:
                    place = root / f"hit-{nth}-{self.tally.stories}"
                    done = self._chain(place, todo, nth, leaves_work=leaves_work)
                    found.update(done)
                    misses = 0 if done else misses + 1
                    todo = [name for name in todo if name not in done]
        return found

    def with_a_plant(self, root: Path, plant: str, kills: int) -> list[Broken]:
        """Kill engines in which a fault is planted; return what was found broken."""
        before = len(self.tally.broken)
        story, steersman = self._begun(root, 0, leaves_work=True)
        self._nursery.plant = plant
        points = PLANTS[plant].points
        for n in range(kills):
            nth = 1 + n // len(points)
            self._killed_at(steersman, [points[n % len(points)]], nth, n)
            steersman.look()
            steersman.let_go()
            if len(self.tally.broken) > before:
                break
        self._nursery.plant = ""
        self._end(story, steersman, 0)
        found = [one for _, one in self.tally.broken[before:]]
        del self.tally.broken[before:]
        return found

    def _counted(self, root: Path, *, leaves_work: bool) -> Counter[str]:
        """Return how often an engine comes to each failpoint until all is done."""
        story, steersman = self._begun(root, 0, leaves_work=leaves_work)
        self._killed_at(steersman, [EVERY], 0, 0)
        counts = json.loads((root / HITS).read_text(encoding="utf-8"))
        self._end(story, steersman, 0)
        return Counter(counts)

    def _chain(
        self, root: Path, todo: Sequence[str], nth: int, *, leaves_work: bool
    ) -> list[str]:
        """Tell one story; return the points at which something was killed."""
        story, steersman = self._begun(root, nth, leaves_work=leaves_work)
        left = list(todo)
        while left and (died_at := self._killed_at(steersman, left, nth, nth)):
            left.remove(died_at)
            steersman.look()
            steersman.let_go()
        self._end(story, steersman, nth)
        return [name for name in todo if name not in left]

    def _begun(
        self, root: Path, seed: int, *, leaves_work: bool
    ) -> tuple[Story, Steersman]:
        chance = random.Random(seed)  # noqa: S311 - replayable
        story = Story(self._template, self._world, root, chance)
        steersman = Steersman(story)
        if leaves_work:
            self._killed_at(steersman, ["send: headers out"], 3, seed)
        return story, steersman

    def _killed_at(
        self, steersman: Steersman, points: Sequence[str], nth: int, seed: int
    ) -> str:
        """Run an engine to its end or a failpoint; return which that was, if any."""
        story = steersman.story
        steersman.may_pause = True
        engine = self._nursery.engine(story.layout, points=points, nth=nth, seed=seed)
        give_up = time.monotonic() + DEADLINE_S
        while (ended := engine.poll()) is None:
            assert time.monotonic() < give_up, f"no end came, nor any of {points}"
            steersman.pause_once()
            time.sleep(POLL_S)
        folder = story.layout.root.parent
        if not ended.by_signal:
            assert ended.code == 0, _log(folder)
            return ""
        died_at = (folder / DIED_AT).read_text(encoding="utf-8")
        self._note_kill(story, died_at, seed)
        return died_at

    def at_random(self, root: Path, seed: int, kills: int) -> None:
        """Tell a story whose engines are killed *kills* times while it is steered."""
        chance = random.Random(seed)  # noqa: S311 - replayable
        story = Story(self._template, self._world, root, chance)
        steersman = Steersman(story)
        while story.kills < kills:
            point, nth = "", 1
            if chance.random() < AT_A_POINT:
                point, nth = chance.choice(POINTS).name, chance.randint(1, 12)
            engine = self._nursery.engine(
                story.layout,
                points=[point] if point else (),
                nth=nth,
                until_idle=False,
                seed=seed,
            )
            by_itself = self._until_its_moment(story, steersman, engine, chance, point)
            self._note_kill(story, point if by_itself else "at random", seed)
            steersman.look()
        self._end(story, steersman, seed)

    def _until_its_moment(
        self,
        story: Story,
        steersman: Steersman,
        engine: Forked,
        chance: random.Random,
        point: str,
    ) -> bool:
        """Let an engine live for its while; return whether it died by itself."""
        began = time.monotonic()
        longest = chance.uniform(0.0, 0.25) if not point else 0.5
        arrivals = len(story.arrivals) + chance.randint(1, 40)
        while (ended := engine.poll()) is None:
            steersman.act()
            lived = time.monotonic() - began
            is_time = lived > longest and (
                bool(point) or len(story.arrivals) >= arrivals or lived > 2 * longest
            )
            if is_time:
                break
            time.sleep(POLL_S)
        if ended is None:
            ended = engine.kill()
        assert ended.by_signal, _log(story.layout.root.parent)
        return engine.died_alone

    def _note_kill(self, story: Story, how: str, seed: int) -> None:
        story.kills += 1
        self.tally.kills[how] += 1
        self.tally.broken += [(seed, one) for one in after_a_kill(story)]

    def _end(self, story: Story, steersman: Steersman, seed: int) -> None:
        """Let everything come to its end, and check what was promised of it."""
        give_up = time.monotonic() + DEADLINE_S
        story.quiet()
        steersman.check_holds()
        steersman.let_go()
        while True:
            ended = self._nursery.engine(story.layout, seed=seed).ended()
            assert ended.code == 0, _log(story.layout.root.parent)
            if not steersman.let_go():
                break
            assert time.monotonic() < give_up, "the story does not end"
        story.quiet()
        tally = self.tally
        tally.stories += 1
        tally.commands += len(story.asked)
        tally.requests += len(story.arrivals)
        tally.doubted = max(tally.doubted, unknown_per_kill(story))
        tally.broken += [(seed, one) for one in at_the_end(story)]
        tally.broken += [(seed, one) for one in steersman.broken]
        story.close()


@contextmanager
def harness(root: Path, records: int) -> Iterator[Harness]:
    """Have a nursery, a provider, a mail server and a template; then none of them."""
    with ExitStack() as stack:
        provider = stack.enter_context(Provider())
        world = World(provider, stack.enter_context(PostOffice()))
        made = template(world, root, records)
        nursery = stack.enter_context(Nursery())
        story = Story(made, world, root / "prepared", random.Random(0))  # noqa: S311 - replayable
        nursery.prepare(story.layout)
        story.close()
        yield Harness(nursery, world, made)


@contextmanager
def scratch() -> Iterator[Path]:
    """Have a folder in memory, where there is one.

    What a killed process has written is there whether it was synced or not; whether it
    was synced in time is asked by the power-loss images.
    """
    memory = Path("/dev/shm")  # noqa: S108 - the folder made in it is private
    place = memory if memory.is_dir() else None
    with TemporaryDirectory(prefix="watchfloor-kills-", dir=place) as found:
        yield Path(found)


def _log(root: Path) -> str:
    log = root / "engine.log"
    return log.read_text(encoding="utf-8")[-4_000:] if log.exists() else "no log"
