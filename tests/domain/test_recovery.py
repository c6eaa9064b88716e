from __future__ import annotations

import pytest

from watchfloor.domain.cohorts import Selection, to_payload
from watchfloor.domain.errors import EXPLANATIONS, Refusal
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.recovery import (
    Counted,
    Fate,
    Group,
    Parent,
    RetryPreview,
    asked_payload,
    counted,
    fate_of,
    is_retryable,
    refusal_of,
)
from watchfloor.domain.workspace import RetryBudget

TRANSIENT, PERMANENT = OutcomeClass.TRANSIENT, OutcomeClass.PERMANENT
AMBIGUOUS = OutcomeClass.AMBIGUOUS
FAILED, UNKNOWN = RecordState.FAILED, RecordState.UNKNOWN


def group(state=FAILED, outcome=TRANSIENT, records=1, **others):
    return Group(state=state, outcome_class=outcome, records=records, **others)


def parent(**values):
    told = {"run_id": "run", "campaign_name": "Trial", "is_ended": True, **values}
    return Parent(**told)


def preview(counts, **values):
    return RetryPreview(
        run_id="run",
        campaign_name="Trial",
        selection=Selection(),
        counts=counts,
        **values,
    )


@pytest.mark.parametrize("with_unknown", [False, True])
@pytest.mark.parametrize("outcome", [None, *OutcomeClass])
@pytest.mark.parametrize("state", RecordState)
def test_only_transient_failures_and_named_unknowns_can_be_retried(
    state, outcome, with_unknown
):
    expected = (state is FAILED and outcome is TRANSIENT) or (
        state is UNKNOWN and with_unknown
    )

    assert is_retryable(state, outcome, with_unknown=with_unknown) is expected
    fate = fate_of(group(state, outcome), with_unknown=with_unknown)
    assert (fate is Fate.RETRIED) is expected


def test_the_first_reason_that_holds_decides_about_a_record():
    taken = group(taken_by="child", is_suppressed=True)

    assert fate_of(taken, with_unknown=False) is Fate.TAKEN
    came = group(is_reached=True, is_suppressed=True)
    assert fate_of(came, with_unknown=False) is Fate.REACHED
    assert fate_of(group(is_suppressed=True), with_unknown=False) is Fate.SUPPRESSED
    gone = group(outcome=PERMANENT, taken_by="child", is_suppressed=True)
    assert fate_of(gone, with_unknown=False) is Fate.PERMANENT
    assert fate_of(group(UNKNOWN, AMBIGUOUS), with_unknown=False) is Fate.UNKNOWN


def test_every_selected_record_is_counted_once():
    groups = [
        group(records=900),
        group(outcome=PERMANENT, records=35),
        group(UNKNOWN, AMBIGUOUS, 4, may_repeat=True),
        group(taken_by="b", records=3),
        group(taken_by="a", records=2),
        group(is_suppressed=True, records=1),
        group(RecordState.DELIVERED, OutcomeClass.DELIVERED, 7),
    ]
    without = counted(groups, with_unknown=False)
    having = counted(groups, with_unknown=True)

    assert without.selected == having.selected == 952
    assert (without.retried, without.unknown, without.may_repeat) == (900, 4, 0)
    assert (having.retried, having.unknown, having.may_repeat) == (904, 0, 4)
    assert (without.permanent, without.suppressed, without.other) == (35, 1, 7)
    assert dict(without.taken) == {"a": 2, "b": 3}
    assert without.told == (
        "952 selected, 900 to be retried, 35 permanent, 4 unknown left out, "
        "1 suppressed, 7 that did not fail, 2 in run a, 3 in run b"
    )


@pytest.mark.parametrize(
    "changed",
    [
        group(records=2, checksum=5),
        group(records=1, checksum=6),
        group(records=1, checksum=5, is_suppressed=True),
        group(records=1, checksum=5, is_reached=True),
        group(records=1, checksum=5, taken_by="child"),
        group(outcome=PERMANENT, records=1, checksum=5),
    ],
)
def test_the_digest_changes_with_who_is_retried_and_with_every_count(changed):
    before = counted([group(checksum=5)], with_unknown=False)

    assert counted([changed], with_unknown=False).digest != before.digest
    assert counted([group(checksum=5)], with_unknown=False) == before


BUDGET = RetryBudget(retries=2, generations=1)
SOME = Counted(selected=5, retried=3, permanent=2)


@pytest.mark.parametrize(
    ("whose", "counts", "refusal"),
    [
        (parent(), SOME, None),
        (parent(is_ended=False), SOME, Refusal.STILL_LIVE),
        (parent(purged="run"), SOME, Refusal.PURGED),
        (parent(), Counted(selected=2, permanent=2), Refusal.ONLY_PERMANENT),
        (parent(), Counted(selected=3, permanent=2, unknown=1), Refusal.EMPTY_COHORT),
        (parent(), Counted(), Refusal.EMPTY_COHORT),
        (parent(generation=1), SOME, Refusal.RETRY_LIMIT),
        (parent(retries=2), SOME, Refusal.RETRY_LIMIT),
        (parent(retries=1), SOME, None),
    ],
)
def test_a_retry_is_declined_by_name(whose, counts, refusal):
    found = refusal_of(whose, counts, BUDGET)

    assert (found and found[0]) is refusal


