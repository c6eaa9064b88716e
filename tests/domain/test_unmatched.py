from __future__ import annotations

import pytest

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.lens import Lens, LensGroup
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.unmatched import unmatched

LENS = Lens(
    groups=(
        LensGroup(
            outcome_class=OutcomeClass.TRANSIENT, code="busy", step="call", retryable=2
        ),
        LensGroup(
            outcome_class=OutcomeClass.PERMANENT, code="gone", step="text", refused=1
        ),
    )
)


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (
            Selection(codes=frozenset({"busi", "busy"})),
            "--code busi is of no failed record here; there is: busy, gone",
        ),
        (
            Selection(steps=frozenset({"mail"})),
            "--step mail is of no failed record here; there is: call, text",
        ),
        (
            Selection(origins=frozenset({"a.example"})),
            "--origin a.example is of no failed record here; there is: none",
        ),
        (
            Selection(states=frozenset({RecordState.UNKNOWN})),
            (
                "--class unknown is of no failed record here; there is: permanent, "
                "transient"
            ),
        ),
        (
            Selection(seqs=frozenset({9})),
            "--seq 9: no such record, or the rest leaves it out",
        ),
        (
            Selection(codes=frozenset({"busy"}), steps=frozenset({"text"})),
            "each of these is there, but no record has all of them",
        ),
    ],
)
def test_what_selects_nothing_is_named_beside_what_there_is(selection, said):
    assert unmatched(selection, LENS) == (said,)


def test_of_very_many_codes_some_are_named_and_the_rest_counted():
    groups = tuple(LensGroup(code=f"c{n:02}", retryable=1) for n in range(11))
    (said,) = unmatched(Selection(codes=frozenset({"x"})), Lens(groups=groups))

    assert said.endswith("c06, c07 and 3 more")


def test_everything_that_is_missing_is_named_sorted_each_in_its_sentence():
    selection = Selection(
        classes=frozenset({OutcomeClass.AMBIGUOUS, OutcomeClass.TRANSIENT}),
        codes=frozenset({"reset", "lost"}),
        seqs=frozenset({9}),
    )

    assert unmatched(selection, LENS) == (
        (
            f"--class {OutcomeClass.AMBIGUOUS.word} is of no failed record here; there "
            "is: permanent, transient"
        ),
        "--code lost, reset is of no failed record here; there is: busy, gone",
    )


def test_of_very_many_records_the_first_are_named():
    (said,) = unmatched(Selection(seqs=frozenset(range(1, 30))), LENS)

    assert said.startswith("--seq 1, 2, 3, 4, 5, 6, 7, 8: no such record")


def test_eight_codes_are_all_named():
    groups = tuple(LensGroup(code=f"c{n:02}", retryable=1) for n in range(8))
    (said,) = unmatched(Selection(codes=frozenset({"x"})), Lens(groups=groups))

    assert said.endswith("c06, c07")


def test_an_unknown_that_is_there_is_not_missing():
    lens = Lens(groups=(LensGroup(code="reset", unknown=1),))
    wanted = Selection(
        states=frozenset({RecordState.UNKNOWN, RecordState.FAILED}),
        codes=frozenset({"reset"}),
    )

    assert unmatched(wanted, lens) == (
        "each of these is there, but no record has all of them",
    )
