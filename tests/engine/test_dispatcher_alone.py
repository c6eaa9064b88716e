"""A dispatcher without an engine: what it does with intents at every bad moment."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque

import pytest

from watchfloor.domain.outcomes import Delivery, Dispatch, Outcome, OutcomeClass
from watchfloor.domain.taking_over import PROOF_S
from watchfloor.engine.dispatcher import Dispatcher
from watchfloor.engine.flights import CUT_OFF, GRACE_S
from watchfloor.engine.lane_plan import Plan, StepLane
from watchfloor.engine.late_answers import Late
from watchfloor.engine.proof import Proof
from watchfloor.engine.rules import Rules
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.throttles import Line, Throttle
from watchfloor.store.writes.attempts import Claimed

DELIVERED = Outcome(outcome_class=OutcomeClass.DELIVERED, code="ok")
AROUND = Surroundings(lambda: 0, time.monotonic, lambda: 0.5, bytes)


class Deaf:
    """A channel that answers when it is let go, and not before.

    Attributes:
        asked: Records that it was asked to contact.
        clings: So many times it goes on although it is cancelled.
    """

    delivery = Delivery.AT_MOST_ONCE
    deadline_s = 1.0

    def __init__(self, clings: int = 0) -> None:
        self.asked: list[int] = []
        self.clings = clings
        self.let_go = asyncio.Event()

    async def deliver(self, dispatch: Dispatch) -> Outcome:
        self.asked.append(dispatch.seq)
        while True:
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                self.clings -= 1
                if self.clings < 0:
                    raise
            else:
                return DELIVERED


class Slow(Deaf):
    """One that lets a cancellation through, but not before it is let go."""

    async def deliver(self, dispatch: Dispatch) -> Outcome:
        try:
            return await super().deliver(dispatch)
        finally:
            await self.let_go.wait()


def claimed(seq, step=0):
    return Claimed(
        seq=seq,
        state=0,
        attempts=0,
        interrupted=0,
        doubts=0,
        generation=0,
        step=step,
        base=0,
        earlier=0,
        held=0,
        first_at_ms=None,
        next_at_ms=None,
        due_at_ms=None,
        expires_at_ms=None,
        zone_no=0,
        contact=f"c{seq}",
        digest="00" * 16,
        values=[],
    )


def dispatcher(
    channel,
    *throttles,
    permits=2,
    rate_per_s=None,
    around=AROUND,
    proof=None,
    late=None,
):
    """Return one with a line for each of some throttles, or one for none."""
    lines = [
        Line("run-1", tuple(one), Delivery.AT_MOST_ONCE) for one in throttles or ((),)
    ]
    steps = tuple(
        StepLane(f"step {number}", "deaf", channel, line)
        for number, line in enumerate(lines)
    )
    rules = Rules(
        policies=(),
        breakers=(),
        breaker_after=0,
        answers=(),
        retry_share=0.2,
        promise_ms=0,
        is_suppressed=lambda _: False,
        has_opted_out=lambda _: False,
    )
    plan = Plan(run_id="run-1", family_id="run-1", steps=steps, columns=())
    made = Dispatcher(
        plan,
        rules,
        around,
        lambda: None,
        proof or Proof(around),
        late=deque() if late is None else late,
        permits=permits,
        rate_per_s=rate_per_s,
    )
    made.resume()
    return made


async def settled():
    """Let everybody do what can be done at once."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_waits_for_its_time_is_given_back_when_the_engine_ends():
    channel = Deaf()
    one = dispatcher(channel, rate_per_s=0.001)
    one.receive([claimed(1), claimed(2)])
    await settled()
    assert channel.asked == [1]

    await one.close()

    # The first is in flight: what became of it is found out after the restart.
    assert [each.seq for each in one.released] == [2]
    assert not one.finished


async def test_what_waits_for_a_permit_is_given_back_when_the_engine_ends():
    channel = Deaf()
    full = Throttle(1, None, AROUND.monotonic_s)
    one = dispatcher(channel, (full,))
    one.receive([claimed(1), claimed(2)])
    await settled()

    await one.close()

    assert channel.asked == [1]
    assert [each.seq for each in one.released] == [2]
    assert (full.in_use, full.waiting) == (0, 0)


async def test_closing_once_more_finds_nothing_to_close():
    one = dispatcher(Deaf())
    await settled()

    await one.close()
    await one.close()

    assert one.is_drained
    assert one.room(0) == 0


