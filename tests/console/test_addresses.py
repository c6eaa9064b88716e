"""Commands that a console tells: whoever copies one acts on its workspace."""

from __future__ import annotations

import pytest
from tests.console.looking import press, settled, shown, until

from watchfloor.domain.shell_words import Address

AWAY, HERE = Address("/srv/b", is_elsewhere=True), Address("/srv/b")
NAMED = "watchfloor --workspace /srv/b"
WIDE = (160, 48)


def line(app) -> str:
    """The screen as one line, or what a frame on it holds."""
    framed = [row.split("│") for row in shown(app).splitlines()]
    inner = " ".join(row[1] for row in framed if len(row) > 1)
    return " ".join((inner or shown(app)).split())


@pytest.mark.parametrize(
    ("address", "told"), [(AWAY, f"{NAMED} engine"), (HERE, "watchfloor engine")]
)
async def test_who_would_type_it_elsewhere_is_told_the_workspace_too(
    console, desk, address, told
):
    app = console(address=address)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "q")
        await until(pilot, lambda: f"starts here again: {told}." in line(app))
        await press(pilot, "escape")
        app.jobs.say("watchfloor engine goes on", "warn")
        await settled(pilot)
        assert f"{told} goes on" in line(app)

        desk.alive = False
        await until(pilot, lambda: "NO ENGINE" in line(app))
        assert f"start: {told}" in line(app)
        await press(pilot, "2")
        await until(pilot, lambda: f"start one: {told}" in line(app))


@pytest.mark.parametrize("address", [AWAY, HERE])
async def test_a_note_for_the_next_shift_names_it_always(console, address):
    app = console(address=address)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "N")
        await until(pilot, lambda: "Open questions:" in shown(app))
        assert f"{NAMED} why run-0001" in line(app)
        await press(pilot, "y")

    assert app.clipboard.endswith(f"{NAMED} why run-0001")
