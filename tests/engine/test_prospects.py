from __future__ import annotations

import asyncio
import gc
import os
import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.floor import ASKER, NORA, campaign, ids, posting_step, webhook
from tests.support.patience import DEADLINE_S, until

from watchfloor.domain.errors import ConfigError, NotFoundError, StoreError
from watchfloor.domain.prospects import Prospect
from watchfloor.engine.prospects import Prospects
from watchfloor.engine.surveying import ROWS_AT_ONCE
from watchfloor.store import sqlite
from watchfloor.store.reads.journal import receipt

#: So many bytes of a file name that no encoding reads.
NO_TEXT = "gone\udcff.csv"


@pytest.fixture
def chosen(floor, tmp_path, monkeypatch) -> Prospects:
    monkeypatch.chdir(tmp_path)
    return Prospects(floor.layout, floor.around, ASKER, floor.owner)


@pytest.fixture
def write(floor, tmp_path) -> Any:
    def written(
        told: str = campaign(), upload: str = "", *, name: str = "people.csv"
    ) -> tuple[str, str]:
        file = floor.layout.campaigns / "trial.toml"
        file.write_text(told, encoding="utf-8")
        people = tmp_path / name
        people.write_text(upload or rows(*ids(3)), encoding="utf-8")
        return str(file), str(people)

    return written


def rows(*contacts: str) -> str:
    return "id,first_name\n" + "".join(f"{one},Ann\n" for one in contacts)


def kept(floor) -> list[str]:
    return [path.name for path in floor.layout.uploads.iterdir()]


