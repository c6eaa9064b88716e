from __future__ import annotations

import json
from dataclasses import replace

from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import NOON_MS, some_runs

from watchfloor.console.copies import iso_time, journey_json, record_json, run_json
from watchfloor.domain.views import Asked

EVIL = "\x1b]52;c;aGk=\x07\u202ex\ny"


def test_times_are_iso_and_utc():
    assert iso_time(NOON_MS + 7) == "2026-11-22T14:02:11.007Z"
    assert iso_time(None) is None


async def test_a_record_is_one_line_with_its_contact_masked():
    desk, run = PaperDesk(), some_runs()[0]
    text = record_json(desk.record(14), run)
    told = json.loads(text)
    assert "\n" not in text
    assert told["run_id"] == run.run_id
    assert told["contact"] == "+1***0014"
    assert told["state"] == "delivered"
    assert told["updated_at"].endswith("Z")
    assert "5550000014" not in text


async def test_a_journey_holds_every_entry_and_nobody_in_full():
    desk, run = PaperDesk(), some_runs()[0]
    text = journey_json(await desk.journey(run.run_id, 14), run)
    told = json.loads(text)
    assert len(told["entries"]) == 5
    assert told["idempotency_key"] == "wf-run-0001-14-1"
    assert told["fields"]["mail"] == "a***@example.org"
    assert "0000014" not in text


def test_a_run_holds_its_books_and_who_asked():
    asked = Asked(by="ann", at_ms=NOON_MS, why="ask bob.b@example.org")
    told = json.loads(run_json(replace(some_runs()[0], gate_asked=asked)))
    assert told["books"]["delivered"] == 419_975
    assert told["gate_asked"]["why"] == "ask b***@example.org"
    assert told["asked"] is None


async def test_nothing_copied_holds_what_a_terminal_would_obey():
    desk, run = PaperDesk(poison=EVIL), some_runs()[0]
    run = replace(run, campaign_name=EVIL, upload_name=EVIL, cause=EVIL)
    for text in (
        run_json(run),
        record_json(desk.record(14), run),
        journey_json(await desk.journey(run.run_id, 14), run),
    ):
        assert not any(char in text for char in "\x1b\x07\u202e\n")
        json.loads(text)
