from __future__ import annotations

from math import comb

import pytest

from watchfloor.domain.canary import (
    MOST_JUDGED,
    Baseline,
    CanaryView,
    Figures,
    StageState,
    StageView,
    bounded,
    canary_named,
    evidence,
    is_dedupe_hit,
    judge,
    stage_sizes,
    stop_said,
    upper_bound,
)

WELL = Figures(records=15, settled=15, attempts=15, p95_ms=100)
BASE = Baseline(
    runs=("r",), attempts=100, transient=4, p95_ms=400, permanent=frozenset({"gone"})
)


def failed(figures, baseline=BASE):
    return [one.check for one in judge(figures, baseline).findings if not one.holds]


@pytest.mark.parametrize(
    ("records", "sizes"),
    [
        (0, ()),
        (1, (1,)),
        (15, (15,)),
        (16, (15, 1)),
        (115, (15, 100)),
        (116, (15, 100, 1)),
        (1_000_000, (15, 100, 999_885)),
    ],
)
def test_a_small_cohort_has_fewer_stages(records, sizes):
    assert stage_sizes(records, canary=True) == sizes
    assert sum(sizes) == records


def test_without_a_canary_there_is_one_stage():
    assert stage_sizes(700, canary=False) == (700,)
    assert stage_sizes(0, canary=False) == ()


def test_a_stage_is_due_when_all_is_settled_or_its_time_is_over():
    assert WELL.is_due
    assert not Figures(records=15, settled=14).is_due
    assert Figures(records=15, settled=0, is_overdue=True).is_due


def test_a_healthy_stage_passes():
    verdict = judge(WELL, BASE)

    assert verdict.passes
    assert [one.check for one in verdict.findings] == [
        *("settled", "measured", "transient", "permanent", "dedupe", "latency"),
    ]


@pytest.mark.parametrize(
    ("settled", "passes"), [(12, True), (11, False), (15, True), (0, False)]
)
def test_when_its_time_is_over_four_of_five_must_be_settled(settled, passes):
    figures = Figures(records=15, settled=settled, attempts=15, is_overdue=True)

    assert (failed(figures) == []) is passes


@pytest.mark.parametrize(
    ("attempts", "passes"),
    [(15, True), (12, True), (11, False), (5, False), (0, False)],
)
def test_what_was_hardly_tried_lets_nobody_go(attempts, passes):
    figures = Figures(records=15, settled=15, failed=15 - attempts, attempts=attempts)

    assert (failed(figures) == []) is passes
    assert passes or failed(figures) == ["measured"]


def test_a_stage_that_nothing_is_left_of_lets_nobody_go():
    assert failed(Figures(records=0, settled=0)) == ["measured"]


@pytest.mark.parametrize(
    ("transient", "before", "passes"),
    [
        (10, 0, True),
        (11, 0, False),
        (15, 10, True),
        (16, 10, False),
        (30, 20, True),
        (31, 20, False),
    ],
)
def test_more_transient_failures_than_a_healthy_run_had_do_not_pass(
    transient, before, passes
):
    figures = Figures(records=100, settled=100, attempts=100, transient=transient)
    baseline = Baseline(runs=("r",), attempts=100, transient=before)

    assert (failed(figures, baseline) == []) is passes


def test_a_permanent_code_that_was_there_before_passes_and_another_does_not():
    known = Figures(records=2, settled=2, attempts=2, permanent={"gone": 2})
    fresh = Figures(
        records=2, settled=2, attempts=2, permanent={"gone": 1, "blocked": 1}
    )

    assert failed(known) == []
    assert failed(fresh) == ["permanent"]
    assert judge(fresh, BASE).told == (
        "permanent failures that were not there before: 1 blocked"
    )


def test_a_dedupe_hit_does_not_pass():
    assert failed(
        Figures(records=1, settled=1, attempts=1, dedupe_hits={"http_409": 1})
    ) == ["dedupe"]


@pytest.mark.parametrize(
    ("ours", "theirs", "passes"),
    [
        (800, 400, True),
        (801, 400, False),
        (270, 20, True),
        (271, 20, False),
        (None, 400, True),
        (9_000, None, True),
    ],
)
def test_answers_may_take_twice_as_long_and_a_machine_s_own_differences_more(
    ours, theirs, passes
):
    figures = Figures(records=1, settled=1, attempts=1, p95_ms=ours)

    assert (failed(figures, Baseline(p95_ms=theirs)) == []) is passes


def test_evidence_tells_what_failed_first_and_what_it_bounds_last():
    figures = Figures(records=15, settled=15, failed=1, attempts=15, transient=3)
    told = evidence(figures, judge(figures, BASE))

    assert told[0] == (
        "3 of 15 attempts failed for now or are unknown (20.0 %); up to 10.0 % passes, "
        "healthy runs had 4.0 %"
    )
    assert told[-1].startswith("1 of 15 failed: with 95 % confidence fewer than")
    assert len(told) == 7


def test_without_a_healthy_run_the_evidence_says_so():
    told = " ".join(one.told for one in judge(WELL, Baseline()).findings)

    assert "there is no healthy run to compare with" in told
    assert "latency is not judged: no run to compare with" in told


@pytest.mark.parametrize(
    ("failures", "of", "told"),
    [
        (0, 0, "no record is settled: that says nothing about the others"),
        (15, 15, "15 of 15 failed: the others may all fail too"),
        (
            0,
            15,
            "0 of 15 failed: with 95 % confidence fewer than 18 % of the others would",
        ),
        (
            0,
            100,
            (
                "0 of 100 failed: with 95 % confidence fewer than 3.0 % of the others "
                "would"
            ),
        ),
    ],
)
def test_what_so_few_records_bound_is_said_honestly(failures, of, told):
    assert bounded(failures, of) == told


