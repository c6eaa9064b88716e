"""A workspace with an engine to start, command, kill and look at."""

from __future__ import annotations

import asyncio
import os
import pwd
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from tests.support.patience import DEADLINE_S, until

from watchfloor.domain.actors import Asker, Owner
from watchfloor.domain.books import Books
from watchfloor.domain.errors import Refusal
from watchfloor.domain.identity import contact_digest
from watchfloor.domain.previews import Preview, preview
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import History, Phase, Verb
from watchfloor.domain.views import (
    EngineView,
    EventView,
    Journey,
    PageKey,
    Receipt,
    RecordView,
    RunView,
)
from watchfloor.engine.journeys import journey
from watchfloor.engine.operations import (
    apply_what_waits,
    asked_of_engine,
    create_workspace,
    order,
    steering_command,
)
from watchfloor.engine.preparing import Launch, prepared_launch
from watchfloor.engine.running import run_engine
from watchfloor.engine.supervisor import Supervisor
from watchfloor.engine.surroundings import Surroundings
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.handle import Handle
from watchfloor.store.inbox import Command
from watchfloor.store.layout import Layout
from watchfloor.store.reads.audit import counted_books
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.journal import events, receipt
from watchfloor.store.reads.records import record_page
from watchfloor.store.reads.runs import run_page, run_view, step_names
from watchfloor.store.sqlite import reading_engine

T = TypeVar("T")

#: A clock that jumps does so by more; one that is read again and again, by less.
CLOSE_S = 60.0

ASKER = Asker(by="nora", origin="desk-1")


def via_account(name: str) -> str:
    """Return how the journal names who asked from the account of these tests."""
    return f"{name} via {pwd.getpwuid(os.geteuid()).pw_name}"


NORA = via_account("nora")


class Clock:
    """The machine's time, which a test may put forward, back, or let stand.

    Attributes:
        ahead_s: What the wall clock shows beyond the machine's.
        monotonic_ahead_s: What the monotonic one does.
    """

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.monotonic_ahead_s = 0.0
        self._stands_at_s: float | None = None
        self._still_at_s: float | None = None
        # By the engine, that is: not by the test's own thread.
        self._read_at_ms = 0
        self._read_at_s = 0.0

    def now_ms(self) -> int:
        now_s = time.time() if self._still_at_s is None else self._still_at_s
        now_ms = int((now_s + self.ahead_s) * 1000)
        if threading.current_thread() is not threading.main_thread():
            self._read_at_ms = now_ms
        return now_ms

    def monotonic_s(self) -> float:
        now_s = time.monotonic() + self.monotonic_ahead_s
        if self._stands_at_s is not None:
            now_s = self._stands_at_s
        if threading.current_thread() is not threading.main_thread():
            self._read_at_s = now_s
        return now_s

    @contextmanager
    def still(self) -> Iterator[None]:
        """Let the wall clock show nothing but what the test puts it forward.

        Where it stands already it goes on standing.
        """
        if self._still_at_s is not None:
            yield
            return
        stood_s = self._still_at_s = time.time()
        try:
            yield
        finally:
            self.ahead_s += stood_s - time.time()
            self._still_at_s = None

    def move_to(self, moment: str) -> None:
        """Let it be this moment, as in ``2030-01-07T08:30:00+00:00``, and go on."""
        self.ahead_s = datetime.fromisoformat(moment).timestamp() - time.time()

    def jump(self, wall_s: float, monotonic_s: float = 0.0) -> None:
        """Put the clocks forward or back, and wait until an engine has seen it."""
        self.ahead_s += wall_s
        self.monotonic_ahead_s += monotonic_s
        until(lambda: abs(self._read_at_ms - self.now_ms()) < CLOSE_S * 1000)
        until(lambda: abs(self._read_at_s - self.monotonic_s()) < CLOSE_S)

    def stand(self) -> None:
        """Let the monotonic clock stand, as it does while a machine is suspended."""
        self._stands_at_s = self.monotonic_s()

    def go_on(self) -> None:
        """Let the monotonic clock go on from where it stood."""
        stood_s = self._stands_at_s
        if stood_s is not None:
            self.monotonic_ahead_s = stood_s - time.monotonic()
            self._stands_at_s = None


