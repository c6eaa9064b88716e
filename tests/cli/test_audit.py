from __future__ import annotations

import json

from sqlalchemy import delete, select, text, update

from watchfloor.cli import exits
from watchfloor.domain.chain import TAKEN_OUT
from watchfloor.store.sqlite import writing_engine
from watchfloor.store.tables import chain, command, journal, lease
from watchfloor.store.writes.chain import link_commands
from watchfloor.store.writes.runs import add_entry


def changed(shell, statement):
    engine = writing_engine(shell.layout.state)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_what_was_asked_is_shown_with_who_why_what_was_seen_and_the_result(
    shell, queued
):
    shell("pause", queued, "--yes", "--reason", "lunch, ask +49 30 1234567")
    shell("pause", queued, "--yes", "--reason", "again")

    shown = json.loads(shell("audit", "show", "--json").out)
    (asked,) = [one for one in shown if one["event"] == "pause requested"]
    (refused,) = [one for one in shown if one["event"] == "pause refused"]

    assert asked["by"]
    assert asked["from"]
    assert asked["reason"].startswith("lunch, ask ")
    assert "1234567" not in asked["reason"]
    assert asked["command"]["seen"].startswith("version ")
    assert asked["command"]["settle_ms"] >= 0
    assert asked["command"]["acknowledged_at"]
    assert asked["command"]["settled_at"]
    assert refused["command"]["refusal"] == "ALREADY_PAUSED"
    table = shell("audit", "show", queued, "--limit", "3").out
    assert "refused ALREADY_PAUSED" in table
    assert "version " in table


def test_an_untouched_chain_verifies_and_says_that_no_anchor_was_found(shell, queued):
    verified = shell("audit", "verify")

    assert verified.code == exits.DONE
    assert "links fit" in verified.out
    assert "no anchor was found" in verified.out
    noted = f"watchfloor --workspace {shell.root} audit anchor -o FILE"
    assert noted in shell.from_elsewhere("audit", "verify").out


def test_a_changed_entry_is_named_and_ends_with_4(shell, queued):
    changed(shell, "UPDATE journal SET by = 'nobody' WHERE entry_id = 1")

    verified = shell("audit", "verify")
    told = json.loads(shell("audit", "verify", "--json").out)

    assert verified.code == exits.UNHEALTHY
    assert "entry 1 of the journal was changed" in verified.out
    assert (told["intact"], told["broken"]["entry"]) == (False, 1)


def test_behind_a_break_no_anchor_counts_as_one_that_it_was_held_to(
    shell, queued, tmp_path
):
    file = tmp_path / "anchors.jsonl"
    for reason in ("one", "two", "three"):
        shell("audit", "anchor", "-o", file)
        shell("pause", queued, "--yes", "--reason", reason)
    links = [json.loads(line)["link"] for line in file.read_text().splitlines()]
    sound = shell("audit", "verify", "--anchor", file)
    # What the second anchor was the newest of stands behind the first.
    changed(shell, "UPDATE journal SET by = 'nobody' WHERE why = 'one'")

    broken = shell("audit", "verify", "--anchor", file)
    told = shell("audit", "verify", "--anchor", file, "--json").json

    assert f"held to 3 anchors, the last one at link {links[2]}; " in sound.out
    assert broken.code == exits.UNHEALTHY
    assert f"held to 1 of 3 anchors, the last one at link {links[0]}; 2 are of " in (
        broken.out
    )
    assert "links behind the last that fits, and could not be compared" in broken.out
    assert "have come since" not in broken.out
    assert (told["anchors"], told["anchors_held"]) == (3, 1)


def test_an_anchor_kept_elsewhere_finds_an_end_that_was_cut_off(
    shell, queued, tmp_path
):
    file = tmp_path / "anchors.jsonl"
    assert shell("audit", "anchor", "-o", str(file)).code == exits.DONE
    printed = json.loads(shell("audit", "anchor").out)
    assert printed["link"] > 0
    assert shell("audit", "verify", "--anchor", str(file)).code == exits.DONE
    changed(
        shell,
        "DELETE FROM journal WHERE entry_id = (SELECT max(entry_id) FROM journal)",
    )
    changed(
        shell,
        "DELETE FROM chain WHERE entry_id IS NOT NULL AND entry_id NOT IN"
        " (SELECT entry_id FROM journal)",
    )

    verified = shell("audit", "verify", "--anchor", str(file))

    assert verified.code == exits.UNHEALTHY


