from __future__ import annotations

import asyncio

import pytest
from tests.console.looking import press, settled, shown, until

from watchfloor.domain.errors import ConfigError

SIZE = (120, 36)


class Desk:
    """Writes a bundle when it is let: says how far it is, then where it lies."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may = asyncio.Event()
        self.fault: Exception | None = None

    async def __call__(self, run_id, told):
        self.asked.append(run_id)
        told("journeys 10 of 60")
        await self.may.wait()
        if self.fault is not None:
            raise self.fault
        return "/srv/floor/bundles/b.zip"


@pytest.fixture
def writer():
    return Desk()


async def test_one_key_writes_the_bundle_of_the_run_and_says_where_it_lies(
    console, writer
):
    app = console(bundler=writer)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "e")
        await until(
            pilot, lambda: "Bundle of Autumn billing: journeys 10 of 60" in shown(app)
        )
        # The screens go on meanwhile.
        await press(pilot, "j")
        assert app.jobs.run != app.jobs.runs.rows[0].run

        writer.may.set()
        await until(pilot, lambda: "people masked: /srv/floor/bundles" in shown(app))
        assert writer.asked == [app.jobs.runs.rows[0].run.run_id]


@pytest.mark.parametrize("keys", [("t",), ("l", "enter")], ids=["triage", "a journey"])
async def test_the_same_key_works_over_the_jobs(console, writer, keys):
    app = console(bundler=writer)
    writer.may.set()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        run = app.jobs.run
        await press(pilot, *keys)
        await settled(pilot)
        assert app.screen is not app.jobs

        await press(pilot, "e")

        await until(pilot, lambda: "people masked: /srv/floor/bundles" in shown(app))
        assert writer.asked == [run.run_id]


async def test_a_bundle_that_cannot_be_written_is_said(console, writer):
    app = console(bundler=writer)
    writer.fault = ConfigError("the disk is full; nothing was left behind")
    writer.may.set()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "e")

        await until(
            pilot, lambda: "No bundle of Autumn billing: the disk" in shown(app)
        )


async def test_one_bundle_is_written_after_the_other(console, writer):
    app = console(bundler=writer)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "e")
        await until(pilot, lambda: writer.asked)
        await press(pilot, "e")
        await until(pilot, lambda: "being written already" in shown(app))

        assert len(writer.asked) == 1


async def test_where_nobody_writes_bundles_the_verb_is_named(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "e")

        assert "watchfloor bundle RUN" in shown(app)


async def test_a_view_of_all_runs_is_of_none(console, writer):
    app = console(bundler=writer)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "5")
        await settled(pilot)
        await press(pilot, "e")

        await until(pilot, lambda: "this view is not of one run" in shown(app))
        assert writer.asked == []
