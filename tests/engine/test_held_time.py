"""Time in which a canary holds back whoever is left is not the run's own."""

from __future__ import annotations

from tests.support.retries import retried, sick

from watchfloor.engine.ledger import Ledger
from watchfloor.store.reads.runs import ledger_rows


def about(floor, run_id, **values):
    """Return what the run's time goes to, with *values* in its row."""
    (row,) = floor.read(lambda connection: ledger_rows(connection, run_id))
    ledger = Ledger({**row, "phase": "running", "launch_id": "l", **values})
    ledger.next_due_ms = None
    before = dict(ledger.spent_ms)
    ledger.look(1_000_000)
    ledger.look(1_001_000)
    after = ledger.spent_ms
    return {name for name in after if after[name] != before[name]}


def test_a_stage_that_waits_only_for_others_spends_no_time_on_attempts(floor, provider):
    child = retried(floor, sick(floor, provider, 40))
    left = {"pending": 25, "records": 40}

    assert about(floor, child, **left, released_seq=15, frontier=15) == {"waiting_ms"}
    assert about(floor, child, **left, released_seq=15, frontier=14) == {"active_ms"}
    assert about(floor, child, **left, released_seq=None, frontier=15) == {"active_ms"}
