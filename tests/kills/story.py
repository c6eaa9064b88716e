"""A workspace in which everything is about to happen at once, made once and copied.

Three runs have ended: one whose records failed for now, one whose records are unknown,
one to be purged. In the inbox wait a retry of the first with a canary, words and a
look-up about the second, the purge of the third, and launches: through a provider that
honours the key, at most once, one that is cancelled while it is read, and one that ends
by a fault of its own. A mail server and a hook are there to be told of it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.engine.test_resolving import previewed as previewed_resolving
from tests.support.floor import ASKER, Floor, ids, webhook
from tests.support.patience import until
from tests.support.post_office import PostOffice
from tests.support.provider import Arrival, Provider, Reply
from tests.support.retries import BUSY, ONCE, QUIET, previewed

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.resolutions import ResolveAs
from watchfloor.engine.operations import order, resolve_command
from watchfloor.engine.retry_previews import retry_command
from watchfloor.store.inbox import Command, ask
from watchfloor.store.layout import Layout, upload_id_of

PERMITS = 8
AT_MOST_ONCE = 'delivery = "at_most_once"'
RETRIED, UNKNOWN, PURGED = 24, 6, 3
#: One contact in so many is refused for now the first time it is asked.
REFUSED_EVERY = 7
#: Of the run that honours the key: one row in so many is filtered out.
FILTERED_EVERY = 5


class Run(NamedTuple):
    """A run of the story, and what is promised of it.

    Attributes:
        prefix: What its contacts begin with.
        contacts: Whom it would contact if nobody interfered.
    """

    run_id: str
    prefix: str
    delivery: Delivery
    permits: int
    contacts: frozenset[str]


class Template(NamedTuple):
    """The workspace as it is copied for every story, and what waits in its inbox."""

    root: Path
    runs: Mapping[str, Run]
    asked: tuple[Command, ...]
    arrivals: tuple[Arrival, ...]


class World(NamedTuple):
    """Who is outside: a provider, and a mail server."""

    provider: Provider
    post: PostOffice


def template(world: World, root: Path, records: int) -> Template:
    """Make the workspace that stories begin with; *records* in each of its large runs.

    Nothing in its inbox was taken yet.
    """
    provider, post = world
    floor = Floor(root)
    floor.configure(
        f'[mail]\nhost = "127.0.0.1"\nport = {post.port}\nsecurity = "none"\n'
        'from = "watchfloor@example.org"\n'
        '[alerts]\non = ["failed", "recovered"]\n'
        f'[alerts.webhook.chat]\nurl = "{provider.url}"'
    )
    look_up = f"{AT_MOST_ONCE}\n{provider.look_up_setting}"
    ended = {
        "retried": _ended(floor, provider, BUSY, "p", RETRIED, retry=ONCE),
        "unknown": _ended(
            floor, provider, Reply(drop=True), "u", UNKNOWN, settings=look_up
        ),
        "purged": _ended(floor, provider, Reply(), "q", PURGED),
    }
    provider.look_ups = {
        contact: Reply(body={"outcome": "delivered"})
        for contact in ids(UNKNOWN, "u")[3:5]
    }
    runs, asked = _asked(floor, provider, ended, records)
    for command in asked:
        ask(floor.layout, command)
    floor.close()
    arrivals = tuple(provider.arrivals)
    return Template(floor.layout.root, runs, tuple(asked), arrivals)


def _ended(
    floor: Floor, provider: Provider, reply: Reply, prefix: str, count: int, **how: str
) -> str:
    provider.otherwise = reply
    settings = how.pop("settings", AT_MOST_ONCE)
    text = webhook(
        provider.url, settings, permits=PERMITS, name=prefix, rest=QUIET, **how
    )
    run_id = floor.launched(text, ids(count, prefix))
    floor.carried_out()
    return run_id


def _asked(
    floor: Floor, provider: Provider, ended: Mapping[str, str], records: int
) -> tuple[dict[str, Run], list[Command]]:
    """Return the story's runs, and every command in the order it is asked."""
    url, rest = provider.url, f"{QUIET}\n"
    upload = floor.root / "people.csv"
    rows = "".join(
        f"{one},{'nobody' if number % FILTERED_EVERY == 0 else 'somebody'}\n"
        for number, one in enumerate(ids(records, "i"))
    )
    upload.write_text(f"id,first_name\n{rows}", encoding="utf-8")
    idempotent = floor.prepared(
        webhook(
            url,
            permits=PERMITS,
            name="idempotent",
            # Slow enough that a pause finds intents which were not sent yet.
            rate="40/s",
            audience="mode = 'streaming'\nfilter = 'first_name = \"somebody\"'",
            rest=rest,
        ),
        upload,
    )
    once = floor.prepared(
        webhook(url, AT_MOST_ONCE, permits=PERMITS, name="once", rest=rest),
        ids(records, "o"),
    )
    cancelled = floor.prepared(
        webhook(
            url,
            AT_MOST_ONCE,
            name="cancelled",
            head='notify = ["ops@example.org"]',
            rest=rest,
        ),
        ids(40, "x"),
    )
    faulty = floor.prepared(webhook(url, name="faulty", rest=rest), ids(2, "f"))
    floor.layout.upload(upload_id_of(faulty.run_id)).unlink()
    retry = retry_command(
        previewed(floor, ended["retried"]),
        ASKER,
        floor.around,
        canary=True,
        reason="it is well again",
    )
    wanted = [one for n, one in enumerate(ids(records, "i")) if n % FILTERED_EVERY != 0]
    once_only, honoured = Delivery.AT_MOST_ONCE, Delivery.IDEMPOTENT
    runs = {
        "idempotent": Run(idempotent.run_id, "i", honoured, PERMITS, frozenset(wanted)),
        "once": Run(once.run_id, "o", once_only, PERMITS, frozenset(ids(records, "o"))),
        "child": Run(
            retry.run_id, "p", once_only, PERMITS, frozenset(ids(RETRIED, "p"))
        ),
        "cancelled": Run(cancelled.run_id, "x", once_only, 10, frozenset()),
        "faulty": Run(faulty.run_id, "f", honoured, 10, frozenset()),
        "unknown": Run(ended["unknown"], "u", once_only, PERMITS, frozenset()),
    }
    said = _said(floor, ended["unknown"])
    orders = [
        order("look_up", ended["unknown"], ASKER, floor.around, why="what of them?"),
        order("purge", ended["purged"], ASKER, floor.around, why="it was asked"),
    ]
    cancel = order("cancel", cancelled.run_id, ASKER, floor.around, why="wrong list")
    launches = [one.command for one in (idempotent, once, cancelled, faulty)]
    return runs, [*launches, cancel, retry, *said, *orders]


