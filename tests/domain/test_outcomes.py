from __future__ import annotations

from watchfloor.domain.outcomes import Delivery, Dispatch, Outcome, OutcomeClass


def test_the_stored_numbers_and_the_words_of_classes_never_change():
    assert {one.word: int(one) for one in OutcomeClass} == {
        "delivered": 1,
        "transient": 2,
        "permanent": 3,
        "ambiguous": 4,
        "callback": 5,
    }


def test_a_channel_promises_one_of_two_things():
    assert list(Delivery) == ["idempotent", "at_most_once"]


def test_an_outcome_says_no_more_than_it_was_told():
    assert Outcome(outcome_class=OutcomeClass.DELIVERED, code="ok") == Outcome(
        outcome_class=OutcomeClass.DELIVERED,
        code="ok",
        detail="",
        provider_id="",
        retry_after_ms=0,
        due_at_ms=None,
        run_fault="",
    )


def test_a_dispatch_is_a_first_attempt_unless_told_otherwise():
    plain = Dispatch(key="k", contact="+14155552671", fields={})

    assert plain == Dispatch(
        key="k",
        contact="+14155552671",
        fields={},
        number=1,
        run_id="",
        seq=0,
        step="",
    )


def test_what_a_channel_refused_itself_is_no_attempt_only_if_it_blames_the_run():
    transient, permanent = OutcomeClass.TRANSIENT, OutcomeClass.PERMANENT

    def outcome(kind, *, fault="", unsent=True):
        return Outcome(
            outcome_class=kind, code="x", run_fault=fault, is_unsent=unsent
        ).is_no_attempt

    assert outcome(transient, fault="not listed")
    # Taken up again and again, and nobody would see why.
    assert not outcome(transient)
    assert not outcome(permanent, fault="not listed")
    assert not outcome(OutcomeClass.AMBIGUOUS, fault="not listed")
    assert not outcome(transient, fault="401", unsent=False)
