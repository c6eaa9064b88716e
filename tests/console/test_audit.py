from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.looking import press, settled, shown, until
from tests.console.paper_runs import NOON_MS
from tests.console.test_text import HOSTILE

from watchfloor.console.audit_lines import (
    AUDIT_COLUMNS,
    AuditRow,
    audit_at_length,
    result,
    settle_ms,
    stages,
)
from watchfloor.console.screens.audit import AuditScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.errors import StoreError
from watchfloor.domain.live import AuditEntry, AuditPage
from watchfloor.domain.views import EventView, Receipt

SIZES = ((80, 24), (120, 36), (200, 60))


def grid(app) -> Grid[AuditRow]:
    found: Grid[AuditRow] = app.screen.query_one("#entries", Grid)
    return found


async def opened(app, pilot) -> AuditScreen:
    """The journal over the jobs, as its key opens it."""
    await settled(pilot)
    screen = AuditScreen(app.session, app.jobs.run)
    await app.push_screen(screen)
    await settled(pilot)
    return screen


def whole(app) -> str:
    """The screen's words without the breaks between its lines."""
    return " ".join(shown(app).split())


def entry(**choices) -> AuditEntry:
    event = {"entry_id": 1, "at_ms": NOON_MS, "run_id": "run-0001", "event": "stop"}
    receipt = choices.pop("receipt", None)
    return AuditEntry(
        event=EventView(**{**event, **choices}), run_name="Autumn", receipt=receipt
    )


def receipt(**choices) -> Receipt:
    named = {"command_id": "cmd-1", "verb": "stop", "run_id": "run-0001"}
    return Receipt(**{**named, "state": "settled", **choices})


def text_of(row: AuditRow, width: int = 120) -> str:
    return "\n".join(
        "".join(piece.text for piece in line) for line in audit_at_length(row, width)
    )


@pytest.mark.parametrize("size", SIZES)
async def test_the_newest_entry_of_all_runs_stands_first(app, size):
    async with app.run_test(size=size) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: bool(grid(app).rows))
        said = shown(app)
        numbers = [row.entry.event.entry_id for row in grid(app).rows]
        assert numbers == sorted(numbers, reverse=True)
        assert len({row.entry.event.run_id for row in grid(app).rows}) > 1
        assert "Audit  all runs" in said
        assert "settled" in said
        assert ("SETTLED IN" in said) == (size[0] >= 100)
        assert "resume  by ann  from console" in said
        assert "asked 14:01" not in said.split("stages")[0]
        assert "acknowledged +40 ms, applied +10 ms, settled +200 ms" in whole(app)


async def test_one_key_shows_this_run_only_and_all_again(app):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: bool(grid(app).rows))
        await press(pilot, "!")
        name = app.jobs.run.campaign_name
        await until(pilot, lambda: f"Audit  {name}" in shown(app))
        runs = {row.entry.event.run_id for row in grid(app).rows}
        assert runs == {app.jobs.run.run_id}
        await press(pilot, "!")
        await until(pilot, lambda: "Audit  all runs" in shown(app))


async def test_a_choice_that_cannot_be_read_leaves_rows_and_heading_as_they_were(
    app, desk
):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: bool(grid(app).rows))
        rows = grid(app).rows
        desk.fault = StoreError("the store is gone.")
        await press(pilot, "!")
        await until(pilot, lambda: "Could not read the journal" in shown(app))
        assert "the store is gone. This is from 14:02:11." in shown(app)
        assert "Audit  all runs" in shown(app)
        assert grid(app).rows == rows
        desk.fault = None
        await press(pilot, "r")
        await until(pilot, lambda: "rows changed" in shown(app))
        assert "Audit  all runs" in shown(app)


async def test_a_text_narrows_the_list_and_an_empty_one_widens_it(app):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: bool(grid(app).rows))
        await press(pilot, "/", *"greeting", "enter")
        await until(pilot, lambda: 'Audit  all runs  "greeting"' in shown(app))
        assert {row.entry.event.event for row in grid(app).rows} == {"pause"}
        await press(pilot, "/", "escape")
        assert '"greeting"' in shown(app)
        await press(pilot, "/", *["backspace"] * 8, "enter")
        await until(pilot, lambda: '"greeting"' not in shown(app))
        await press(pilot, "/", "up")
        assert "Entries with: greeting" in shown(app)
        await press(pilot, *"!!", "enter")
        await until(pilot, lambda: "Nothing here holds that text" in shown(app))


async def test_a_search_that_stopped_early_says_so_and_goes_on(app, desk, monkeypatch):
    found = (await desk.audit(text="greeting", size=1)).entries

    async def stopped(run_id="", *, text="", before=None, size=40) -> AuditPage:
        if not text:
            return AuditPage(entries=found)
        if before is None:
            return AuditPage(before=17)
        return AuditPage(entries=found) if before == 17 else AuditPage()

    monkeypatch.setattr(desk, "audit", stopped)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await press(pilot, "/", *"rare", "enter")
        await until(pilot, lambda: "stopped here; ] looks further" in shown(app))
        assert not grid(app).rows
        await press(pilot, "]")
        await until(pilot, lambda: bool(grid(app).rows))
        assert "stopped here" not in shown(app)


