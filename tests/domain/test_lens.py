from __future__ import annotations

import pytest

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.lens import (
    EVERY,
    MOST_GROUPS,
    Dimension,
    Found,
    LensGroup,
    Tally,
    retry_words,
    why_not,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState

FAILED, UNKNOWN, RETRY = RecordState.FAILED, RecordState.UNKNOWN, RecordState.RETRY
TRANSIENT, PERMANENT = OutcomeClass.TRANSIENT, OutcomeClass.PERMANENT


def found(records=1, **values):
    given = {
        "state": FAILED,
        "outcome_class": TRANSIENT,
        "code": "busy",
        "step": "call",
        "source": "@example.org",
        "records": records,
        "example_seq": 7,
        "first_at_ms": 100,
        "last_at_ms": 200,
    }
    return Found(**{**given, **values})


def lens_of(*ones, by=EVERY, of=0):
    tally = Tally(by)
    tally.add(ones)
    return tally.lens(frozenset(), of)


def test_groups_stand_by_size_and_hold_what_agrees_in_every_dimension():
    lens = lens_of(
        found(2, source="@b.example"),
        found(5, source="@Example.ORG", example_seq=9, first_at_ms=50),
        found(3, source="@example.org", last_at_ms=300),
        found(1, code="reset"),
    )

    largest, second, last = lens.groups
    assert (largest.origin, largest.records) == ("example.org", 8)
    assert (largest.example_seq, largest.first_at_ms) == (9, 50)
    assert largest.last_at_ms == 300
    assert (second.origin, last.code) == ("b.example", "reset")
    assert lens.looked_at == lens.of == 11
    assert lens.is_whole


def test_fewer_dimensions_make_fewer_and_larger_groups():
    ones = (found(2, code="a"), found(3, code="b"), found(4, source="+491701"))

    by_origin = lens_of(*ones, by=(Dimension.ORIGIN,))

    assert [(one.origin, one.records) for one in by_origin.groups] == [
        ("example.org", 5),
        ("+49170", 4),
    ]
    assert all(one.code == one.step == "" for one in by_origin.groups)
    assert all(one.outcome_class is None for one in by_origin.groups)


def test_what_stands_behind_two_ats_is_the_domain_behind_the_last():
    lens = lens_of(found(1, source='@b"@example.org'), found(2))

    assert [one.origin for one in lens.groups] == ["example.org"]


def test_a_group_tells_what_may_become_of_each_of_its_records():
    (group,) = lens_of(
        found(10, retried=4),
        found(5, outcome_class=PERMANENT),
        found(3, state=UNKNOWN, outcome_class=OutcomeClass.AMBIGUOUS),
        found(2, state=RETRY),
        by=(Dimension.ORIGIN,),
    ).groups

    assert group.counts == {
        "records": 20,
        "retryable": 6,
        "retried": 4,
        "permanent": 5,
        "unknown": 3,
        "waiting": 2,
    }


@pytest.mark.parametrize(
    ("group", "why"),
    [
        (LensGroup(retryable=1, refused=9), ""),
        (LensGroup(refused=1), "permanent: never retried"),
        (LensGroup(refused=1, unknown=1), "unknown: resolve first"),
        (LensGroup(waiting=1), "waiting: the run itself tries again"),
        (LensGroup(retried=1), "retried: a child run has them"),
    ],
)
def test_why_nothing_of_a_group_can_be_retried_is_said(group, why):
    assert why_not(group) == why


def test_more_groups_than_anybody_reads_are_counted_and_left_out():
    lens = lens_of(*(found(1, code=f"c{i}") for i in range(MOST_GROUPS + 7)))

    assert len(lens.groups) == MOST_GROUPS
    assert lens.left_out == 7
    assert not lens.is_whole


def test_a_lens_that_did_not_look_at_all_of_it_is_not_whole():
    assert not lens_of(found(5), of=9).is_whole


def test_one_group_is_selected_by_what_it_agrees_in_and_nothing_else():
    lens = lens_of(found(1), by=(Dimension.CODE,))

    assert lens.selection(lens.groups[0]) == Selection(
        states=frozenset((FAILED, UNKNOWN, RETRY)), codes=frozenset(("busy",))
    )


def test_an_empty_code_and_origin_are_something_to_agree_in():
    lens = lens_of(found(1, code="", source=""))

    chosen = lens.selection(lens.groups[0])

    assert (chosen.codes, chosen.origins) == (frozenset(("",)), frozenset(("",)))


def test_groups_that_differ_in_one_thing_are_one_cohort():
    lens = lens_of(found(3, code="a"), found(2, code="b"), found(1, code="c"), of=99)

    chosen = lens.together(lens.groups[:2])

    assert chosen is not None
    assert chosen.codes == {"a", "b"}


def crossed():
    return lens_of(
        found(4, code="a", source="@x.example"),
        found(3, code="b", source="@y.example"),
        found(2, code="a", source="@y.example"),
        found(1, code="z", source="@z.example"),
    )


def test_groups_whose_common_traits_hold_of_another_are_no_one_cohort():
    lens = crossed()

    assert lens.together(lens.groups[:2]) is None
    assert [one.key[1:3] for one in lens.beside(lens.groups[:2])] == [
        ("a", "y.example")
    ]
    assert lens.together(lens.groups[:3]) is not None


def test_groups_far_apart_are_one_cohort_only_where_every_group_is_known():
    ones = (found(2, code="a", source="@x.org"), found(1, code="b", source="@y.org"))

    assert lens_of(*ones).together(lens_of(*ones).groups) is not None
    assert lens_of(*ones, of=50).together(lens_of(*ones).groups) is None


def test_the_words_for_a_shell_are_quoted_and_name_no_state():
    chosen = Selection(
        states=frozenset((FAILED,)),
        classes=frozenset((TRANSIENT,)),
        codes=frozenset(("it's", "")),
        origins=frozenset(("example.org",)),
    )

    assert retry_words("run-1", chosen) == (
        "watchfloor retry run-1 --class transient --code '' "
        "--code 'it'\"'\"'s' --origin example.org"
    )


def test_what_a_live_run_may_retry_is_not_offered_before_its_end():
    group = LensGroup(retryable=3)

    assert why_not(group) == ""
    assert why_not(group, is_ended=False) == "not yet: once the run has ended"


def test_a_group_is_called_by_what_its_records_have_in_common():
    group = LensGroup(
        outcome_class=TRANSIENT, code="busy", origin="@example.org", step="call"
    )

    assert group.words == "transient · busy · @example.org · call"
    assert group.key == ("transient", "busy", "@example.org", "call")
    assert LensGroup(step="call").words == "call"
    assert (LensGroup().words, LensGroup().key) == ("all of them", ("", "", "", ""))


def test_a_group_counts_every_fate_under_its_name():
    group = LensGroup(retryable=1, retried=20, refused=300, unknown=4_000, waiting=5)

    assert group.counts == {
        "records": 4_326,
        "retryable": 1,
        "retried": 20,
        "permanent": 300,
        "unknown": 4_000,
        "waiting": 5,
    }


@pytest.mark.parametrize(
    ("by", "told"),
    [
        (Dimension.CLASS, ("transient", "", "", "")),
        (Dimension.CODE, ("", "busy", "", "")),
        (Dimension.ORIGIN, ("", "", "example.org", "")),
        (Dimension.STEP, ("", "", "", "call")),
    ],
)
def test_a_lens_tells_what_was_asked_for_and_nothing_else(by, told):
    lens = lens_of(found(), by=(by,))

    (group,) = lens.groups
    assert group.key == told
    chosen = lens.selection(group)
    assert [
        {one.word for one in chosen.classes},
        chosen.codes,
        chosen.origins,
        chosen.steps,
    ] == [{part} if part else set() for part in told]


def test_slices_add_up_in_every_fate_and_keep_what_was_looked_at():
    tally = Tally((Dimension.STEP,))
    for _ in range(3):
        tally.add(
            [
                found(2, retried=1),
                found(3, outcome_class=PERMANENT),
                found(5, state=UNKNOWN),
                found(7, state=RETRY),
            ]
        )
    lens = tally.lens(frozenset((UNKNOWN, FAILED)), 90)

    (group,) = lens.groups
    assert list(group.counts.values()) == [51, 3, 3, 9, 15, 21]
    assert (lens.looked_at, lens.of, lens.is_whole) == (51, 90, False)
    assert lens.states == {UNKNOWN, FAILED}
    assert lens.selection(group).states == {UNKNOWN, FAILED}


def test_a_step_is_named_to_a_shell_too():
    chosen = Selection(states=frozenset((FAILED,)), steps=frozenset(("mail", "call")))

    assert retry_words("run-1", chosen) == (
        "watchfloor retry run-1 --step call --step mail"
    )
