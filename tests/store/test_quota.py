from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.quota import PlanUse, Used
from watchfloor.domain.workspace import Plan, Workspace
from watchfloor.engine.quotas import plan_use, reserve_or_refuse
from watchfloor.store.reads.quota import used
from watchfloor.store.writes.quota import release, reserve

BERLIN = Workspace(
    workspace_id="floor",
    name="Floor",
    zone="Europe/Berlin",
    plan=Plan(monthly_runs=2, monthly_records=1_000),
)


def at_ms(month, day, hour=0):
    zone = ZoneInfo("Europe/Berlin")
    return int(datetime(2026, month, day, hour, tzinfo=zone).timestamp() * 1000)


NOVEMBER_MS = at_ms(11, 22, 12)


def test_a_month_nobody_used_is_unused(writer):
    assert used(writer, "2026-11") == Used()


def test_what_is_reserved_adds_up_within_its_month(writer):
    with writer.begin():
        reserve(writer, "2026-11", runs=1, records=400)
        reserve(writer, "2026-11", runs=1, records=50)
        reserve(writer, "2026-12", runs=1, records=7)

    assert used(writer, "2026-11") == Used(runs=2, records=450)
    assert used(writer, "2026-12") == Used(runs=1, records=7)


def test_what_is_released_can_be_used_again_and_never_falls_below_nothing(writer):
    with writer.begin():
        reserve(writer, "2026-11", runs=1, records=400)
        release(writer, "2026-11", 150)
        assert used(writer, "2026-11") == Used(runs=1, records=250)

        release(writer, "2026-11", 251)
        release(writer, "2026-10", 5)

        assert used(writer, "2026-11") == Used(runs=1, records=0)
        assert used(writer, "2026-10") == Used()


def test_a_launch_reserves_in_the_month_of_the_workspaces_zone(writer):
    with writer.begin():
        month = reserve_or_refuse(writer, BERLIN, at_ms(12, 1), 400)
        assert month == "2026-12"
        month = reserve_or_refuse(writer, BERLIN, at_ms(12, 1) - 1, 300)
        assert month == "2026-11"

    assert used(writer, "2026-11") == Used(runs=1, records=300)
    assert used(writer, "2026-12") == Used(runs=1, records=400)


def test_a_launch_over_the_plan_is_refused_by_name_and_reserves_nothing(writer):
    with writer.begin():
        reserve(writer, "2026-11", runs=2, records=980)

        with pytest.raises(RefusedError) as refused:
            reserve_or_refuse(writer, BERLIN, NOVEMBER_MS, 40)

    assert refused.value.refusal is Refusal.PLAN_LIMIT
    assert refused.value.detail == (
        "runs 2 of 2; records 980 + 40 of 1,000; "
        "the month ends 2026-12-01 00:00 Europe/Berlin"
    )
    assert used(writer, "2026-11") == Used(runs=2, records=980)


def test_a_plan_is_shown_with_what_was_used_and_when_it_begins_anew(writer):
    with writer.begin():
        reserve(writer, "2026-11", runs=1, records=400)

    assert plan_use(writer, BERLIN, NOVEMBER_MS) == PlanUse(
        month="2026-11",
        ends_at_ms=at_ms(12, 1),
        plan=BERLIN.plan,
        used=Used(runs=1, records=400),
    )
