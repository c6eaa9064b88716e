"""Who steers while engines die: seeded, through the real inbox, waiting for nothing."""

from __future__ import annotations

from tests.kills.promises import Breach, Broken
from tests.kills.story import PERMITS, Story
from tests.support.floor import ASKER

from watchfloor.domain.errors import WatchfloorError
from watchfloor.domain.identity import contact_digest
from watchfloor.domain.previews import preview
from watchfloor.domain.regions import Gate, Verb
from watchfloor.domain.views import RunView
from watchfloor.engine.operations import order, steering_command
from watchfloor.store.inbox import Command

#: Of the chances to do something, the share that is taken.
ACTS = 0.02
STEERED = ("idempotent", "once", "child")


class Steersman:
    """Asks for pauses, resumes, limits, stops and cancels, and remembers what held.

    Attributes:
        broken: Contacts made by a run that stood paused.
        may_pause: Whether ``pause_once`` has not done so yet.
    """

    def __init__(self, story: Story) -> None:
        self.story = story
        self._chance = story.chance
        self.may_pause = True
        self._held: dict[str, int] = {}
        self.broken: list[Broken] = []

    def act(self) -> None:
        """Ask for something, now and then."""
        if self._chance.random() >= ACTS:
            return
        name = self._chance.choice(STEERED)
        view = self._view(name)
        if view is None or view.lifecycle.is_ended:
            return
        command = self._command(name, view)
        if command is None:
            return
        if command.verb == Verb.RESUME:
            # Asked, so it may come true at any moment.
            self._forget(name)
        self.story.ask(command)

    def pause_once(self) -> None:
        """Pause the run that stores intents ahead, once, while it is under way."""
        if not self.may_pause or not self._count("idempotent"):
            return
        view = self._view("idempotent")
        if view is not None and view.lifecycle.gate is Gate.OPEN:
            self.may_pause = False
            self._ask_to(Verb.PAUSE, view)

    def _ask_to(self, verb: Verb, view: RunView) -> None:
        around = self.story.floor.around
        asked = steering_command(
            preview(view, verb), ASKER, "steered", around, typed=""
        )
        self.story.ask(asked)

    def _command(self, name: str, view: RunView) -> Command | None:
        lot, around = self._chance.random(), self.story.floor.around
        verb = Verb.PAUSE if view.lifecycle.gate is Gate.OPEN else Verb.RESUME
        if lot < 0.03:
            verb = Verb.STOP
        elif lot < 0.06:
            verb = Verb.CANCEL
        elif lot < 0.2:
            permits = self._chance.randint(1, PERMITS)
            run_id, payload = view.run_id, {"scope": "run", "permits": permits}
            return order("limit", run_id, ASKER, around, payload=payload)
        elif lot < 0.24:
            one = self._chance.choice(sorted(self.story.runs[name].contacts))
            digests = [contact_digest("id", one).hex()]
            payload_of = {"kind": "id", "digests": digests}
            return order("suppress", "", ASKER, around, why="asks", payload=payload_of)
        return steering_command(preview(view, verb), ASKER, "steered", around, typed="")

    def look(self) -> None:
        """See what still holds and what holds now; nothing is under way."""
        self.check_holds()
        for name in STEERED:
            view = self._view(name)
            if view is None or view.lifecycle.gate is not Gate.PAUSED:
                continue
            if not self._is_to_resume(view):
                self._hold(name)

    def _is_to_resume(self, view: RunView) -> bool:
        """Whether a resume was asked that may still come true."""
        floor = self.story.floor
        return view.lifecycle.intent is not None or any(
            floor.receipt(one.command_id) is None
            for one in self.story.asked.values()
            if (one.run_id, one.verb) == (view.run_id, Verb.RESUME)
        )

    def check_holds(self) -> None:
        """Whoever stood paused contacted nobody since."""
        for name, count in list(self._held.items()):
            if self._count(name) != count:
                told = f"the run {name} stood paused, and contacted somebody"
                self.broken.append(Broken(Breach.CONTROL, told))
                self._forget(name)

    def let_go(self) -> bool:
        """Resume whatever is paused; return whether anything was."""
        paused = False
        for name in STEERED:
            view = self._view(name)
            if view is None or view.lifecycle.gate is Gate.OPEN:
                continue
            paused = True
            self._forget(name)
            self._ask_to(Verb.RESUME, view)
        return paused

    def _hold(self, name: str) -> None:
        if name not in self._held:
            # What the dead had sent is read before anybody is counted.
            self.story.quiet()
            self._held[name] = self._count(name)

    def _forget(self, name: str) -> None:
        self._held.pop(name, None)

    def _count(self, name: str) -> int:
        prefix = self.story.runs[name].prefix
        return sum(one.contact.startswith(prefix) for one in self.story.arrivals)

    def _view(self, name: str) -> RunView | None:
        try:
            return self.story.floor.view(self.story.runs[name].run_id)
        except WatchfloorError:
            return None
