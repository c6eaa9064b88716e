"""Faults and refusals that an operator reads to their end, however long they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.looking import panel, press, settled, shown, until
from tests.console.paper_desk import PaperDesk

from watchfloor.console.flow import read_whole
from watchfloor.console.pieces import Piece, measured
from watchfloor.console.snapshots import PulseRead
from watchfloor.domain.errors import StoreError

FAULT = (
    "the disk has no room for the reserve, from which outcomes are stored when it is "
    "full; nothing new is begun. Make room, then resume the runs with e"
)


def told(line, right, width, most=6):
    return [
        "".join(piece.text for piece in one).strip()
        for one in read_whole(line, right, width, most)
    ]


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_what_is_bad_goes_on_in_other_lines_and_all_else_stays_in_one(width):
    right = (Piece("z takes back: stop "),)
    for role in ("bad", "warn"):
        lines = read_whole((Piece(f" {FAULT}", role),), right, width, 6)
        assert all(measured(line) <= width for line in lines)
        words = " ".join(told((Piece(f" {FAULT}", role),), right, width))
        assert words.replace("z takes back: stop", "").split() == FAULT.split()
        assert "z takes back: stop" in words
    assert len(read_whole((Piece(FAULT, "dim"),), right, width, 6)) == 1
    assert len(read_whole((Piece("short", "bad"),), right, width, 6)) == 1


class FaultyDesk(PaperDesk):
    """The engine of which says what its store cannot do."""

    def _engine(self):
        return replace(super()._engine(), fault=FAULT)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_keeps_all_from_being_read_stands_on_the_screen_once(
    console, desk, size
):
    desk.fault = StoreError(FAULT)
    app = console()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "not known" in panel(app, "engine"))
        await settled(pilot)
        assert " ".join(shown(app).split()).count("Make room, then resume") == 1
        assert "Could not refresh: the line of the engine says why." in shown(app)

        # Where that line has other words, the reason stands here again.
        desk.fault = None
        app.jobs.post_message(PulseRead(await desk.pulse()))
        await settled(pilot)
        assert "Make room, then resume" in " ".join(panel(app, "message").split())

        await press(pilot, "r")
        await until(pilot, lambda: bool(app.jobs.runs.rows))


async def test_of_the_smallest_screen_rows_are_left_whatever_is_said(console):
    app = console()
    app.session.desk = FaultyDesk(clock=app.session.clock)
    async with app.run_test(size=(60, 16)) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "STORE FAULT" in panel(app, "engine"))
        app.jobs.say(f"{FAULT} {FAULT}", "bad")
        await settled(pilot)

        assert app.jobs.runs.size.height >= 3
        assert "Help" in shown(app)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40)])
async def test_a_store_fault_and_a_refusal_stand_whole_on_the_screen(console, size):
    app = console()
    app.session.desk = FaultyDesk(clock=app.session.clock)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "STORE FAULT" in panel(app, "engine"))
        await settled(pilot)
        assert "then resume the runs with e" in " ".join(shown(app).split())
        assert app.jobs.query_one("#engine").size.height > 1

        app.session.desk.fault = StoreError(FAULT)
        await press(pilot, "r")
        await until(pilot, lambda: "Could not refresh" in panel(app, "message"))
        await settled(pilot)
        assert "the runs with e" in " ".join(shown(app).split())
        assert "Rows are from" in " ".join(shown(app).split())

        app.session.desk.fault = None
        app.jobs.say("All is well.")
        await settled(pilot)
        assert app.jobs.query_one("#message").size.height == 1
