"""Mistakes of our own, planted: told in a sentence, and written down without data."""

from __future__ import annotations

import asyncio
import gc
import logging
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from tests.cli.shell import SpareShell, campaign_text, carry_out, people, step
from tests.console.looking import press, settled, shown
from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import OWN_PID
from tests.support.hostile import PAYLOADS, marks_in, traces
from tests.support.patience import DEADLINE_S
from tests.support.planted import PEOPLE, REFERRED, leaks, told_of

from watchfloor.cli import compose, mishaps
from watchfloor.cli.main import main
from watchfloor.cli.mishaps import Mishaps
from watchfloor.console.app import WatchfloorApp, run_console
from watchfloor.console.preferences import Preferences
from watchfloor.domain.errors import EXPLANATIONS, Refusal, WatchfloorError
from watchfloor.store.layout import Layout

PHONE = PEOPLE["number in a reply"]
SECRET = REFERRED["cookie of a webhook"]
#: What stands in a row that nobody can read, or in an error's text.
WORD = f"\x1b[31m\u202e{PHONE} token={SECRET}"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A workspace with a run that has ended; copy nothing, it is only looked at."""
    folder = tmp_path_factory.mktemp("mishaps")
    assert main(["init", str(folder / "floor")]) == 0
    shell = SpareShell(folder / "floor")
    shell.launched(campaign_text(folder, "autumn"), people(folder / "people.csv", 3))
    carry_out(shell.root)
    return shell


def spoiled(shell, statement, *values):
    with closing(sqlite3.connect(shell.layout.state)) as connection:
        connection.execute(statement, values)
        connection.commit()


def engine_process(root):
    """Run an engine until it is idle, in a process of its own."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "watchfloor", "--workspace", str(root)),
            *("engine", "--until-idle"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


def assert_discreet(**told):
    assert leaks(told, {"secret": SECRET}) == []
    assert told_of(told, {"phone": PHONE}) == []
    for text in told.values():
        assert not traces(text)


def test_a_verb_that_meets_a_row_nobody_can_read_says_a_sentence(ran):
    (run_no,) = (1,)
    spoiled(ran, "INSERT INTO result_count VALUES (?, ?, 1)", run_no, WORD)
    try:
        said = ran("show", ran.newest)
    finally:
        spoiled(ran, "DELETE FROM result_count")
    noted = ran.layout.mishaps.read_text(encoding="utf-8")

    assert (said.code, said.out) == (1, "")
    [line] = said.err.splitlines()
    assert line.startswith("watchfloor: stopped by a mistake in Watchfloor itself")
    assert "What was stored is kept: watchfloor status" in line
    assert f"stands in {ran.layout.mishaps}; report that" in line
    assert "ValueError: " in noted
    assert "watchfloor/cli/verbs/looking.py:" in noted
    assert "in show" in noted
    assert_discreet(said=said.err, noted=noted)
    assert stat.S_IMODE(ran.layout.mishaps.stat().st_mode) == 0o600


def test_an_engine_that_meets_one_ends_with_a_sentence_and_no_traceback(ran):
    before = ran.layout.mishaps.read_text() if ran.layout.mishaps.exists() else ""
    # Whoever owns the place reads every run that has not ended when it takes it.
    spoiled(ran, "UPDATE run SET phase = 'running', gate = ?", WORD)
    try:
        ended = engine_process(ran.root)
    finally:
        spoiled(ran, "UPDATE run SET phase = 'ended', gate = 'open'")
    noted = ran.layout.mishaps.read_text(encoding="utf-8").removeprefix(before)

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "stopped by a mistake in Watchfloor itself" in ended.stderr
    assert "watchfloor/engine/" in noted
    assert_discreet(out=ended.stdout, err=ended.stderr, noted=noted)


def test_an_engine_whose_duty_meets_one_goes_on_and_the_way_to_it_is_written(ran):
    before = ran.layout.mishaps.read_text() if ran.layout.mishaps.exists() else ""
    spoiled(
        ran,
        "INSERT INTO notice (run_id, kind, recipients_json, subject, body, state, "
        "created_at_ms, next_at_ms) VALUES ('r', 'k', ?, '', '', 'owed', 0, 0)",
        WORD,
    )
    try:
        ended = engine_process(ran.root)
    finally:
        spoiled(ran, "DELETE FROM notice")
    noted = ran.layout.mishaps.read_text(encoding="utf-8").removeprefix(before)

    assert ended.returncode == 0
    assert "notices failed by a mistake in Watchfloor itself" in ended.stderr
    assert f"Where it happened stands in {ran.layout.mishaps}" in ended.stderr
    assert "JSONDecodeError" in noted
    assert "watchfloor/engine/notices.py:" in noted
    assert noted.count("watchfloor/engine/troubles.py:") == 1
    assert_discreet(out=ended.stdout, err=ended.stderr, noted=noted)


def test_a_mistake_that_becomes_the_cause_of_a_pause_is_written_down_once(tmp_path):
    assert main(["init", str(tmp_path / "floor")]) == 0
    shell = SpareShell(tmp_path / "floor")
    script = ", ".join(f'c{one:06} = ["crash"]' for one in range(1, 9))
    crash = f'delivery = "at_most_once"\nscript = {{ {script} }}'
    run = shell.launched(
        campaign_text(tmp_path, "broken", steps=step("simulator", crash)),
        people(tmp_path / "people.csv", 8),
    )
    ended = engine_process(shell.root)
    noted = shell.layout.mishaps.read_text(encoding="utf-8")

    assert ended.returncode == 0
    found = shell("show", run, "--json").json
    assert "the channel fails" in shell("events", run).out
    # It happened so often; that it did is known after the first.
    assert found["books"]["unknown"] > 1
    assert noted.count("watchfloor/channels/simulator.py:") == 1
    assert "in deliver" in noted


def test_a_deliberate_no_is_no_mistake_and_not_written_down():
    written: list[BaseException] = []

    def written_down(error: BaseException) -> str:
        written.append(error)
        return ""

    around = compose.surroundings()._replace(mishap=written_down)

    assert around.survived(WatchfloorError("no")) == "WatchfloorError: no"
    assert written == []
    mistake = KeyError("yes")
    assert around.survived(mistake) == "KeyError: 'yes'"
    assert written == [mistake]


def test_a_function_that_raises_is_an_outcome_and_no_traceback(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "brought_and_bad.py").write_text(
        f"async def contact(record):\n    raise MemoryError({WORD!r})\n"
    )
    assert main(["init", str(tmp_path / "floor")]) == 0
    shell = SpareShell(tmp_path / "floor")
    settings = 'call = "brought_and_bad:contact"'
    campaign = campaign_text(tmp_path, "bad", steps=step("python", settings))
    run = shell.launched(campaign, people(tmp_path / "people.csv", 2))
    carry_out(shell.root)

    told = shell("journey", run, "1")
    assert "MemoryError" in told.out
    assert "Traceback" not in told.out
    assert not traces(told.out)
    assert told_of({"journey": told.out}, {"phone": PHONE}) == []
    assert shell("show", run, "--json").json["books"]["unknown"] == 2


def test_a_thread_that_breaks_is_heard_of_in_a_sentence(ran, capfd):
    def broken():
        raise RuntimeError(WORD)

    book = Mishaps()
    book.layout = ran.layout
    with book.overheard():
        thread = threading.Thread(target=broken)
        thread.start()
        thread.join()
    said = capfd.readouterr().err

    assert "Traceback" not in said
    assert "RuntimeError" in said
    assert "report that" in said
    assert_discreet(said=said, noted=ran.layout.mishaps.read_text(encoding="utf-8"))
    assert "in broken" in ran.layout.mishaps.read_text(encoding="utf-8")


def test_a_task_that_nobody_waits_for_is_heard_of_in_one_line(ran, capfd):
    async def broken():
        raise RuntimeError(WORD)

    async def left():
        task = asyncio.ensure_future(broken())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    book = Mishaps()
    book.layout = ran.layout
    with book.overheard():
        asyncio.run(left())
    said = capfd.readouterr().err

    assert len(said.splitlines()) == 1
    assert "Task exception was never retrieved" in said
    assert "Traceback" not in said
    assert_discreet(said=said)


def test_a_library_that_warns_of_anything_is_heard_harmless(capfd):
    book = Mishaps()
    log = logging.getLogger("some.library")
    # Half a character cannot be sent to whoever collects what tests have logged.
    said_by_it = [one for one in PAYLOADS[::10] if one.is_unicode]
    with book.overheard():
        for one in said_by_it:
            error = ValueError(one.text)
            log.error("it said %s", one.text, exc_info=error)
    said = capfd.readouterr().err

    assert not traces(said)
    assert said.count("\n") == len(said_by_it)
    assert len(marks_in(said)) >= 40
    assert "Traceback" not in said


def test_what_came_of_what_is_written_down_without_a_value(tmp_path):
    def first():
        hidden = WORD
        msg = f"no {hidden}"
        raise KeyError(msg)

    def second():
        try:
            first()
        except KeyError as error:
            raise RuntimeError("then this") from error

    with pytest.raises(RuntimeError) as caught:
        second()
    told = "\n".join(mishaps._way(caught.value))

    assert told.index("RuntimeError: then this") < told.index("which came of")
    assert told.index("which came of") < told.index("KeyError: ")
    assert "threats/test_exceptions.py:" in told
    assert_discreet(told=told)


def test_without_a_place_to_write_it_the_sentence_says_where_it_was(tmp_path):
    (tmp_path / "elsewhere").write_text("kept", encoding="utf-8")
    book = Mishaps()
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    assert "threats/test_exceptions.py:" in str(book.sentence(caught.value))

    # A link in its place is not followed: what it names is not ours to write.
    assert main(["init", str(tmp_path / "floor")]) == 0
    book.layout = Layout(tmp_path / "floor")
    book.layout.mishaps.symlink_to(tmp_path / "elsewhere")
    assert "threats/test_exceptions.py:" in str(book.sentence(caught.value))
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "kept"


def test_the_file_begins_anew_before_it_fills_a_disk(tmp_path, monkeypatch):
    assert main(["init", str(tmp_path / "floor")]) == 0
    monkeypatch.setattr(mishaps, "MOST_BYTES", 1_000)
    book = Mishaps()
    book.layout = Layout(tmp_path / "floor")
    for _ in range(50):
        book.noted(ValueError("again"))

    assert 0 < book.layout.mishaps.stat().st_size < 1_500


def console_over(desk):
    return WatchfloorApp(
        desk,
        workspace_name="Floor",
        operator="nora",
        clock=desk.clock,
        own_pid=OWN_PID,
        wishes=Preferences(),
    )


async def test_a_read_that_breaks_leaves_the_screen_and_names_nobody():
    desk = PaperDesk()
    app = console_over(desk)
    async with app.run_test(size=(140, 30)) as pilot:
        await settled(pilot)
        desk.fault = RuntimeError(f"{PHONE} \x1b]0;x\x07[@click=app.quit]")
        await press(pilot, "r")
        page = shown(app)

    assert "unexpected RuntimeError" in page
    assert "Traceback" not in page
    assert not traces(page)
    assert told_of({"page": page}, {"phone": PHONE}) == []


def test_a_console_that_breaks_gives_its_error_to_who_tells_it(monkeypatch, capfd):
    """``cli.main`` tells it in a sentence, as of every verb."""
    desk = PaperDesk()
    app = console_over(desk)

    def broken():
        raise RuntimeError(WORD)

    app.call_later(broken)
    monkeypatch.setattr(app, "run", lambda: asyncio.run(app.run_async(headless=True)))
    with pytest.raises(RuntimeError) as caught:
        run_console(app)
    said = capfd.readouterr()

    assert "Traceback" not in said.out + said.err
    assert_discreet(
        said=said.out + said.err, sentence=str(Mishaps().sentence(caught.value))
    )


def test_every_refusal_is_explained_in_words():
    assert set(EXPLANATIONS) == set(Refusal)
    assert all(len(words.split()) >= 4 for words in EXPLANATIONS.values())