async def test_an_attempt_is_cut_once_though_its_channel_will_not_let_go():
    channel = Deaf(clings=1)
    one = dispatcher(channel)
    one.receive([claimed(1)])
    await settled()

    one.cut_all()
    await settled()
    one.cut_all()
    await settled()
    assert not one.finished

    channel.let_go.set()
    await settled()
    [finished] = one.finished
    # It told what became of it all the same.
    assert finished.outcome == DELIVERED
    await one.close()


async def test_a_channel_that_never_lets_go_keeps_its_task_and_not_the_loop(
    monkeypatch,
):
    monkeypatch.setattr(sys.modules[Dispatcher.__module__], "GRACE_S", 0.01)
    channel = Deaf(clings=9)
    one = dispatcher(channel)
    one.receive([claimed(1)])
    await settled()
    assert "run-1" in [task.get_name() for task in asyncio.all_tasks()]

    await one.close()

    assert "run-1" not in [task.get_name() for task in asyncio.all_tasks()]
    channel.let_go.set()
    await settled()


async def test_who_is_given_up_frees_its_permit_and_says_nothing_more():
    at_s = [0.0]
    around = Surroundings(lambda: 0, lambda: at_s[0], lambda: 0.5, bytes)
    channel, shared = Deaf(clings=1), Throttle(1, None, lambda: at_s[0])
    proof = Proof(around)
    told: deque[Late] = deque()
    one = dispatcher(
        channel, (shared,), permits=1, around=around, proof=proof, late=told
    )
    one.receive([claimed(1), claimed(2)])
    await settled()
    at_s[0] = channel.deadline_s + GRACE_S + 0.1
    one.end_overdue()
    await settled()
    assert (len(one.finished), shared.in_use) == (0, 1)

    at_s[0] += GRACE_S + 0.1
    proof.given_by_a_commit()()
    one.end_overdue()
    await settled()
    [kept] = one.finished
    assert (kept.claimed.seq, kept.outcome.is_kept) == (1, True)
    assert "channel deaf of step step 0 does not let go" in kept.outcome.run_fault
    assert (channel.asked, shared.in_use) == ([1, 2], 1)

    channel.let_go.set()
    await settled()
    assert [each.claimed.seq for each in one.finished] == [1, 2]
    assert shared.in_use == 0
    # What it said all the same is kept apart: it changes nothing and is told.
    [(run_id, late)] = told
    assert (run_id, late.claimed.seq, late.outcome) == ("run-1", 1, DELIVERED)
    one.finished.clear()
    assert one.is_drained
    await one.close()


async def test_a_cut_that_is_obeyed_too_late_is_still_known_as_one():
    at_s = [0.0]
    around = Surroundings(lambda: 0, lambda: at_s[0], lambda: 0.5, bytes)
    channel = Slow()
    told: deque[Late] = deque()
    one = dispatcher(channel, around=around, late=told)
    one.receive([claimed(1)])
    await settled()
    for _ in range(2):
        at_s[0] += channel.deadline_s + GRACE_S + 0.1
        one.end_overdue()
        await settled()
    assert [each.outcome.code for each in one.finished] == ["not_let_go"]

    channel.let_go.set()
    await settled()

    assert [each.finished.outcome for each in told] == [CUT_OFF]
    await one.close()


async def test_a_cut_attempt_is_ambiguous_and_its_worker_goes_on():
    channel = Deaf()
    one = dispatcher(channel, permits=1)
    one.receive([claimed(1), claimed(2)])
    await settled()

    one.cut_all()
    await settled()

    assert [each.outcome for each in one.finished] == [CUT_OFF]
    assert channel.asked == [1, 2]
    await one.close()


@pytest.mark.parametrize(
    ("first", "second", "room"),
    [(3, 5, 5), (5, 3, 5), (None, 3, None), (3, None, None)],
)
async def test_of_several_channels_the_widest_decides_what_may_be_stored(
    first, second, room
):
    throttles = [
        (Throttle(permits, None, AROUND.monotonic_s),) for permits in (first, second)
    ]
    one = dispatcher(Deaf(), *throttles, permits=50)

    # At most once: as many as permits, of the run's own where nothing shared binds.
    assert one.room(0) == (50 if room is None else room)
    await one.close()


async def test_a_pace_that_changes_behind_a_closed_gate_lets_nobody_through():
    channel = Deaf()
    one = dispatcher(channel, rate_per_s=0.001)
    one.hold()
    one.set_limits(2, 1_000.0)
    one.receive([claimed(1)])
    await settled()

    assert channel.asked == []
    assert [each.seq for each in one.released] == [1]

    one.released.clear()
    one.resume()
    one.receive([claimed(1)])
    await settled()
    assert channel.asked == [1]
    await one.close()


