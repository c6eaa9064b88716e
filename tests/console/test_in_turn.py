"""Keys that come together, as over a slow line."""

from __future__ import annotations

import asyncio

from tests.console.looking import press_at_once, settled, until
from textual.app import ComposeResult
from textual.events import Key, Paste
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from watchfloor.console import in_turn
from watchfloor.console.in_turn import InTurn
from watchfloor.console.screens.wizard_pickers import CampaignPicker


async def test_what_is_typed_after_the_key_that_opens_a_field_is_written_there(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)

        # As they come together over a slow line; by themselves they arm and launch.
        await press_at_once(pilot, "n", "m", "y", "/", ".")

        assert app.screen.query_one(CampaignPicker).field.value == "my/."
        assert not app.session.is_armed


async def test_what_is_pasted_after_the_key_that_opens_a_field_is_written_there(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.post_message(Key("n", "n"))
        app.post_message(Paste("some\nwhere"))
        await settled(pilot)

        assert app.screen.query_one(CampaignPicker).field.value == "some where"


class Listener(Widget, can_focus=True):
    """Writes down what it hears, slowly where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.is_hearing = False
        self.going = asyncio.Event()
        self.going.set()

    async def on_key(self, event: Key) -> None:
        self.is_hearing = True
        await self.going.wait()
        self.heard.append(event.key)


class Ear(Screen[None]):
    """Nothing but a listener."""

    def __init__(self) -> None:
        super().__init__()
        self.listener = Listener()

    def compose(self) -> ComposeResult:
        yield self.listener


class Bench(InTurn):
    """Opens an ear with ``o`` and closes it with ``x``."""

    def __init__(self) -> None:
        super().__init__(ansi_color=None)
        self.listeners: list[Listener] = []

    async def on_key(self, event: Key) -> None:
        if event.key == "o":
            ear = Ear()
            self.listeners.append(ear.listener)
            await self.push_screen(ear)
        elif event.key == "x":
            _ = self.pop_screen()

    def type(self, keys: str) -> None:
        for key in keys:
            self.post_message(Key(key, key))

    def has_heard(self, *all_keys: str) -> bool:
        return ["".join(one.heard) for one in self.listeners] == [*all_keys]


async def busy_listener(app: Bench, pilot: Pilot[int]) -> Listener:
    """Open an ear, whose listener comes to no end with what it hears."""
    app.type("o")
    await until(pilot, lambda: app.focused in app.listeners)
    (listener,) = app.listeners
    listener.going.clear()
    return listener


async def test_every_key_of_a_burst_goes_to_the_screen_that_the_one_before_left():
    app = Bench()
    async with app.run_test() as pilot:
        app.type("aobcxdoef")
        await until(pilot, lambda: app.has_heard("bcx", "ef"))
        assert not app.has_typed_ahead


async def test_a_key_under_which_a_screen_opens_goes_to_that_screen():
    app = Bench()
    async with app.run_test() as pilot:
        listener = await busy_listener(app, pilot)
        app.type("k")
        await until(pilot, lambda: listener.is_hearing)
        ear = Ear()
        app.listeners.append(ear.listener)
        _ = app.push_screen(ear)  # as by a worker: nobody waits for its parts
        listener.going.set()

        await until(pilot, lambda: app.has_heard("k", "k"))


async def test_a_key_that_never_ends_holds_up_all_the_others_together_once(monkeypatch):
    monkeypatch.setattr(in_turn, "_LONGEST_S", 0.2)
    app = Bench()
    async with app.run_test() as pilot:
        listener = await busy_listener(app, pilot)
        try:
            app.type("ab")
            await until(pilot, lambda: app.has_typed_ahead)
            await until(pilot, lambda: not app.has_typed_ahead)
            # It has not ended yet, and that is known: nothing waits for it once more.
            app.type("cdefgh")
            await until(
                pilot, lambda: listener._message_queue.qsize() == len("bcdefgh")
            )
        finally:
            listener.going.set()
        await until(pilot, lambda: app.has_heard("abcdefgh"))