async def test_an_entry_opens_its_run_among_the_jobs(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "enter")
        await opened(app, pilot)
        await until(pilot, lambda: bool(grid(app).rows))
        row = grid(app).current
        assert row is not None
        run_id = row.entry.event.run_id
        assert run_id != app.jobs.run.run_id
        await press(pilot, "enter")
        await until(pilot, lambda: app.screen is app.jobs)
        await until(pilot, lambda: app.jobs.run.run_id == run_id)
        assert app.jobs.focused is app.jobs.runs


async def test_a_run_that_is_not_listed_is_named(app, desk, monkeypatch):
    lost = replace(entry(run_id="run-9"), run_name="")

    async def audit(run_id="", **_) -> AuditPage:
        return AuditPage(entries=(lost, entry(entry_id=0, run_id="")))

    monkeypatch.setattr(desk, "audit", audit)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "j", "enter")
        assert "No run belongs to this entry." in shown(app)
        await press(pilot, "k", "enter")
        await until(pilot, lambda: app.screen is app.jobs)
        await until(pilot, lambda: "Run run-9 is not among the runs" in shown(app))


async def test_without_runs_and_without_a_store_it_stands(app, desk):
    desk.runs = []
    desk.fault = StoreError("the store is gone.")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: "Nothing could be read" in shown(app))
        desk.fault = None
        await press(pilot, "r")
        await until(pilot, lambda: "Nobody has done anything here yet." in shown(app))
        await press(pilot, "enter", "!", "]", "{", "[", "G")
        await press(pilot, "!")
        assert "no run is selected" in shown(app)
        await press(pilot, "escape")
        assert app.screen is app.jobs


@pytest.mark.parametrize("poison", ["".join(HOSTILE[:6]), "[/] [@click=app.quit]x[/]"])
async def test_texts_from_outside_are_shown_literally(app, desk, poison):
    desk.poison = poison
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: bool(grid(app).rows))
        assert "\x1b" not in shown(app)
        if poison.startswith("["):
            assert "[@click=app.quit]x[/]" in shown(app)
        desk.fault = StoreError(poison)
        await press(pilot, "r")
        assert "\x1b" not in shown(app)


async def test_it_follows_the_size_of_the_terminal(app):
    async with app.run_test(size=(200, 60)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: "SETTLED IN" in shown(app))
        await press(pilot, "j", "j")
        key = grid(app).current_key
        for width, height in ((80, 24), (60, 16), (120, 36)):
            await pilot.resize_terminal(width, height)
            await settled(pilot)
            assert grid(app).current_key == key
            assert all(len(line) <= width for line in shown(app).split("\n"))


def test_a_refused_command_is_told_by_its_name():
    no = receipt(state="refused", refusal="NEEDS_PAUSE", detail="pause it first")
    row = AuditRow(entry(receipt=no, by="ann", why="wrong list"), NOON_MS)
    assert result(no) == "refused NEEDS_PAUSE"
    assert settle_ms(no) is None
    assert "stop refused NEEDS_PAUSE, cmd-1" in text_of(row)
    assert "pause it first" in text_of(row)


def test_stages_are_told_by_what_each_took():
    asked = receipt(state="asked", asked_at_ms=NOON_MS)
    assert stages(asked) == "asked 14:02:11.000"
    applied = replace(
        asked, acknowledged_at_ms=NOON_MS + 40, applied_at_ms=NOON_MS + 90
    )
    assert stages(applied) == "asked 14:02:11.000, acknowledged +40 ms, applied +50 ms"
    done = replace(applied, settled_at_ms=NOON_MS + 1_290)
    assert stages(done).endswith("settled +1,200 ms, 1,290 ms in all")
    assert stages(receipt()) == "not told"


def test_an_entry_without_a_command_says_so():
    assert "none: the engine tells" in text_of(AuditRow(entry(), NOON_MS))


def test_an_address_in_a_reason_is_masked():
    row = AuditRow(entry(why="ask bob.b@example.org", detail="x@example.org"), NOON_MS)
    told = text_of(row) + " ".join(column.text(row) for column in AUDIT_COLUMNS)
    assert "bob.b" not in told
    assert "b***@example.org" in told
    assert "ask" in told


def test_a_number_in_a_reason_a_detail_or_a_receipt_is_masked():
    told = receipt(detail="refused for +49 151 2345678")
    asked = entry(why="+49 151 2345678 complained", detail="0151/2345678", receipt=told)
    row = AuditRow(asked, NOON_MS)

    said = text_of(row) + " ".join(column.text(row) for column in AUDIT_COLUMNS)

    assert "2345678" not in said
    assert "+4***5678 complained" in said
    assert "refused for +4***5678" in said


async def test_words_that_come_before_a_view_is_laid_out_harm_nothing(app):
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        early = AuditScreen(app.session, None)
        early.say("a pause was settled")
        early.head()
        await app.push_screen(early)
        await settled(pilot)
        assert "Audit" in shown(app)