def written_anew(shell):
    """Claim that another workspace was restored, and write its past as one likes."""
    engine = writing_engine(shell.layout.state)
    with engine.begin() as connection:
        known = connection.execute(select(journal).order_by(journal.c.entry_id))
        rows = [dict(one) for one in known.mappings()]
        connection.execute(delete(journal))
        connection.execute(delete(chain))
        instance = connection.scalar(select(lease.c.instance))
        connection.execute(update(lease).values(instance="f" * 16))
        claim = {"event": "restored", "run_id": "", "before": f"{instance}@0"}
        for row in [{**rows[0], **claim}, *rows]:
            del row["entry_id"]
            add_entry(connection, {**row, "by": "somebody else"})
        asked = {row["command_id"] for row in rows} - {""}
        link_commands(connection, sorted(asked))
    engine.dispose()


def test_an_anchor_of_before_a_claimed_restore_is_told_to_prove_nothing(
    shell, queued, tmp_path
):
    file = tmp_path / "anchors.jsonl"
    shell("audit", "anchor", "-o", str(file))
    written_anew(shell)
    words = ("audit", "verify", "--anchor", str(file))

    verified = shell(*words)
    assert "NOT PROVEN by 1 anchors" in verified.out
    asked = shell(*words, "--json")
    told = json.loads(asked.out)
    assert (told["intact"], told["anchors_not_here"]) == (True, 1)
    # Nothing is broken, and nothing is proven: a script must see both.
    assert verified.code == asked.code == exits.NOT_PROVEN


def test_doctor_does_not_call_a_chain_well_that_anchors_do_not_prove(shell, queued):
    shell("audit", "anchor", "-o", str(shell.layout.anchors))
    written_anew(shell)
    shell("audit", "anchor", "-o", str(shell.layout.anchors))

    checks = {one["name"]: one for one in shell("doctor", "--json").json}
    told = checks["audit chain"]

    assert shell("audit", "verify").code == exits.NOT_PROVEN
    assert (told["is_well"], told["is_note"]) == (True, True)
    assert "links fit; NOT PROVEN by 1 anchors: they are of after" in told["found"]
    assert told["action"] == "watchfloor audit verify"


def test_a_named_file_that_holds_no_anchor_is_no_proof(shell, queued, tmp_path):
    empty = tmp_path / "kept-elsewhere.jsonl"
    empty.touch()

    verified = shell("audit", "verify", "--anchor", str(empty))

    assert verified.code == exits.UNHEALTHY
    assert f"{empty} holds no anchor: nothing was held to it" in verified.out
    told = json.loads(shell("audit", "verify", "--anchor", str(empty), "--json").out)
    assert told["intact"] is False


def test_a_file_of_something_else_is_no_anchor(shell, queued, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("Dear diary\n", encoding="utf-8")

    verified = shell("audit", "verify", "--anchor", str(file))

    assert verified.code == exits.UNHEALTHY
    assert "notes.txt, line 1 is no anchor" in verified.out


def test_a_line_that_was_broken_off_takes_nothing_from_the_anchors_beside_it(
    shell, queued
):
    shell("audit", "anchor", "-o", str(shell.layout.anchors))
    with shell.layout.anchors.open("a", encoding="ascii") as file:
        file.write('{"watchfloor_anch')

    verified = shell("audit", "verify")

    assert verified.code == exits.DONE
    assert "held to 1 anchors" in verified.out
    assert "anchors.jsonl, line 2 is the beginning of an anchor only" in verified.out
    assert "ok   audit chain" in shell("doctor").out


def test_a_changed_line_among_the_anchors_is_told_and_the_others_hold(shell, queued):
    shell("audit", "anchor", "-o", str(shell.layout.anchors))
    with shell.layout.anchors.open("a", encoding="ascii") as file:
        file.write("never mind\n")

    verified = shell("audit", "verify")

    assert verified.code == exits.UNHEALTHY
    assert "held to 1 anchors" in verified.out
    assert "anchors.jsonl, line 2 is no anchor" in verified.out
    assert "FAIL audit chain" in shell("doctor").out


def test_only_of_a_chain_that_fits_it_is_said_that_a_purge_took_words_out(
    shell, queued
):
    shell("pause", queued, "--yes", "--reason", "hide this")
    engine = writing_engine(shell.layout.state)
    with engine.begin() as connection:
        words = {"why": TAKEN_OUT, "detail": TAKEN_OUT}
        connection.execute(update(journal).values(words))
        connection.execute(update(command).values({**words, "seen_json": TAKEN_OUT}))
        connection.execute(update(chain).values(salt=None))
    erased = shell("audit", "verify").out
    with engine.begin() as connection:
        row = dict(connection.execute(select(journal).limit(1)).mappings().one())
        del row["entry_id"]
        add_entry(connection, {**row, "event": "purge requested"})
    engine.dispose()
    purged = shell("audit", "verify").out

    assert "links are taken out\n" in erased
    assert f"no link stands for a purge of run {queued}" in erased
    assert "links are taken out, by a purge of their runs\n" in purged
    assert "BROKEN" not in purged