@pytest.mark.parametrize("of", [1, 15, 100, 115])
def test_no_failure_bounds_what_the_rule_says_exactly(of):
    assert upper_bound(0, of) == pytest.approx(1 - 0.05 ** (1 / of))


def test_more_failures_bound_less():
    bounds = [upper_bound(failures, 15) for failures in range(16)]

    assert bounds == sorted(bounds)
    assert all(upper_bound(k, 15) > k / 15 for k in range(15))
    # As printed in tables of Clopper and Pearson, one-sided 95 %.
    assert upper_bound(1, 15) == pytest.approx(0.2794, abs=1e-4)


@pytest.mark.parametrize(
    ("code", "hit"),
    [
        ("http_409", True),
        ("duplicate_request", True),
        ("already_sent", True),
        ("idempotency_replayed", True),
        ("http_404", False),
        ("busy", False),
    ],
)
def test_a_dedupe_hit_is_known_by_the_provider_s_code(code, hit):
    assert is_dedupe_hit(code) is hit


def stage(state, number=1):
    return StageView(number=number, records=15, last_seq=15, state=state)


def canary(*states, is_over=False):
    stages = tuple(stage(state, number) for number, state in enumerate(states, 1))
    return CanaryView(run_id="c", parent_id="p", stages=stages, is_over=is_over)


def test_the_current_stage_is_the_one_that_was_released_last():
    passed, waits = StageState.PASSED, StageState.WAITING
    view = canary(passed, passed, waits)

    assert view.current is view.stages[1]
    assert canary(waits, waits).current is None


def test_a_stopped_stage_holds_the_run_until_the_run_is_over():
    stopped, waits = StageState.STOPPED, StageState.WAITING

    assert canary(stopped, waits).is_stopped
    assert not canary(stopped, waits, is_over=True).is_stopped
    assert not canary(waits).is_stopped


def test_a_pause_is_a_canarys_only_if_the_engine_says_so_in_its_words():
    verdict = judge(Figures(records=15, settled=0, is_overdue=True), BASE)
    why = stop_said(2, verdict)

    assert why == f"canary stage 2 stopped: {verdict.told}"
    assert canary_named("engine", why)
    assert not canary_named("nora", why)
    assert not canary_named("engine", "canary stage 2 is fine")
    assert not canary_named("engine", f"about {why}")


def test_every_finding_of_a_stage_is_told_word_for_word():
    figures = Figures(
        records=1_500,
        settled=1_200,
        attempts=1_300,
        transient=1_100,
        permanent={"gone": 1_000, "odd": 2, "blocked": 1_001},
        dedupe_hits={"http_409": 1_000, "already": 2},
        p95_ms=1_801,
        is_overdue=True,
    )
    baseline = Baseline(
        runs=("r",), attempts=10, p95_ms=1_000, permanent=frozenset({"gone"})
    )

    assert [(one.check, one.told) for one in judge(figures, baseline).findings] == [
        (
            "settled",
            "1,200 of 1,500 final when its time was over; at least 80 % must be",
        ),
        (
            "measured",
            (
                "1,300 attempts ended by themselves at 1,500 records; at least 1,200 "
                "must, to judge by"
            ),
        ),
        (
            "transient",
            (
                "1,100 of 1,300 attempts failed for now or are unknown (84.6 %); up to "
                "10.0 % passes, healthy runs had 0.0 %"
            ),
        ),
        (
            "permanent",
            "permanent failures that were not there before: 1,001 blocked, 2 odd",
        ),
        (
            "dedupe",
            (
                "attempts of which the provider knew the key already: 2 already, 1,000 "
                "http_409"
            ),
        ),
        (
            "latency",
            (
                "95 % of deliveries took at most 1,801 ms; up to 2,000 ms passes, "
                "before it was 1,000 ms"
            ),
        ),
    ]


def test_the_findings_of_a_stage_that_came_to_little_are_told_word_for_word():
    one = Figures(records=1, settled=1, attempts=1)

    assert [(one.check, one.told) for one in judge(one, BASE).findings] == [
        ("settled", "1 of 1 final: all of them"),
        (
            "measured",
            "1 attempt ended by themselves at 1 record; at least 1 must, to judge by",
        ),
        (
            "transient",
            (
                "0 of 1 attempt failed for now or are unknown (0.0 %); up to 10.0 % "
                "passes, healthy runs had 4.0 %"
            ),
        ),
        ("permanent", "permanent failures that were not there before: none"),
        ("dedupe", "attempts of which the provider knew the key already: none"),
        ("latency", "latency is not judged: it delivered nothing"),
    ]


def test_a_small_share_is_told_with_its_tenths():
    assert bounded(200, 10_000).endswith("fewer than 2.2 % of the others would")
    assert bounded(20, 236).endswith("fewer than 12 % of the others would")
    assert upper_bound(15, 15) == 1.0


@pytest.mark.parametrize(("failures", "of"), [(3, 15), (600, 1_200), (900, 1_000)])
def test_the_bound_is_exact_also_where_a_float_holds_no_binomial(failures, of):
    share, whole = upper_bound(failures, of).as_integer_ratio()
    ways = sum(
        comb(of, k) * share**k * (whole - share) ** (of - k)
        for k in range(failures + 1)
    )

    assert ways / whole**of == pytest.approx(0.05, rel=1e-6)


def test_the_rest_of_a_large_cohort_can_be_judged_whatever_failed_of_it():
    shares = [
        upper_bound(failures, MOST_JUDGED) for failures in range(0, MOST_JUDGED, 999)
    ]

    assert shares == sorted(shares)
    assert bounded(5_000, MOST_JUDGED) == (
        "5,000 of 10,000 failed: with 95 % confidence fewer than 51 % of the others "
        "would"
    )
