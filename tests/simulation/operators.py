"""The people of a world: they command at any time, twice, and with stale screens."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.simulation.invariants import FAILED, TRANSIENT
from tests.simulation.wire import REFUSED

from watchfloor.domain.identity import contact_digest, new_id
from watchfloor.domain.recovery import asked_payload
from watchfloor.store.inbox import Command

if TYPE_CHECKING:
    from tests.simulation.world import World

_VERBS = (
    "pause",
    "pause",
    "pause",
    "resume",
    "resume",
    "stop",
    "stop",
    "cancel",
    "cancel",
)


class Operators:
    """Whoever asks, and whatever strikes from outside the engine."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = 0
        # Apart from the world's: what is told late draws nothing of what else happens.
        self._late = random.Random(f"late {world.scenario.seed}")  # noqa: S311 - replayable
        self.commands: list[Command] = []
        #: Every life that began.
        self.born: list[int] = []

    def plan(self) -> None:
        """Draw when what happens."""
        scenario, world = self._world.scenario, self._world
        told = (
            (scenario.steers, self._steer),
            (scenario.limits, self._limit),
            (scenario.suppresses, self._suppress),
            (scenario.results, self._report),
            (scenario.resolves, self._resolve),
            (scenario.jumps, self._jump),
            (scenario.refusals, self._fill_disk),
            (scenario.crashes, self._crash),
            (scenario.retries, self._retry),
        )
        for count, act in told:
            for _ in range(count):
                world.at(world.chance.uniform(0.0, scenario.span_s), act)

    def let_go(self) -> bool:
        """Let every run that waits for a person go on; return whether any did."""
        asked = self._count
        for run_id, run in self._world.sight.runs.items():
            if run["phase"] == "ended":
                continue
            if run["gate"] != "open" and run["intent"] is None:
                self._ask("resume", run_id)
            waits = run["approve_after"] is not None and run["approved_at_ms"] is None
            if waits and self._world.sight.books[run_id]["attempts"]:
                self._ask("approve", run_id)
        return self._count > asked

    def _ask(self, verb: str, run_id: str, why: str = "", **payload: Any) -> Command:
        world = self._world
        self._count += 1
        command = Command(
            command_id=f"command-{self._count}",
            at_ms=world.wall_ms(),
            verb=verb,
            run_id=run_id,
            by="nora",
            why=why,
            payload=payload,
        )
        self._send(command)
        self.commands.append(command)
        return command

    def _send(self, command: Command) -> None:
        world = self._world
        world.note(f"{command.verb} {command.run_id} as {command.command_id}")
        world.inbox.asked.append(command)
        world.at(world.chance.uniform(0.0, 0.05), self._ring)

    def _ring(self) -> None:
        for life in self._world.lives:
            life.ring("inbox")

    def _run_id(self) -> str:
        return self._world.chance.choice(list(self._world.sight.runs))

    def _steer(self) -> None:
        world = self._world
        if (
            world.scenario.repeats_commands
            and self.commands
            and world.chance.random() < 0.5
        ):
            self._send(world.chance.choice(self.commands))
            return
        run_id = self._run_id()
        verb = world.chance.choice(_VERBS)
        payload: dict[str, Any] = {}
        if world.scenario.sees:
            payload["seen"] = world.sight.seen(run_id)
        if verb == "stop" and world.chance.random() < 0.7:
            self._stop_in_flight(run_id)
            return
        self._ask(verb, run_id, **payload)
        if verb == "pause" and world.chance.random() < 0.6:
            then = world.chance.choice(["resume", "resume", "cancel"])
            world.at(
                world.chance.choice([0.0, 0.3, 5.0]), lambda: self._then(then, run_id)
            )
        if verb == "stop" and world.chance.random() < 0.4:
            world.at(
                world.chance.choice([0.0, 0.3, 5.0]), lambda: self._then("stop", run_id)
            )

    def _stop_in_flight(self, run_id: str, tries: int = 20) -> None:
        """Stop a run while the provider has something of it, if that comes soon."""
        world = self._world
        flying = sum(
            count for (_, one), count in world.provider.flying.items() if one == run_id
        )
        if flying or not tries:
            self._ask("stop", run_id)
            return
        in_s = max(0.001, world.scenario.latency_s[1] / 3)
        world.at(in_s, lambda: self._stop_in_flight(run_id, tries - 1))

    def _then(self, verb: str, run_id: str, **payload: Any) -> None:
        self._ask(verb, run_id, **payload)

    def _limit(self) -> None:
        chance = self._world.chance
        if chance.random() < 0.3:
            self._ask("limit", "", scope="workspace", permits=chance.choice([1, 2, 6]))
            return
        run_id = self._run_id()
        self._ask("limit", run_id, scope="run", permits=chance.choice([1, 2, 6]))

    def _suppress(self) -> None:
        contact = f"c{self._world.chance.randrange(4)}"
        digest = contact_digest("id", contact).hex()
        self._ask("suppress", "", "asked by phone", kind="id", digests=[digest])

    def _report(self) -> None:
        world = self._world
        told = [one for one in world.provider.arrivals if one.kind != "unreachable"]
        key = world.chance.choice(told).dispatch.key if told else "00" * 16
        kind = world.chance.choice(["delivered", "opened", "bounced", "opted_out"])
        number = world.chance.randrange(3)
        self._ask(
            "results", "", source="a file", events=[self._event(number, kind, key)]
        )

    def _event(self, number: object, kind: str, key: str) -> dict[str, str]:
        at = datetime.fromtimestamp(self._world.wall_ms() / 1_000, UTC)
        return {
            "event_id": f"event-{number}",
            "kind": kind,
            "at": at.isoformat(),
            "key": key,
        }

    def _resolve(self) -> None:
        world = self._world
        places = [
            place
            for place, record in world.sight.records.items()
            if record["state"] == 8
        ]
        if not places:
            world.at(world.scenario.span_s / 3 + 1, self._resolve_late)
            return
        run_no, seq = world.chance.choice(places)
        run_id = next(
            one for one, run in world.sight.runs.items() if run["run_no"] == run_no
        )
        word = world.chance.choice(["delivered", "not-delivered", "resend"])
        selection = {"seqs": [seq]}
        if word != "delivered":
            self._overtake(run_id, seq)
        self._ask(
            "resolve",
            run_id,
            "seen in their log",
            selection=selection,
            expected=1,
            **{"as": word},
        )

    def _resolve_late(self) -> None:
        if any(one["state"] == 8 for one in self._world.sight.records.values()):
            self._resolve()

    def _overtake(self, run_id: str, seq: int) -> None:
        """Let a provider tell that a record arrived before it is sent again."""
        got = self._world.provider.by_seq.get((run_id, seq), [])
        how = self._late.choice(["", "", "before", "after", "paused", "paused"])
        if not got or not how:
            return
        key = got[-1].dispatch.key
        events = [self._event(f"again {key}", "delivered", key)]
        if how == "before":
            self._ask("results", "", source="a file", events=events)
            return
        in_s = self._late.choice([0.0, 0.06, 0.5, 3.0])
        if how == "paused":
            self._ask("pause", run_id)
            self._world.at(in_s + 2.0, lambda: self._then("resume", run_id))
        self._world.at(
            in_s,
            lambda: self._then("results", "", source="a file", events=events),
        )

    def _retry(self, tries: int = 6) -> None:
        """Take up what failed for now in an ended run; later where there is none."""
        world = self._world
        for run_id, run in world.sight.runs.items():
            failed = any(
                record["state"] == FAILED and record["outcome_class"] == TRANSIENT
                for (run_no, _), record in world.sight.records.items()
                if run_no == run["run_no"]
            )
            if run["phase"] != "ended" or not failed:
                continue
            preview = world.sight.retry_of(run_id)
            if preview.refusal is None:
                child_id = new_id(world.wall_ms(), world.chance.randbytes(3))
                payload = asked_payload(preview, canary=world.chance.random() < 0.8)
                self._ask("retry", child_id, "it works again", **payload)
                self._meddle_with(run_id)
                return
        self.let_go()
        if tries:
            world.at(world.scenario.span_s / 2 + 20, lambda: self._retry(tries - 1))

    def _meddle_with(self, parent_id: str) -> None:
        """Let a retry meet what is meant for it: reports and crashes on its way."""
        world = self._world
        if world.chance.random() < 0.4:
            in_s = world.chance.choice([0.0, 0.06, 0.5, 3.0])
            world.at(in_s, lambda: self._report_late(parent_id))
        if world.scenario.crashes and world.chance.random() < 0.4 and world.life:
            # While it takes up its cohort, if the commits fall so.
            world.life.crashes_in = world.chance.randint(2, 6)

    def _report_late(self, parent_id: str) -> None:
        """Let a provider tell of attempts that had failed that they did arrive."""
        world = self._world
        tried = [
            one.dispatch
            for one in world.provider.arrivals
            if one.dispatch.run_id == parent_id and one.kind in REFUSED
        ]
        keys = sorted({one.key for one in tried})
        if not keys:
            return
        some = world.chance.sample(keys, min(2, len(keys)))
        events = [self._event(key, "delivered", key) for key in some]
        self._ask("results", "", source="a file", events=events)

    def _jump(self) -> None:
        world = self._world
        ahead_ms = world.chance.choice(
            [-3_600_000, -5_000, 4_000, 3_600_000, 86_400_000]
        )
        world.note(f"the clock jumps by {ahead_ms} ms")
        world.wall_offset_ms += ahead_ms
        for life in world.lives:
            life.ring("heartbeat")

    def _fill_disk(self) -> None:
        self._world.note("the disk is full for a while")
        self._world.disk.refusals = self._world.chance.randint(1, 3)

    def _crash(self) -> None:
        world = self._world
        life = world.life
        if life is None:
            return
        how = world.chance.random()
        if how < 0.4:
            # After its next commit, before anybody hears of it.
            life.crashes_in = 1
            return
        if world.scenario.zombies and how < 0.7:
            world.replace()
            return
        world.note(f"life {life.number} killed")
        world.kill(life)