async def everything_else() -> None:
    """Wait for all tasks but this one, and for what follows their ends."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
    # One that ended in this very turn of the loop has not called its callbacks yet.
    await asyncio.sleep(0)


async def checked(prospects: Prospects, files: tuple[str, str]) -> Prospect:
    return await prospects.prospect(*files, lambda _: None)


# --- what can be chosen ------------------------------------------------------------


async def test_campaigns_are_offered_by_name_and_faulty_ones_say_their_first_mistake(
    floor, chosen
):
    folder = floor.layout.campaigns
    (folder / "b.toml").write_text(campaign(name="second", rate="20/s"))
    (folder / "a.toml").write_text("[campaign")
    (folder / "notes.md").write_text("not one")
    (folder / ".hidden.toml").write_text("not one either")
    os.mkfifo(folder / "pipe.toml")
    (folder / "loop.toml").symlink_to("loop.toml")

    broken, fine, *rest = await chosen.campaigns()

    assert Path(broken.path).name == "a.toml"
    assert broken.fault.endswith("this is not TOML")
    assert (broken.name, broken.summary) == ("", "")
    assert (fine.name, fine.fault) == ("Second", "")
    assert fine.summary == "call by simulator; 10 permits, 20/s"
    assert [Path(one.path).name for one in rest] == ["loop.toml", "pipe.toml"]
    assert all(one.fault for one in rest)


async def test_a_campaign_anywhere_is_offered_as_its_path_was_written(
    floor, chosen, tmp_path
):
    (tmp_path / "good.toml").write_text(campaign(name="second", rate="20/s"))
    (tmp_path / "bad.toml").write_text("[campaign")

    good = await chosen.campaign(str(tmp_path / "good.toml"))
    bad = await chosen.campaign(str(tmp_path / "bad.toml"))
    none = await chosen.campaign(str(tmp_path / "none.toml"))

    assert (good.name, good.path) == ("Second", str(tmp_path / "good.toml"))
    assert bad.fault.endswith("this is not TOML")
    assert none.fault == "none.toml: this is no file"


async def test_a_workspace_without_campaigns_offers_none(floor, chosen):
    assert await chosen.campaigns() == ()
    floor.layout.campaigns.rmdir()
    assert await chosen.campaigns() == ()


async def test_contact_files_are_offered_newest_first_and_folders_after_them(
    chosen, tmp_path
):
    place = tmp_path / "lists"
    (place / "more").mkdir(parents=True)
    for age, name in enumerate(["new.csv", "old.TSV", ".secret.csv", "photo.png"]):
        (place / name).write_text("x")
        os.utime(place / name, (10_000 - age, 10_000 - age))
    (place / "lost.csv").symlink_to("nowhere")
    (place / "loop").symlink_to("loop")

    found = await chosen.uploads(f"{place}/")

    assert [(Path(one.path).name, one.is_folder) for one in found] == [
        ("new.csv", False),
        ("old.TSV", False),
        ("more", True),
    ]
    assert (found[0].bytes, found[0].modified_at_ms) == (1, 10_000_000)


async def test_the_beginning_of_a_name_and_a_relative_path_are_enough(chosen, tmp_path):
    (tmp_path / "september.csv").write_text("x")
    (tmp_path / "october.csv").write_text("x")

    (one,) = await chosen.uploads("sept")

    assert one.path == str(tmp_path / "september.csv")
    assert await chosen.uploads("nothing/of/the/kind") == ()


async def test_a_file_that_is_named_is_offered_whatever_its_ending(chosen, tmp_path):
    (tmp_path / "people.dat").write_text("x")

    (one,) = await chosen.uploads("people.dat")

    assert one.path == str(tmp_path / "people.dat")


async def test_the_home_directory_may_be_written_as_a_tilde(
    chosen, tmp_path, monkeypatch
):
    home = tmp_path / "home"
    home.mkdir()
    (home / "people.csv").write_text("x")
    monkeypatch.setenv("HOME", str(home))

    (one,) = await chosen.uploads("~/people")

    assert one.path == str(home / "people.csv")
    with pytest.raises(ConfigError, match="has such a home directory"):
        await chosen.uploads("~nobody-of-that-name/people")


async def test_without_a_path_the_place_of_the_start_and_of_earlier_files_is_meant(
    chosen, write, tmp_path
):
    (tmp_path / "here.csv").write_text("x")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    files = write(name="elsewhere/people.csv")

    before = await chosen.uploads("")
    await checked(chosen, files)
    after = await chosen.uploads("")

    assert [Path(one.path).name for one in before if not one.is_folder] == ["here.csv"]
    assert str(elsewhere / "people.csv") in [one.path for one in after]


async def test_no_more_than_two_hundred_are_offered(chosen, tmp_path):
    for number in range(250):
        (tmp_path / f"{number}.csv").touch()

    assert len(await chosen.uploads("")) == 200


async def test_names_that_are_no_text_are_offered_and_can_be_checked(
    floor, chosen, write, tmp_path
):
    trial, _ = write()
    odd = tmp_path / NO_TEXT
    (tmp_path / "people.csv").rename(odd)

    (one,) = await chosen.uploads("gone")
    found = await checked(chosen, (trial, one.path))

    assert one.path == str(odd)
    assert found.candidates == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_private_directory_is_answered_in_a_sentence(chosen, tmp_path):
    private = tmp_path / "private"
    private.mkdir(mode=0)

    with pytest.raises(ConfigError, match="permission denied; check name and rights"):
        await chosen.uploads(f"{private}/")


async def test_a_path_that_no_system_takes_is_answered_in_a_sentence(chosen):
    with pytest.raises(ConfigError, match="cannot be read"):
        await chosen.uploads("x" * 5_000)


# --- the check ---------------------------------------------------------------------


async def test_a_check_tells_what_every_row_comes_to(floor, chosen, write):
    rest = '[approval]\nafter = 20\n[window]\nzone = "UTC"\nopen = "09:00"\n'
    told = campaign(rate="30/m", rest=rest + 'close = "20:00"')
    upload = rows("c00001", "", "c00002", "c00002") + "too,many,cells\n"

    found = await checked(chosen, files := write(told, upload))

    assert (found.rows, found.candidates) == (5, 3)
    assert found.rejects == {"invalid": 2}
    assert sum(found.reasons.values()) == 2
    assert found.columns == ("id", "first_name")
    assert (found.campaign_name, found.upload_name) == ("Trial", "people.csv")
    assert (found.campaign_path, found.upload_path) == files
    assert found.upload_bytes == len(upload.encode())
    assert found.limits == (
        "10 permits, 30/m, 09:00-20:00 UTC time, waits for a word after 20 attempts"
    )
    assert (found.plan, found.obstacle, found.warnings) == ("", "", ())


async def test_the_copy_that_is_kept_is_what_was_checked_and_is_private(
    floor, chosen, write, tmp_path
):
    found = await checked(chosen, write())
    original = tmp_path / "people.csv"
    content = original.read_bytes()
    original.unlink()

    copy = floor.layout.upload(f"u-{found.ident}")
    assert copy.read_bytes() == content
    assert copy.stat().st_mode & 0o777 == 0o600


async def test_every_step_is_rendered_and_the_contact_is_masked(chosen, write):
    told = webhook("http://127.0.0.1:9/", steps=posting_step("http://127.0.0.1:9/t"))

    found = await checked(chosen, write(told, rows("customer-000042", "c2")))

    sample = dict(found.sample)
    assert next(iter(sample)) == "call"
    assert sample["call"] == "by webhook"
    assert sample["call: body.to"] == "cu***42"
    assert sample["call: body.name"] == "Ann"
    assert "text" in sample
    assert not any("customer-000042" in text for _, text in found.sample)


MAIL = """
[[steps]]
name = "mail"
channel = "smtp"
[steps.settings]
host = "127.0.0.1"
from = "ops@example.org"
subject = "Hello"
text = "Dear ${first_name},\\nwrite to ${id}"
list_unsubscribe = "https://example.org/out?who=${id}"
"""


async def test_the_sample_is_the_first_row_that_every_step_can_send(chosen, write):
    told = campaign(steps=MAIL)
    upload = rows("no address", "ann.miller@example.org")

    found = await checked(chosen, write(told, upload))
    nobody = await checked(chosen, write(told, rows("no address")))

    sample = dict(found.sample)
    assert sample["call"] == "by simulator"
    assert sample["call: contact"] == "a***@example.org"
    assert sample["mail: to"] == "a***@example.org"
    assert sample["mail: text"].strip() == "Dear Ann,\nwrite to a***@example.org"
    assert not any("ann.miller" in text for text in sample.values())
    assert found.unfit == 1
    assert nobody.sample == ()


async def test_a_nested_rendering_is_told_leaf_by_leaf(chosen, write):
    settings = 'call = "tests.engine.no_such:call"\nsettings = { list = [1, true] }'
    told = campaign(settings, channel="python")

    found = await checked(chosen, write(told, rows("first-contact")))

    sample = dict(found.sample)
    assert sample["call: fields.id"] == "fi***ct"
    assert (sample["call: settings.list[0]"], sample["call: settings.list[1]"]) == (
        "1",
        "true",
    )


async def test_rows_are_told_while_they_are_read(chosen, write):
    many = [f"c{number:06}" for number in range(2 * ROWS_AT_ONCE + 1)]
    told: list[int] = []

    await chosen.prospect(*write(upload=rows(*many)), told.append)

    assert told == [ROWS_AT_ONCE, 2 * ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 1]


async def test_a_plan_that_would_refuse_says_so_at_once(floor, chosen, write):
    floor.configure("[plan]\nmonthly_records = 2")

    found = await checked(chosen, write())

    assert found.plan == "records 0 + 3 of 2"


async def test_what_can_never_be_launched_says_why(chosen, write):
    hidden = await checked(
        chosen, write(campaign().replace("[campaign]", "[campaign]\npublished = false"))
    )
    nobody = await checked(chosen, write(upload=rows("", "")))

    assert "is not published" in hidden.obstacle
    assert "no row of the file is usable" in nobody.obstacle


async def test_a_twin_is_told_before_it_is_asked_for(floor, chosen, write):
    files = write()
    first = await checked(chosen, files)
    await chosen.launch(first)

    again = await checked(chosen, files)

    (told,) = again.warnings
    assert f"run {first.ident} of this campaign over this very file is live" in told


@pytest.mark.parametrize("gone", ["floor/campaigns/trial.toml", "people.csv"])
async def test_a_file_that_vanished_is_named_and_nothing_is_kept(
    floor, chosen, write, tmp_path, gone
):
    files = write()
    (tmp_path / gone).unlink()

    with pytest.raises(ConfigError, match=re.escape(gone)):
        await checked(chosen, files)
    assert kept(floor) == []


async def test_a_file_that_changes_while_it_is_read_is_refused_and_not_kept(
    floor, chosen, write
):
    trial, people = write()

    def grown(_: int) -> None:
        with Path(people).open("a") as file:
            file.write("late,Row\n")

    with pytest.raises(ConfigError, match="changed while it was read"):
        await chosen.prospect(trial, people, grown)
    assert kept(floor) == []


async def test_a_broken_workspace_file_keeps_nothing(floor, chosen, write):
    files = write()
    floor.layout.settings.write_text("[workspace")

    with pytest.raises(ConfigError, match=r"watchfloor\.toml"):
        await checked(chosen, files)
    assert kept(floor) == []


async def test_a_check_that_is_given_up_ends_soon_and_keeps_nothing(
    floor, chosen, write
):
    many = [f"c{number:06}" for number in range(4 * ROWS_AT_ONCE)]
    begun, go_on = threading.Event(), threading.Event()
    told: list[int] = []

    def hold(read: int) -> None:
        told.append(read)
        begun.set()
        go_on.wait(DEADLINE_S)

    check = asyncio.ensure_future(chosen.prospect(*write(upload=rows(*many)), hold))
    await asyncio.to_thread(begun.wait, 10)
    check.cancel()
    with pytest.raises(asyncio.CancelledError):
        await check
    go_on.set()
    await everything_else()

    assert told == [ROWS_AT_ONCE]
    assert kept(floor) == []


async def test_a_check_given_up_at_its_last_row_keeps_nothing_either(
    floor, chosen, write
):
    loop = asyncio.get_running_loop()
    checks: list[asyncio.Future[Prospect]] = []

    def cancel(_: int) -> None:
        loop.call_soon_threadsafe(checks[0].cancel)

    checks.append(asyncio.ensure_future(chosen.prospect(*write(), cancel)))
    with pytest.raises(asyncio.CancelledError):
        await checks[0]
    await everything_else()

    assert kept(floor) == []


# --- launched or dropped -----------------------------------------------------------


async def test_a_prospect_that_is_dropped_leaves_nothing_behind(floor, chosen, write):
    found = await checked(chosen, write())
    assert len(kept(floor)) == 1

    await chosen.drop_prospect(found)

    assert kept(floor) == []
    with pytest.raises(NotFoundError, match="was dropped; nothing was launched"):
        await chosen.launch(found)
    await chosen.drop_prospect(found)


async def test_closing_drops_what_was_never_asked_for(floor, chosen, write):
    dropped = await checked(chosen, write())
    launched = await checked(chosen, write(upload=rows("other")))
    await chosen.launch(launched)

    await chosen.close()

    assert kept(floor) == [f"u-{launched.ident}.csv"]
    assert dropped.ident != launched.ident


async def test_whoever_forgets_to_close_leaves_nobody_s_data_behind(floor, write):
    prospects = Prospects(floor.layout, floor.around, ASKER, floor.owner)
    await checked(prospects, write())
    assert len(kept(floor)) == 1

    del prospects

    def is_gone() -> bool:
        # The thread that checked may hold on to it for a moment longer.
        gc.collect()
        return kept(floor) == []

    until(is_gone, "the copy to be dropped")


async def test_a_launch_is_a_run_with_the_prospect_s_id(floor, chosen, write):
    found = await checked(chosen, write())
    asked = await chosen.launch(found)
    answer = floor.read(lambda connection: receipt(connection, asked.command_id))

    assert (asked.state, asked.verb, asked.run_id) == ("asked", "launch", found.ident)
    assert answer.state == "settled"
    view = floor.view(found.ident)
    assert (view.campaign_name, view.upload_name) == ("Trial", "people.csv")
    assert floor.events(found.ident)[0].by == NORA


async def test_a_launch_asked_for_twice_is_one_launch(floor, chosen, write):
    found = await checked(chosen, write())

    first, second = await chosen.launch(found), await chosen.launch(found)

    assert first.command_id == second.command_id
    assert len(floor.views()) == 1


async def test_a_copy_is_the_run_s_once_it_was_asked_for(floor, chosen, write):
    found = await checked(chosen, write())
    await chosen.launch(found)

    await chosen.drop_prospect(found)

    assert kept(floor) == [f"u-{found.ident}.csv"]
    floor.carried_out()
    assert floor.view(found.ident).books.delivered == 3


async def test_a_refused_twin_can_be_launched_again_on_purpose(floor, chosen, write):
    files = write()
    await chosen.launch(await checked(chosen, files))
    found = await checked(chosen, files)

    refused = await chosen.launch(found)
    meant = await chosen.launch(found, allow_twin=True)

    no = floor.read(lambda connection: receipt(connection, refused.command_id))
    yes = floor.read(lambda connection: receipt(connection, meant.command_id))
    assert (no.state, no.refusal) == ("refused", "DUPLICATE_RUN")
    assert yes.state == "settled"
    assert len(floor.views()) == 2


async def test_a_copy_stays_where_any_of_several_launches_became_a_run(
    floor, chosen, write, monkeypatch
):
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)
    found = await checked(chosen, write())
    with closing(sqlite3.connect(floor.layout.state, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            # It is asked for all the same, and accepted with the next one.
            await chosen.launch(found, allow_twin=True)
    again = await chosen.launch(found)
    answer = floor.read(lambda connection: receipt(connection, again.command_id))
    assert "was launched already" in answer.detail

    await chosen.drop_prospect(found)

    assert kept(floor) == [f"u-{found.ident}.csv"]
    floor.carried_out()
    assert floor.view(found.ident).books.delivered == 3


async def test_the_copy_of_a_refused_launch_goes_when_it_is_dropped(
    floor, chosen, write
):
    files = write()
    first = await checked(chosen, files)
    await chosen.launch(first)
    twin = await checked(chosen, files)
    await chosen.launch(twin)

    await chosen.drop_prospect(twin)

    assert kept(floor) == [f"u-{first.ident}.csv"]
