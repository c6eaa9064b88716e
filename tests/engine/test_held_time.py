"""Time in which a canary holds back whoever is left is not the run's own."""

from __future__ import annotations

from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply
from tests.support.retries import QUIET, canary_of, retried, sick

from watchfloor.domain.canary import StageState
from watchfloor.domain.health import Health
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.live_ops import live_run
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


def test_a_run_that_waits_out_a_stage_is_neither_stalled_nor_slow_at_its_end(
    floor, provider
):
    twice = webhook(provider.url, retry='attempts = 2\nbackoff = "1ms"', rest=QUIET)
    child = retried(floor, sick(floor, provider, 40, text=twice))
    late = Reply(status=503, headers={"Retry-After": "1800"})
    provider.replies = {contact: [Reply(after_s=20.0)] for contact in ids(40)[15:]}
    provider.replies["c00001"] = [late, Reply()]
    seen: set[Health] = set()

    def is_well():
        now_ms = floor.around.now_ms()
        seen.add(floor.read(lambda c: live_run(c, child, now_ms)).health)
        # What a moved clock makes of the engine's last beat is over with the next.
        return Health.OK in seen

    def is_released():
        return canary_of(floor, child).stages[-1].state is StageState.RELEASED

    with floor.engine(grace_s=0.1):
        until(lambda: floor.books(child).delivered == 14)
        due_at_ms = until(lambda: floor.view(child).next_retry_at_ms)
        left_s = (due_at_ms - floor.clock.now_ms()) / 1_000
        assert left_s > 300
        floor.clock.ahead_s += left_s - 120
        until(is_well)
        assert floor.books(child).retry == 1
        seen.discard(Health.OK)
        floor.clock.ahead_s += 130
        until(lambda: is_well() and is_released())

    assert seen <= {Health.OK, Health.BLOCKED}