class Running:
    """An engine on a thread of its own, as beside a console."""

    def __init__(
        self, floor: Floor, *, until_idle: bool, grace_s: float, name: str
    ) -> None:
        self._floor = floor
        self._options = {"until_idle": until_idle, "grace_s": grace_s}
        self._owner = Owner(name=name, pid=os.getpid(), host="here")
        self._owned = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.supervisor: Supervisor | None = None
        self.is_drained: bool | None = None
        self.error: BaseException | None = None

    def start(self) -> None:
        """Begin, and wait until it owns the workspace or cannot."""
        self._thread.start()
        self._owned.wait(DEADLINE_S)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Ask it to drain; a second time, not to wait."""
        if self.supervisor is not None and self.is_running:
            self.supervisor.stop()

    def ended(self) -> bool:
        """Wait for its end; return whether it was drained, or raise what ended it."""
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "the engine did not end"
        if self.error is not None:
            raise self.error
        assert self.is_drained is not None
        return self.is_drained

    def do(self, job: Callable[..., T]) -> T:
        """Have a job done on the engine's own connection, in a round of its own."""
        assert self.supervisor is not None
        future = self.supervisor._committer.submit(job)
        self.supervisor._thread.wake()
        return future.result(DEADLINE_S)

    def _run(self) -> None:
        try:
            self.is_drained = run_engine(
                self._floor.layout,
                self._floor.around,
                self._owner,
                until_idle=bool(self._options["until_idle"]),
                grace_s=float(self._options["grace_s"]),
                on_start=self._note_start,
            )
        except BaseException as error:  # noqa: BLE001 - raised again by ended()
            self.error = error
        finally:
            self._owned.set()

    def _note_start(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self._owned.set()


class Floor:
    """One workspace, seen and commanded as a person does.

    Args:
        root: Where its directory is made, and its campaign and upload are written.
        template: A workspace nobody used yet, to copy instead of making one.
    """

    def __init__(self, root: Path, template: Path | None = None) -> None:
        self.root = root
        self.layout = Layout(root / "floor")
        self.clock = Clock()
        chance = random.Random(1)  # noqa: S311 - jitter, and replayable
        self.around = Surroundings(
            self.clock.now_ms, self.clock.monotonic_s, chance.random, os.urandom
        )
        self.owner = Owner(name="a verb", pid=os.getpid(), host="here")
        if template is None:
            settings = default_workspace_text("floor", "Floor")
            create_workspace(self.layout, settings, self.around, self.owner)
        else:
            shutil.copytree(template, self.layout.root)
        # One connection for all questions: a test asks a hundred times a second.
        self._reads = reading_engine(self.layout.state)

    def prepared(
        self, campaign: str, upload: Sequence[str] | Path, *, allow_twin: bool = False
    ) -> Launch:
        """Return a launch of *campaign* (TOML) over ids or a file, not asked yet."""
        file = self.root / "campaign.toml"
        file.write_text(campaign, encoding="utf-8")
        if not isinstance(upload, Path):
            rows = "".join(f"{one},name of {one}\n" for one in upload)
            upload = self.root / "upload.csv"
            upload.write_text(f"id,first_name\n{rows}", encoding="utf-8")
        return prepared_launch(
            self.layout, file, upload, ASKER, self.around, allow_twin=allow_twin
        )

    def launched(
        self, campaign: str, upload: Sequence[str] | Path, *, allow_twin: bool = True
    ) -> str:
        """Launch; return the run's id once the launch is accepted."""
        launch = self.prepared(campaign, upload, allow_twin=allow_twin)
        answer = self.asked(launch.command)
        assert answer.state == "settled", answer
        return launch.run_id

    def asked(self, command: Command, state: str = "settled") -> Receipt:
        """Ask, and wait until the answer has this state or is a refusal."""
        order = ["asked", "acknowledged", "applied", "settled"]
        wanted = order[order.index(state) :]
        return asyncio.run(
            asked_of_engine(
                self.layout,
                command,
                self.around,
                self.owner,
                until=lambda found: found.state in wanted,
                patience_s=DEADLINE_S,
            )
        )

    def ordered(
        self,
        verb: str,
        run_id: str = "",
        *,
        by: str = ASKER.by,
        why: str = "",
        **payload: object,
    ) -> Receipt:
        """Ask for what needs no preview (limit, approve, suppress, ...); see orders."""
        asker = Asker(by=by, origin=ASKER.origin)
        return self.asked(
            order(verb, run_id, asker, self.around, why=why, payload=payload)
        )

    def ordered_begun(
        self, verb: str, run_id: str, *, why: str = "", **payload: object
    ) -> Receipt:
        """Ask for what settles only later; see ``ordered``."""
        command = order(verb, run_id, ASKER, self.around, why=why, payload=payload)
        return self.asked(command, "acknowledged")

    def suppressed(self, *contacts: str, why: str = "asked by phone") -> Receipt:
        """Suppress contacts of kind id; settled when every run obeys."""
        digests = [contact_digest("id", contact).hex() for contact in contacts]
        answer = self.ordered("suppress", why=why, kind="id", digests=digests)
        assert answer.state == "settled", answer
        return answer

    def configure(self, tables: str) -> None:
        """Add TOML tables to the workspace's file, as a person does meanwhile."""
        text = self.layout.settings.read_text(encoding="utf-8")
        self.layout.settings.write_text(f"{text}\n{tables}\n", encoding="utf-8")

    def rounds(self, run_id: str) -> None:
        """Wait until the engine has looked at a live run for what may start, twice."""
        for _ in range(2):
            answer = self.ordered("limit", run_id, scope="run")
            assert answer.state == "settled", answer

    def preview(self, verb: Verb, run_id: str) -> Preview:
        return preview(self.view(run_id), verb)

    def command(self, verb: Verb, run_id: str, reason: str = "") -> Command:
        """Return the command that confirming the verb's preview now would give."""
        seen = self.preview(verb, run_id)
        return steering_command(seen, ASKER, reason, self.around, typed=seen.typed)

    def steered(
        self, verb: Verb, run_id: str, reason: str = "", *, state: str = "settled"
    ) -> Receipt:
        """Give a command as it is confirmed now, and wait for its answer.

        Where the figures changed meanwhile, it is decided on the new ones, as a person
        is told to; one that is refused over the same ones stays refused.
        """
        command = self.command(verb, run_id, reason)
        answer = self.asked(command, state)
        while answer.refusal == Refusal.DRIFTED:
            anew = self.command(verb, run_id, reason)
            if anew.payload == command.payload:
                break
            command, answer = anew, self.asked(anew, state)
        return answer

    def apply_what_waits(self) -> bool:
        return apply_what_waits(self.layout, self.around, self.owner)

    @contextmanager
    def engine(
        self, *, until_idle: bool = False, grace_s: float = 20.0, name: str = "engine"
    ) -> Iterator[Running]:
        """Run an engine during the block; afterwards it is drained and gone."""
        running = Running(self, until_idle=until_idle, grace_s=grace_s, name=name)
        running.start()
        if running.supervisor is None:
            running.ended()
        try:
            yield running
        finally:
            running.stop()
            running._thread.join(1.0)
            # Whatever it still waits for, the test is over.
            running.stop()
            running._thread.join(DEADLINE_S)
        if running.error is not None:
            raise running.error

    def carried_out(self) -> None:
        """Run an engine until nothing is left to do, the wall clock in a hurry."""
        with self.engine(until_idle=True) as running:
            until(lambda: self._second_later(running), "the engine to be idle")
            assert running.ended()

    def _second_later(self, running: Running) -> bool:
        self.clock.ahead_s += 1
        return not running.is_running

    def read(self, question: Callable[[Handle], T]) -> T:
        with self._reads.connect() as connection:
            return question(connection)

    def close(self) -> None:
        """Let go of the store."""
        self._reads.dispose()

    def view(self, run_id: str) -> RunView:
        return self.read(lambda connection: run_view(connection, run_id))

    def views(self) -> tuple[RunView, ...]:
        return self.read(run_page)

    def books(self, run_id: str) -> Books:
        return self.view(run_id).books

    def counted(self, run_id: str) -> Books:
        return self.read(lambda connection: counted_books(connection, run_id))

    def pulse(self) -> EngineView:
        return self.read(engine_view)

    def events(self, run_id: str) -> tuple[EventView, ...]:
        return self.read(lambda connection: events(connection, run_id))

    def event_words(self, run_id: str) -> list[str]:
        return [one.event for one in self.events(run_id)]

    def receipt(self, command_id: str) -> Receipt | None:
        return self.read(lambda connection: receipt(connection, command_id))

    def journey(self, run_id: str, seq: int) -> Journey:
        return self.read(lambda connection: journey(connection, run_id, seq))

    def records(
        self, run_id: str, state: RecordState | None = None
    ) -> tuple[RecordView, ...]:
        """Return up to 10,000 records."""

        def asked(connection: Handle) -> tuple[RecordView, ...]:
            steps = step_names(connection, run_id)
            wanted = PageKey(state=state, size=10_000)
            return record_page(connection, run_id, steps, wanted).records

        return self.read(asked)

    def until_phase(self, run_id: str, phase: Phase) -> RunView:
        def found() -> RunView | None:
            view = self.view(run_id)
            return view if view.lifecycle.phase is phase else None

        return self._until(found, f"run {run_id} to be {phase}")

    def until_ended(self, run_id: str) -> RunView:
        """Wait until the run has ended and its history is written."""

        def found() -> RunView | None:
            view = self.view(run_id)
            return view if view.lifecycle.history is History.CREATED else None

        return self._until(found, f"run {run_id} to end")

    def _until(self, found: Callable[[], RunView | None], what: str) -> RunView:
        view = until(found, what)
        assert view is not None
        return view

    def assert_books_hold(self, run_id: str) -> Books:
        """Check that the counters add up and equal their rows; return them.

        Of one moment: an engine may be storing meanwhile.
        """

        def both(connection: Handle) -> tuple[Books, Books]:
            kept = run_view(connection, run_id).books
            return kept, counted_books(connection, run_id)

        kept, counted = self.read(both)
        assert kept.imbalance == ""
        assert counted == kept
        return kept


def ids(count: int, prefix: str = "c") -> list[str]:
    """Return *count* contacts of kind id."""
    return [f"{prefix}{number:05}" for number in range(1, count + 1)]


def campaign(  # noqa: PLR0913 - each is a part of the file
    settings: str = "",
    *,
    channel: str = "simulator",
    permits: int = 10,
    rate: str = "",
    retry: str = "",
    retry_share: float = 0.2,
    name: str = "trial",
    head: str = "",
    audience: str = "",
    steps: str = "",
    rest: str = "",
) -> str:
    """Return a campaign file over a column ``id``.

    *settings* and *retry* are TOML of its first step; *head*, *audience*, *steps* and
    *rest* are more of ``[campaign]`` and ``[audience]``, more steps, and more tables.
    """
    pace = f'rate = "{rate}"' if rate else ""
    return f"""
[campaign]
id = "{name}"
name = "{name.capitalize()}"
{head}

[audience]
contact = "id"
kind = "id"
{audience}

[[steps]]
name = "call"
channel = "{channel}"
[steps.settings]
{settings}
[steps.retry]
{retry or 'backoff = "10ms"'}
{steps}

[limits]
permits = {permits}
retry_share = {retry_share}
{pace}

{rest}
"""


def webhook(url: str, settings: str = "", **options: object) -> str:
    """Return a campaign that posts to *url*; see ``campaign``."""
    told = f"""
url = "{url}"
{settings}
[steps.settings.body]
to = "${{contact}}"
name = "${{first_name}}"
reference = "${{record.key}}"
"""
    # The options are handed on by name; mypy cannot match one type to several.
    return campaign(told, channel="webhook", **options)  # type: ignore[arg-type]


def posting_step(
    url: str,
    *,
    name: str = "text",
    when: str = "",
    settings: str = "",
    retry: str = 'backoff = "10ms"',
) -> str:
    """Return one more step that posts to *url*; *when* is a filter."""
    asks = f"when = '{when}'" if when else ""
    return f"""
[[steps]]
name = "{name}"
channel = "webhook"
{asks}
[steps.settings]
url = "{url}"
{settings}
[steps.settings.body]
to = "${{contact}}"
step = "{name}"
reference = "${{record.key}}"
[steps.retry]
{retry}
"""