def _said(floor: Floor, run_id: str) -> list[Command]:
    """Return what a person says of two of the unknown records."""
    said = []
    for seq, word in ((1, ResolveAs.DELIVERED), (2, ResolveAs.NOT_DELIVERED)):
        one = Selection(seqs=frozenset({seq}))
        seen = previewed_resolving(floor, run_id, word, one)
        said.append(resolve_command(seen, ASKER, "by their log", floor.around))
    return said


class Story:
    """One copy of the template, from its first engine to its last.

    Attributes:
        asked: Every command that was durably asked, by id.
        kills: So many engines were killed.
        refused_first: Contacts whose first request is refused for now.
    """

    def __init__(
        self, made: Template, world: World, root: Path, chance: random.Random
    ) -> None:
        root.mkdir(parents=True)
        self.floor = Floor(root, made.root)
        self.runs = made.runs
        self.world = world
        self.chance = chance
        self.asked = {command.command_id: command for command in made.asked}
        self.kills = 0
        self.first_arrival = len(made.arrivals)
        # Not those of the retry: its canary would rightly stop.
        large = (made.runs["idempotent"], made.runs["once"])
        contacts = [contact for one in large for contact in sorted(one.contacts)]
        self.refused_first = frozenset(contacts[::REFUSED_EVERY])
        provider = world.provider
        provider.forget(after=self.first_arrival)
        provider.replies = {
            contact: [BUSY, Reply(after_s=0.002)] for contact in self.refused_first
        }
        provider.otherwise = lambda: Reply(after_s=chance.uniform(0.0, 0.01))
        world.post.posted.clear()

    @property
    def layout(self) -> Layout:
        return self.floor.layout

    @property
    def arrivals(self) -> list[Arrival]:
        """What reached the provider of this story."""
        return self.world.provider.arrivals[self.first_arrival :]

    def ask(self, command: Command) -> None:
        """Ask, durably; from now on it must not be lost."""
        ask(self.layout, command)
        self.asked[command.command_id] = command

    def quiet(self) -> None:
        """Wait until the provider has read all that a killed process had sent."""
        provider = self.world.provider
        until(lambda: provider.connections == 0, "the last requests of the dead")

    def close(self) -> None:
        self.floor.close()
        # One that a killed engine left would keep its room, here of the memory.
        self.floor.layout.reserve.unlink(missing_ok=True)
