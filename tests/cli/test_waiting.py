"""Commands that nobody has taken, told of by whoever looks."""

from __future__ import annotations

import os

from tests.cli.shell import engine_beside

from watchfloor.cli import compose
from watchfloor.cli.waiting import not_taken_words
from watchfloor.engine.tenure import tenure
from watchfloor.store.asks import drop
from watchfloor.store.commands import Command
from watchfloor.store.inbox import ask
from watchfloor.store.waiting_asks import count_waiting


def command(name, run_id, verb="stop"):
    now_ms = compose.now_ms()
    return Command(command_id=name, at_ms=now_ms, verb=verb, run_id=run_id, by="nora")


def test_a_command_that_waits_for_an_engine_is_told_of_its_run(shell, queued):
    before = shell("status"), shell("why", queued), shell("show", queued)
    drop(shell.layout, command("c1", queued))
    drop(shell.layout, command("c2", "another-run", verb="pause"))

    status, why, show = shell("status"), shell("why", queued), shell("show", queued)

    assert "| 2 commands waiting for an engine" in status.out
    assert "\nstop by nora waits for an engine, for " in why.out
    assert "asked        stop by nora waits for an engine, for " in show.out
    assert "pause" not in why.out + show.out
    # It changes no exit code: what a script watches is whether runs do well.
    assert [one.code for one in before] == [status.code, why.code, show.code]
    for one in before:
        assert "for an engine, for" not in one.out
        assert "waiting for an engine\n" not in one.out


def test_scripts_read_what_waits_with_its_verb_and_who_asked_it(shell, queued):
    drop(shell.layout, command("c1", queued))

    assert shell("status", "--json").json["commands_waiting"] == 1
    for verb in ("why", "show"):
        [told] = shell(verb, queued, "--json").json["commands_waiting"]
        assert (told["verb"], told["by"]) == ("stop", "nora")
        assert told["asked_at"]


def test_what_the_owner_asked_counts_with_what_others_asked(shell, queued):
    ask(shell.layout, command("c1", queued))
    drop(shell.layout, command("c2", queued))

    assert count_waiting(shell.layout) == 2


def test_looking_takes_nothing_away_and_opens_no_pipe(shell, queued):
    drop(shell.layout, command("c1", queued))
    os.mkfifo(shell.layout.asks / "pipe.ask")
    (shell.layout.asks / "junk.ask").write_text("{", encoding="utf-8")
    (shell.layout.asks / "note.txt").touch()
    before = sorted(one.name for one in shell.layout.asks.iterdir())

    told = shell("why", queued)
    shell("show", queued)
    shell("status")

    assert "stop by nora waits for an engine" in told.out
    assert told.err == ""
    assert sorted(one.name for one in shell.layout.asks.iterdir()) == before


def test_a_workspace_without_its_inbox_is_looked_at_all_the_same(shell, queued):
    drop(shell.layout, command("c1", queued))
    shell.layout.inbox.unlink()

    assert "1 command waiting for an engine" in shell("status").out
    assert "waits for an engine" not in shell("why", queued).out

    (shell.layout.asks).rename(shell.layout.asks.with_name("aside"))
    assert "waiting for an engine\n" not in shell("status").out


def test_an_answer_says_whether_an_engine_is_there_to_take_it(shell, queued):
    nobody = not_taken_words(shell.layout)
    with engine_beside(shell.root):
        somebody = not_taken_words(shell.layout)

    assert "waits: no engine runs, and nothing is done until one takes it" in nobody
    assert nobody.endswith(f"Start one: watchfloor --workspace {shell.root} engine")
    assert somebody == "The command is stored; the engine has not taken it yet."


def test_an_answer_says_that_an_engine_is_silent(shell, queued):
    around = compose.surroundings()._replace(now_ms=lambda: compose.now_ms() - 60_000)
    with tenure(shell.layout, around, compose.owner("engine"), dispatches=True):
        silent = not_taken_words(shell.layout)

    assert "waits: the engine does not answer, and nothing is done until" in silent
    assert "it. Look at that process, or: watchfloor" in silent
    assert silent.endswith("engine --take-over")
