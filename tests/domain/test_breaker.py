from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.breaker import PROBES, Breaker, breaker_named
from watchfloor.domain.outcomes import OutcomeClass

DELIVERED = (OutcomeClass.DELIVERED, "http_200")
PERMANENT = (OutcomeClass.PERMANENT, "http_404")
CALLBACK = (OutcomeClass.CALLBACK, "later")
DOWN = (OutcomeClass.TRANSIENT, "http_503")
LOST = (OutcomeClass.AMBIGUOUS, "timeout")
BUSY = (OutcomeClass.TRANSIENT, "busy")


def breaker():
    return Breaker("webhook 127.0.0.1:8080")


def test_so_many_in_a_row_without_an_answer_open_it_with_the_evidence():
    one = breaker()
    states = [one.is_open]
    assert one.noted([LOST] * 99, 100) == ""
    states.append(one.is_open)

    told = one.noted([DOWN], 100)

    assert [*states, one.is_open] == [False, False, True]
    assert told == (
        "the breaker of webhook 127.0.0.1:8080 opened: 100 attempts in a row failed "
        "at the provider, last http_503; check the provider, then resume"
    )


def test_any_answer_begins_the_row_anew():
    for answer in (DELIVERED, PERMANENT, CALLBACK):
        one = breaker()
        one.noted([DOWN] * 9, 10)

        assert one.noted([answer, DOWN], 10) == ""
        assert one.in_a_row == 1


def test_an_answer_at_the_end_of_a_batch_is_what_counts():
    assert breaker().noted([DOWN] * 50 + [DELIVERED], 10) == ""


def test_codes_that_tell_of_the_recipient_are_answers():
    one = breaker()

    assert one.noted([BUSY] * 100, 10, answers={"busy"}) == ""
    assert one.in_a_row == 0
    assert one.noted([BUSY] * 10, 10) != ""


def test_a_run_without_a_breaker_counts_for_the_others():
    one = breaker()

    assert one.noted([DOWN] * 500, 0) == ""
    assert not one.is_open
    assert "opened: 501 attempts" in one.noted([DOWN], 100)


def test_while_it_is_open_a_run_that_began_since_is_told_at_once():
    one = breaker()
    one.noted([DOWN] * 10, 10)

    assert one.noted([LOST], 10).endswith(
        "11 attempts in a row failed at the provider, last timeout; "
        "check the provider, then resume"
    )
    assert one.noted([], 10) == ""


def test_after_a_resume_a_few_attempts_decide_anew():
    one = breaker()
    one.noted([DOWN] * 100, 100)
    one.resumed()

    assert one.noted([DOWN] * (PROBES - 1), 100) == ""
    assert one.noted([DOWN], 100) != ""
    assert one.is_open


def test_after_a_resume_one_answer_closes_it():
    one = breaker()
    one.noted([DOWN] * 100, 100)
    one.resumed()

    assert one.noted([DELIVERED, *[DOWN] * 99], 100) == ""
    assert one.noted([DOWN], 100) != ""


def test_a_breaker_of_fewer_than_the_probes_stays_as_strict():
    one = breaker()
    one.noted([DOWN] * 2, 2)
    one.resumed()

    assert one.noted([DOWN], 2) == ""
    assert one.noted([DOWN], 2) != ""


def test_an_answer_to_what_was_in_flight_closes_it():
    one = breaker()
    one.noted([DOWN] * 10, 10)

    assert one.noted([DELIVERED], 10) == ""

    assert not one.is_open
    assert one.noted([DOWN] * 9, 10) == ""


def test_a_resume_of_a_closed_breaker_changes_nothing():
    one = breaker()
    one.noted([DOWN] * 9, 10)

    one.resumed()

    assert one.noted([DOWN], 10) != ""


@given(
    st.lists(st.lists(st.sampled_from([DELIVERED, DOWN, LOST, PERMANENT]), max_size=9)),
    st.integers(1, 12),
)
def test_the_row_is_counted_alike_however_it_is_cut_into_batches(batches, after):
    one, row = breaker(), 0
    for batch in batches:
        for outcome in batch:
            row = row + 1 if outcome in (DOWN, LOST) else 0

        told = one.noted(batch, after)

        assert one.in_a_row == row
        if told:
            assert one.is_open
            assert f": {row} attempts" in told
        if batch and row >= after:
            assert told
        if not row:
            assert not one.is_open


def test_a_pause_is_a_breakers_only_if_the_engine_says_so_in_its_words():
    told = breaker().noted([DOWN] * 3, 3)

    assert breaker_named("engine", told)
    assert not breaker_named("nora", told)
    assert not breaker_named("engine", f"lunch, and {told}")


def test_a_half_open_breaker_that_got_an_answer_opens_by_the_whole_row_again():
    one = breaker()
    one.noted([DOWN] * 9, 9)
    one.resumed()

    assert one.noted([DELIVERED], 9) == ""
    assert one.noted([DOWN] * (9 - 1), 9) == ""
    assert one.noted([DOWN], 9) != ""