async def test_what_waited_for_others_while_another_step_took_its_turn_gives_way():
    channel = Deaf()
    busy, free = (Throttle(1, None, time.monotonic) for _ in range(2))
    other = Line("run-2", (busy,), Delivery.AT_MOST_ONCE)
    other.open()
    assert other.entered_at_once()
    made = dispatcher(channel, (busy,), (free,), rate_per_s=0.001)
    made.receive([claimed(1, step=0)])
    await settled()
    made.receive([claimed(2, step=1)])
    await settled()
    assert channel.asked == [2]

    other.leave()
    await settled()

    # The pace allowed one attempt, and holds nothing shared while it waits.
    assert channel.asked == [2]
    assert (busy.in_use, free.in_use) == (0, 1)
    await made.close()
    assert [one.seq for one in made.released] == [1]


async def test_fewer_permits_send_idle_workers_home_and_more_bring_others():
    channel = Deaf()
    one = dispatcher(channel, permits=4)
    await settled()

    one.set_limits(1, None)
    one.receive([claimed(1), claimed(2), claimed(3)])
    await settled()
    assert channel.asked == [1]

    one.set_limits(2, None)
    await settled()
    assert channel.asked == [1, 2]
    await one.close()


async def test_a_surplus_worker_goes_when_its_attempt_has_ended():
    channel = Deaf()
    one = dispatcher(channel, permits=2)
    one.receive([claimed(1), claimed(2)])
    await settled()

    one.set_limits(1, None)
    one.receive([claimed(3)])
    await settled()
    assert channel.asked == [1, 2]

    channel.let_go.set()
    await settled()
    assert channel.asked == [1, 2, 3]
    assert one.room(0) == 1
    await one.close()


async def test_an_attempt_far_past_its_channels_deadline_is_cut():
    at_s = [0.0]
    channel = Deaf()
    around = Surroundings(lambda: 0, lambda: at_s[0], lambda: 0.5, bytes)
    one = dispatcher(channel, around=around)
    one.receive([claimed(1)])
    await settled()

    at_s[0] = channel.deadline_s + GRACE_S
    one.end_overdue()
    await settled()
    assert not one.finished

    at_s[0] += 0.1
    one.end_overdue()
    await settled()
    assert [each.outcome for each in one.finished] == [CUT_OFF]
    await one.close()


@pytest.mark.parametrize(
    ("passed_s", "jumped_s", "sends"),
    [(PROOF_S, PROOF_S, True), (PROOF_S + 0.1, 0.0, False), (0.0, PROOF_S + 1, False)],
    ids=["for a moment", "stopped", "suspended"],
)
async def test_who_stood_still_sends_nothing_before_it_has_committed_again(
    passed_s, jumped_s, sends
):
    at_s, wall_s = [0.0], [0.0]
    around = Surroundings(
        lambda: int(wall_s[0] * 1_000), lambda: at_s[0], lambda: 0.5, bytes
    )
    channel, proof = Deaf(), Proof(around)
    shared = Throttle(2, None, around.monotonic_s)
    one = dispatcher(channel, (shared,), around=around, proof=proof)
    at_s[0], wall_s[0] = passed_s, jumped_s
    one.receive([claimed(1)])
    await settled()
    assert channel.asked == ([1] if sends else [])
    assert [each.seq for each in one.released] == ([] if sends else [1])

    proof.given_by_a_commit()()
    one.receive([claimed(2)])
    await settled()
    assert channel.asked[-1] == 2
    assert shared.in_use == len(channel.asked)
    await one.close()


async def test_a_pace_that_is_lifted_lets_whoever_waits_for_it_go():
    channel = Deaf()
    one = dispatcher(channel, rate_per_s=0.001)
    one.receive([claimed(1), claimed(2)])
    await settled()
    assert channel.asked == [1]

    one.set_limits(2, None)
    await settled()

    assert channel.asked == [1, 2]
    await one.close()


async def test_an_outcome_that_waits_for_company_is_still_there_after_the_end():
    channel = Deaf()
    channel.let_go.set()
    one = dispatcher(channel, permits=9)
    one.receive([claimed(1)])
    await settled()

    await one.close()

    assert [each.outcome for each in one.finished] == [DELIVERED]
    assert not one.is_drained