def test_a_preview_tells_the_exact_blast_radius():
    counts = Counted(
        selected=967,
        retried=904,
        permanent=35,
        unknown=1,
        suppressed=2,
        reached=6,
        other=7,
        may_repeat=4,
        taken={"child": 12},
    )
    told = preview(counts, retries=1, plan="It counts as 1 run")

    assert " ".join(told.lines()) == (
        "904 records of 967 selected will be tried again, each at the step where "
        "it failed and with the key it had. "
        "4 records of these may have been delivered, and the channel does not know "
        "a key again: whoever was reached is contacted AGAIN. "
        "35 records failed for good and are refused. "
        "1 record may have been delivered and is left out: --class unknown. "
        "6 records did arrive, as the provider reported, and are left out. "
        "2 records must not be contacted any more and are left out. "
        "7 records did not fail and are left alone. "
        "12 records are in run child already. "
        "A canary of 15 goes first, then 100, then 789; each stage is judged "
        "before the next is released. "
        "It counts as 1 run. "
        "Retry budget: this is retry 2 of 10 of the family, and time 1 of 3 for "
        "these records."
    )
    assert "no canary goes first" in " ".join(told.lines(canary=False))
    assert (told.retries_left, told.generations_left) == (9, 3)


@pytest.mark.parametrize(
    ("counts", "canary", "typed"),
    [
        (Counted(retried=5_000), True, ""),
        (Counted(retried=5_000), False, "5000"),
        (Counted(retried=100), False, ""),
        (Counted(retried=3, may_repeat=1), True, "resend"),
        (Counted(retried=5_000, may_repeat=1), False, "resend"),
    ],
)
def test_what_is_risky_is_typed(counts, canary, typed):
    assert preview(counts).typed(canary=canary) == typed


def test_a_refusal_is_explained_with_its_particulars():
    refused = preview(Counted(), refusal=Refusal.STILL_LIVE, detail="run 7")

    assert refused.explanation == f"{EXPLANATIONS[Refusal.STILL_LIVE]} (run 7)"
    assert preview(Counted()).explanation == ""


def test_the_command_carries_what_was_seen():
    payload = asked_payload(preview(Counted(retried=3, digest="d")), canary=False)

    assert payload["parent_id"] == "run"
    assert (payload["digest"], payload["canary"]) == ("d", False)
    assert payload["seen"] == {"retried": 3, "digest": "d"}


def test_what_is_left_of_the_budget_is_never_below_nothing():
    spent = preview(Counted(), budget=BUDGET, retries=5, generation=4)

    assert (spent.retries_left, spent.generations_left) == (0, 0)


def test_nothing_is_told_where_no_record_was_looked_at():
    assert preview(Counted()).lines() == ()


def test_where_nobody_is_retried_only_the_reasons_are_told():
    counts = Counted(selected=3_000, permanent=2_000, other=1, taken={"c": 1, "d": 998})

    assert preview(counts, plan="It counts").lines() == (
        (
            "0 records of 3,000 selected will be tried again, each at the step where "
            "it failed and with the key it had."
        ),
        "2,000 records failed for good and are refused.",
        "1 record did not fail and is left alone.",
        "1 record is in run c already.",
        "998 records are in run d already.",
    )


def test_a_cohort_too_small_for_a_canary_is_released_at_once():
    counts = Counted(selected=1, retried=1)

    assert preview(counts).lines() == (
        (
            "1 record of 1 selected will be tried again, each at the step where it "
            "failed and with the key it had."
        ),
        "All of them are released at once; no canary goes first.",
        (
            "Retry budget: this is retry 1 of 10 of the family, and time 1 of 3 for "
            "these records."
        ),
    )
    assert preview(Counted(retried=116)).stages == (15, 100, 1)


def test_one_stage_after_the_canary_is_told_as_what_comes_then():
    told = preview(Counted(selected=16, retried=16)).lines()

    assert told[1] == (
        "A canary of 15 goes first, then 1; each stage is judged before the next is "
        "released."
    )


@pytest.mark.parametrize(
    ("whose", "counts", "why"),
    [
        (
            parent(is_ended=False),
            SOME,
            (
                "`watchfloor why run` says what it waits for, `watchfloor stop run` "
                "ends it now"
            ),
        ),
        (parent(purged="r-0"), SOME, "run r-0"),
        (parent(under_way="a look-up is under way"), SOME, "a look-up is under way"),
        (parent(), Counted(selected=2_000, permanent=2_000), "2,000 of 2,000"),
        (parent(), Counted(), "nothing is selected"),
        (
            parent(),
            Counted(selected=3, permanent=2, unknown=1),
            "3 selected, 2 permanent, 1 unknown left out",
        ),
        (parent(generation=1), SOME, "taken up 1 times of 1"),
        (parent(retries=2), SOME, "the family has had 2 retries of 2"),
    ],
)
def test_a_declined_retry_says_why_in_particular(whose, counts, why):
    found = refusal_of(whose, counts, BUDGET)

    assert found is not None
    assert found[1] == why


def test_a_refusal_without_particulars_is_explained_all_the_same():
    refused = preview(Counted(), refusal=Refusal.PURGED)

    assert refused.explanation == EXPLANATIONS[Refusal.PURGED]


def test_the_command_carries_everything_that_was_chosen():
    asked = asked_payload(
        preview(Counted(retried=3, digest="d"), with_unknown=True), canary=True
    )

    assert asked == {
        "parent_id": "run",
        "selection": to_payload(Selection()),
        "with_unknown": True,
        "canary": True,
        "digest": "d",
        "seen": {"retried": 3, "digest": "d"},
    }


def test_one_of_the_taken_of_several_groups_adds_up_by_run():
    groups = [group(taken_by="a", records=2), group(taken_by="a", records=3)]

    assert dict(counted(groups, with_unknown=False).taken) == {"a": 5}


def test_an_unknown_that_a_key_protects_may_not_repeat():
    groups = [group(UNKNOWN, AMBIGUOUS, 2), group(may_repeat=True, records=3)]

    assert counted(groups, with_unknown=True).may_repeat == 0
