from __future__ import annotations

import asyncio

import pytest
from tests.cli.shell import SpareShell, campaign_text, carry_out, people, step

from watchfloor.cli import compose
from watchfloor.cli.desk import WholeDesk
from watchfloor.cli.main import main
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.evidence import RejectTally
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState, RejectKind
from watchfloor.store.reads.samples import SampledReject
from watchfloor.triage.examining import gathered, watched
from watchfloor.triage.sampling import reject_tallies

NOW_MS = 1_900_000_000_000
PLAN = """
[plan]
monthly_records = 500
[limits]
permits = 9
"""
SCRIPT = """
script = { c000001 = ["permanent"], c000002 = ["transient", "delivered"] }
"""


@pytest.fixture(scope="module")
def floor(tmp_path_factory):
    """A workspace in which one campaign ran twice over some of the same people."""
    folder = tmp_path_factory.mktemp("gathered")
    assert main(["init", str(folder / "floor"), "--name", "Night shift"]) == 0
    spare = SpareShell(folder / "floor")
    with spare.layout.settings.open("a", encoding="utf-8") as file:
        file.write(PLAN)
    campaign = campaign_text(folder, "autumn", steps=step("simulator", SCRIPT))
    spare.launched(campaign, people(folder / "one.csv", 30, extra=("", "c000001")))
    carry_out(spare.root)
    spare.launched(campaign, people(folder / "two.csv", 60), "--allow-twin")
    return spare


@pytest.fixture(scope="module")
def runs(floor):
    """The ids of the ended run and of the queued one."""
    newest, oldest = (one["id"] for one in floor("runs", "--json").json)
    return oldest, newest


def test_an_ended_run_is_known_with_its_attempts_and_records(floor, runs):
    found = gathered(floor.layout, runs[0], NOW_MS)

    assert found.workspace_name == "Night shift"
    assert found.run.books.delivered == 29
    assert found.upload_sha256
    assert [step.channel for step in found.setup.steps] == ["simulator"]
    codes = {one.code: one for one in found.whole.tallies}
    assert sum(one.attempts for one in codes.values()) == 31
    assert found.whole.count(OutcomeClass.TRANSIENT) == 1
    assert found.whole.again == 1
    assert (found.whole.twice, found.whole.after_permanent) == (0, 0)
    assert found.whole.most_tries == 2
    assert {one.state for one in found.records} == {
        RecordState.DELIVERED,
        RecordState.FAILED,
    }
    assert found.failures.of == 1
    assert found.events[-1].run_id == runs[0]


def test_rejects_are_counted_by_their_reason(floor, runs):
    found = gathered(floor.layout, runs[0], NOW_MS)
    kinds = {one.kind: one.rows for one in found.rejects}
    assert kinds == {RejectKind.INVALID: 1, RejectKind.DUPLICATE: 1}
    assert found.rejects_seen == 2


def test_another_run_over_the_same_people_is_found(floor, runs):
    ended_ms = gathered(floor.layout, runs[0], NOW_MS).run.ended_at_ms or 0
    (other,) = gathered(floor.layout, runs[0], NOW_MS).neighbours
    assert (other.run_id, other.is_live) == (runs[1], True)
    assert other.same_campaign
    assert not other.same_upload
    (ended,) = gathered(floor.layout, runs[1], ended_ms + 1_000).neighbours
    assert (ended.run_id, ended.is_live) == (runs[0], False)


def test_a_run_that_ended_long_ago_is_no_neighbour(floor, runs):
    assert gathered(floor.layout, runs[1], NOW_MS).neighbours == ()


def test_the_plan_and_what_runs_share_are_told(floor, runs):
    now_ms = compose.now_ms()
    found = gathered(floor.layout, runs[1], now_ms)
    assert found.plan.most_records == 500
    assert found.plan.records >= 60
    assert found.plan.most_runs is None
    assert [one.permits for one in found.situation.shared if one.permits] == [9]
    assert found.free_bytes
    assert found.waiting.commands == 0


def test_counters_are_read_again_after_the_wait(floor, runs):
    waits = []
    found = gathered(floor.layout, runs[1], NOW_MS)
    again = watched(
        floor.layout, found, lambda: waits.append(1), lambda: NOW_MS + 3_000
    )
    assert waits == [1]
    assert again.again is not None
    assert again.again.at_ms == NOW_MS + 3_000
    assert again.again.books == found.run.books
    assert again.now_ms == NOW_MS + 3_000


def test_an_ended_run_is_not_waited_for(floor, runs):
    found = gathered(floor.layout, runs[0], NOW_MS)
    assert watched(floor.layout, found, pytest.fail, lambda: NOW_MS) is found


def test_a_run_that_is_not_there_is_named(floor):
    with pytest.raises(NotFoundError, match="no run is called 'none'"):
        gathered(floor.layout, "none", NOW_MS)


def test_the_desk_of_the_screens_judges_a_run(floor, runs):
    async def judged():
        desk = WholeDesk(
            floor.layout, compose.surroundings(), compose.asker(), compose.owner("t")
        )
        try:
            once = await desk.triage(runs[1])
            return once, await desk.triage(runs[1], watch_s=0.01)
        finally:
            await desk.close()

    once, twice = asyncio.run(judged())
    assert once.verdict.cause == twice.verdict.cause == "runtime"
    assert once.sampled_ms == 0
    assert twice.sampled_ms >= 10


def test_malformed_numbers_are_told_by_how_they_begin_and_never_whole():
    rows = [
        SampledReject(RejectKind.INVALID, "not a number", f"Ann,+49 151 {n:07},x")
        for n in range(5)
    ]
    rows.append(SampledReject(RejectKind.INVALID, "not a number", "Bob,12345,x"))
    rows.append(SampledReject(RejectKind.DUPLICATE, "of row 3", "Ann,+4915100000000"))
    assert reject_tallies(rows) == (
        RejectTally(RejectKind.INVALID, "not a number", "+49151", 5),
        RejectTally(RejectKind.INVALID, "not a number", "12", 1),
        RejectTally(RejectKind.DUPLICATE, "of row 3", "", 1),
    )
