"""A workspace into which every hostile text came by every way that there is."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.shell import SpareShell, carry_out
from tests.support.hostile import PAYLOADS, Payload
from tests.support.provider import Provider, Reply

from watchfloor.domain.records import RecordState

#: What a file of UTF-8 and a database can hold.
WRITTEN = tuple(one for one in PAYLOADS if one.is_unicode)
#: A name, a reason and whatever else there is once in a workspace holds several.
NAME = "".join(one.text for one in WRITTEN[::110] if one.is_line)
FILE_NAME = "\x1b]0;owned\x07\u202egpj.\x9b2J[@click=app.quit]<b>&.csv"

_CAMPAIGN = """
[campaign]
id = "besieged"
name = "{name}"
[audience]
contact = "id"
kind = "id"
[[steps]]
name = "call"
channel = "webhook"
[steps.settings]
url = "{url}"
delivery = "at_most_once"
body = {{ to = "${{contact}}", note = "${{note}}" }}
[steps.retry]
attempts = 1
[limits]
permits = 50
"""


def besieged(root: Path, folder: Path) -> SpareShell:
    """Fill a new workspace by real ways, then its store as whoever can write it may.

    A record per payload: in its row, in what the provider said of it, and, where an id
    may be that, as its contact.
    """
    spare = SpareShell(root)
    campaign, upload = folder / "besieged.toml", folder / FILE_NAME
    with upload.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["id", "note"])
        writer.writerows((one.mark, one.text) for one in WRITTEN)
        writer.writerows((one.text, one.mark) for one in WRITTEN)
    with Provider() as provider:
        provider.replies = {one.mark: [_reply(one)] for one in PAYLOADS}
        text = _CAMPAIGN.format(name=_spelled(NAME), url=provider.url)
        campaign.write_text(text, encoding="utf-8")
        run = spare.launched(campaign, upload)
        for verb in ("pause", "resume"):
            assert spare(verb, run, "--yes", "--reason", NAME).code == 0
        carry_out(root)
    for one in filter(lambda one: one.is_name, WRITTEN[::4]):
        (spare.layout.campaigns / f"{one.text}.toml").write_text(
            f'[campaign]\n"{_spelled(one.mark)}" = 1\n', encoding="utf-8"
        )
    settings = spare.layout.settings.read_text(encoding="utf-8")
    spare.layout.settings.write_text(
        settings.replace('name = "floor"', f'name = "{_spelled(NAME)}"'),
        encoding="utf-8",
    )
    with closing(sqlite3.connect(spare.layout.state)) as connection:
        _plant(connection, run)
        connection.commit()
    return spare


def _spelled(text: str) -> str:
    """Return a text as TOML can hold it, whatever is in it."""
    return "".join(f"\\U{ord(char):08x}" for char in text)


def _reply(payload: Payload) -> Reply:
    word = "ambiguous" if hash_of(payload) % 3 == 0 else "permanent"
    said = dict.fromkeys(("code", "id", "detail"), payload.text)
    return Reply(body={"outcome": word, **said})


def hash_of(payload: Payload) -> int:
    """Return a number that is the same at every run."""
    return sum(payload.mark.encode())


def _plant(connection: sqlite3.Connection, run: str) -> None:
    """Write every payload into every column of text that outsiders' words stand in."""
    texts = [one.text for one in WRITTEN]
    own = connection.execute("SELECT run_no FROM run WHERE run_id = ?", (run,))
    (run_no,) = own.fetchone()
    # Codes are words of few signs when a reply is read; who writes the store may more.
    for table in ("record", "attempt"):
        rows = connection.execute(
            f"SELECT seq FROM {table} WHERE run_no = ? AND code != ''",  # noqa: S608 - names of ours
            (run_no,),
        ).fetchall()
        connection.executemany(
            f"UPDATE {table} SET code = ? WHERE run_no = ? AND seq = ?",  # noqa: S608 - as above
            [
                (texts[number % len(texts)], run_no, seq)
                for number, (seq,) in enumerate(rows)
            ],
        )
    connection.executemany(
        "INSERT INTO journal (at_ms, run_id, event, before, after, by, origin, why,"
        " detail, command_id, epoch) VALUES (1, ?1, ?2, ?2, ?2, ?2, ?2, ?2, ?2, '', 1)",
        [(run, text) for text in texts],
    )
    connection.executemany(
        "INSERT INTO command (command_id, run_id, verb, by, origin, why, seen_json,"
        " state, refusal, detail, asked_at_ms)"
        " VALUES (?3, ?1, 'pause', ?2, ?2, ?2, '{}', 'refused', ?2, ?2, 1)",
        [(run, text, f"c-{number}") for number, text in enumerate(texts)],
    )
    connection.executemany(
        "INSERT INTO alert (kind, run_id, mark, since_ms, said, raised_at_ms)"
        " VALUES ('stalled', ?1, ?3, 1, ?2, 1)",
        [(run, text, number) for number, text in enumerate(texts)],
    )
    connection.executemany(
        "INSERT INTO alert_message (alert_id, hook, what, payload_json, state,"
        " created_at_ms, detail) VALUES (?2, ?1, 'raised', '{}', 'failed', 1, ?1)",
        [(text, number) for number, text in enumerate(texts, 1)],
    )
    connection.executemany(
        "INSERT INTO shared_limit (scope, permits, by, at_ms) VALUES (?1, 1, ?1, 1)",
        [(text,) for text in texts],
    )
    connection.execute(
        "UPDATE run SET cause = ?1, gate_why = ?1, gate_by = ?1, intent_by = ?1,"
        " intent_why = ?1, approved_by = ?1, campaign_id = ?1 WHERE run_no = ?2",
        (NAME, run_no),
    )
    _plant_what_came_later(connection, run_no, texts)
    connection.execute("UPDATE lease SET owner = ?1, host = ?1, left_why = ?1", (NAME,))


def _plant_what_came_later(
    connection: sqlite3.Connection, run_no: int, texts: list[str]
) -> None:
    """Write payloads into promises, results and the stages of a canary."""
    connection.execute(
        "UPDATE record SET state = ?, due_at_ms = 1, next_at_ms = 1, expires_at_ms = 2"
        " WHERE run_no = ? AND state = ?",
        (int(RecordState.CALLBACK), run_no, int(RecordState.DELIVERED)),
    )
    connection.executemany(
        "INSERT INTO result (event_id, run_no, seq, step, kind, at_ms, received_at_ms,"
        " state, key, provider_id, detail, source)"
        " VALUES (?2, ?1, ?3, 0, 'answered', 1, 1, ?4, ?2, ?2, ?2, ?2)",
        [
            (run_no, text, number, ("applied", "parked", "late")[number % 3])
            for number, text in enumerate(texts, 1)
        ],
    )
    connection.execute(
        "INSERT INTO result_count VALUES (?, 'answered', ?)", (run_no, len(texts))
    )
    connection.executemany(
        "INSERT INTO canary (run_no, stage, last_seq, state, opened_at_ms,"
        " judged_at_ms, decided_by, evidence_json) VALUES (?, ?, ?, ?, 1, 1, ?, ?)",
        [
            (run_no, 1, 10, "stopped", NAME, json.dumps(texts)),
            (run_no, 2, 1_000, "waiting", "", "[]"),
        ],
    )
