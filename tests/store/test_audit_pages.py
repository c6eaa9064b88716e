from __future__ import annotations

import pytest
from sqlalchemy import insert
from tests.store.conftest import NOW_MS, add_a_run

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.live import AuditPage
from watchfloor.store.reads.journal import MOST_SEARCHED, audit_page, events
from watchfloor.store.tables import command, journal

FILL = """
WITH RECURSIVE n(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < ?)
INSERT INTO journal (at_ms, run_id, event, epoch)
SELECT at, 'run-' || (1 + at % 2), 'beat', 1 FROM n
"""


class Log:
    """A journal to write into, of two runs."""

    def __init__(self, stored):
        self._writer = stored.writer
        with self._writer.begin():
            add_a_run(self._writer, "run-2", campaign_name="Autumn")

    def write(self, run_id="run-1", event="pause", **values):
        entry = {"at_ms": NOW_MS, "run_id": run_id, "event": event, "epoch": 1}
        with self._writer.begin():
            done = self._writer.execute(insert(journal).values(**entry, **values))
        return done.inserted_primary_key[0]

    def fill(self, count):
        with self._writer.begin():
            self._writer.exec_driver_sql(FILL, (count,))

    def answer(self, command_id, **values):
        row = {
            "command_id": command_id,
            "run_id": "run-1",
            "verb": "pause",
            "by": "nora",
            "origin": "",
            "why": "",
            "seen_json": "{}",
            "state": "settled",
            "asked_at_ms": NOW_MS,
            **values,
        }
        with self._writer.begin():
            self._writer.execute(insert(command).values(**row))

    def page(self, *args, **key):
        with self._writer.begin():
            return audit_page(self._writer, *args, **key)

    def events(self, run_id):
        with self._writer.begin():
            return events(self._writer, run_id)


@pytest.fixture
def log(stored):
    return Log(stored)


def ids(found):
    return [one.event.entry_id for one in found.entries]


def test_entries_come_newest_first_with_the_run_and_the_answer(log):
    log.answer("cmd-1", applied_at_ms=NOW_MS + 5)
    log.answer("cmd-2", state="refused", refusal="DRIFTED", detail="it moved")
    first = log.write(command_id="cmd-1", by="nora")
    second = log.write("run-2", "stop", command_id="cmd-2")
    third = log.write("run-7", "launch refused")
    found = log.page()

    assert ids(found) == [third, second, first]
    assert [one.run_name for one in found.entries] == ["", "Autumn", "Trial"]
    none, refused, settled = (one.receipt for one in found.entries)
    assert none is None
    assert (refused.state, refused.refusal) == ("refused", "DRIFTED")
    assert (settled.state, settled.applied_at_ms) == ("settled", NOW_MS + 5)
    assert found.entries[2].event == log.events("run-1")[0]
    assert found.before is None


@pytest.mark.parametrize("run_id", ["", "run-2"])
@pytest.mark.parametrize("text", ["", "beat"])
def test_pages_show_every_entry_once(log, run_id, text):
    log.fill(25)
    seen, before = [], None
    while True:
        found = log.page(run_id, text=text, before=before, size=4)
        assert len(found.entries) <= 4
        seen += ids(found)
        if found.before is None:
            break
        before = found.before

    every = range(25, 0, -1)
    assert seen == [one for one in every if not run_id or one % 2]


def test_one_run_is_told_of_alone(log):
    log.fill(6)

    assert {one.event.run_id for one in log.page("run-2").entries} == {"run-2"}
    assert log.page("run-9") == AuditPage()


@pytest.mark.parametrize(
    "values",
    [
        {"event": "Night shift"},
        {"by": "the NIGHT owl"},
        {"why": "good night"},
        {"detail": "nightly"},
        {"before": "night"},
        {"after": "night"},
        {"origin": "night-desk"},
        {"run_id": "run-night"},
    ],
)
def test_a_text_is_looked_for_in_all_that_an_entry_says(log, values):
    log.write(why="by day")
    wanted = log.write(**values)
    log.write(why="n_ght")

    assert ids(log.page(text=" night ")) == [wanted]


def test_a_search_stops_at_its_bound_and_goes_on_from_there(log):
    wanted = log.write(why="long ago")
    log.fill(MOST_SEARCHED * 2)
    seen, reads, before = [], 0, None
    while True:
        found = log.page(text="long ago", before=before)
        seen += ids(found)
        reads += 1
        if found.before is None:
            break
        assert (before or MOST_SEARCHED * 2 + 2) - found.before <= MOST_SEARCHED + 1_000
        before = found.before

    assert seen == [wanted]
    assert reads == 2


def test_a_text_that_nobody_means_is_refused(log):
    with pytest.raises(ConfigError, match="201 characters"):
        log.page(text="x" * 201)
