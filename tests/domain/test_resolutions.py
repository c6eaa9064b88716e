from __future__ import annotations

from dataclasses import replace

import pytest
from tests.domain.test_previews import RUNNING

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import Refusal
from watchfloor.domain.outcomes import Delivery, Outcome, OutcomeClass
from watchfloor.domain.records import Circumstances, RecordState
from watchfloor.domain.regions import (
    Gate,
    History,
    Intake,
    Lifecycle,
    Phase,
    RunOutcome,
)
from watchfloor.domain.resolutions import (
    SAID,
    Answers,
    ResolveAs,
    only_unknown,
    preview,
    refusal_of,
    resent,
    settled_as,
    told,
    verdict,
)
from watchfloor.domain.retries import RetryPolicy

LIVE = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
ENDED = replace(
    LIVE,
    phase=Phase.ENDED,
    outcome=RunOutcome.COMPLETED,
    history=History.CREATED,
)
NOT = SAID[ResolveAs.NOT_DELIVERED]


def seen(**choices):
    return Circumstances(
        **{"tries": 1, "first_at_ms": 0, "now_ms": 1_000, "in_doubt": True, **choices}
    )


def previewed(life, resolve_as, **choices):
    usual = {
        "records": 3,
        "others": 0,
        "steps": 1,
        "delivery": Delivery.AT_MOST_ONCE,
        **choices,
    }
    run = replace(RUNNING, lifecycle=life, cause="")
    return preview(run, resolve_as, Selection(), **usual)


@pytest.mark.parametrize("one", OutcomeClass)
def test_only_a_definite_answer_settles(one):
    found = settled_as(Outcome(outcome_class=one, code="x"))

    assert found == {
        OutcomeClass.DELIVERED: ResolveAs.DELIVERED,
        OutcomeClass.TRANSIENT: ResolveAs.NOT_DELIVERED,
        OutcomeClass.PERMANENT: ResolveAs.NOT_DELIVERED,
    }.get(one)


def test_no_answer_settles_nothing():
    assert settled_as(None) is None


def test_delivered_is_delivered_whatever_was_doubted():
    found = verdict(SAID[ResolveAs.DELIVERED], RetryPolicy(), seen())

    assert found.state is RecordState.DELIVERED


def test_not_delivered_is_tried_again_as_long_as_the_policy_lets_it():
    assert verdict(NOT, RetryPolicy(), seen()).state is RecordState.RETRY
    spent = verdict(NOT, RetryPolicy(attempts=1), seen())
    old = verdict(NOT, RetryPolicy(max_age_ms=10), seen())
    ending = verdict(NOT, RetryPolicy(), seen(may_retry=False))
    assert {one.state for one in (spent, old, ending)} == {RecordState.FAILED}


def test_what_is_known_leaves_no_doubt_so_that_it_is_never_unknown_again():
    for outcome in SAID.values():
        for may_retry in (True, False):
            found = verdict(outcome, RetryPolicy(attempts=1), seen(may_retry=may_retry))
            assert found.state is not RecordState.UNKNOWN


def test_a_resend_is_due_at_once():
    assert (resent(7).state, resent(7).next_at_ms) == (RecordState.RETRY, 7)


@pytest.mark.parametrize(
    ("life", "refusal"),
    [
        (LIVE, None),
        (replace(LIVE, phase=Phase.CALLBACK), None),
        (replace(LIVE, gate=Gate.PAUSED), None),
        (replace(LIVE, phase=Phase.STOPPING), Refusal.STOPPING),
        (replace(LIVE, phase=Phase.STOPPED_CALLBACK), Refusal.STOPPING),
        (replace(LIVE, phase=Phase.CANCELLING), Refusal.CANCELLING),
        (ENDED, Refusal.ALREADY_ENDED),
    ],
)
def test_a_resend_needs_a_run_that_still_makes_attempts(life, refusal):
    found = refusal_of(life, "r1", ResolveAs.RESEND)

    assert (found and found[0]) == refusal
    if found:
        assert "watchfloor retry r1 --class unknown --seq N" in found[1]
    for other in (ResolveAs.DELIVERED, ResolveAs.NOT_DELIVERED):
        assert refusal_of(life, "r1", other) is None


def test_a_run_that_is_about_to_fail_resends_nothing():
    found = refusal_of(LIVE, "r1", ResolveAs.RESEND, is_doomed=True)

    assert found is not None


def test_a_preview_tells_the_count_and_what_becomes_of_them():
    shown = previewed(LIVE, ResolveAs.NOT_DELIVERED, steps=2, others=2)

    assert shown.records == 3
    assert shown.lines[0].startswith("3 unknown records become failed for now")
    assert "Failed ones that a later step asks for go on to it." in shown.lines
    assert any("Not touched: 2 more" in line for line in shown.lines)
    assert shown.typed == ""
    assert shown.refusal is None


def test_a_resend_says_whether_it_may_contact_twice_and_wants_typing():
    once = previewed(LIVE, ResolveAs.RESEND)
    honoured = previewed(LIVE, ResolveAs.RESEND, delivery=Delivery.IDEMPOTENT)

    assert "contacted twice" in once.lines[1]
    assert "not contacted again" in honoured.lines[1]
    assert once.typed == once.run_id


def test_what_a_history_holds_stays_and_no_step_is_made_after_the_end():
    shown = previewed(ENDED, ResolveAs.DELIVERED, records=1, steps=2)

    assert shown.lines[0] == "1 unknown record becomes delivered."
    assert "No later step is made: the run is ending or has ended." in shown.lines
    assert any(line.startswith("The run's history stays") for line in shown.lines)


def test_nothing_unknown_is_a_refusal_that_says_so():
    shown = previewed(LIVE, ResolveAs.DELIVERED, records=0)

    assert shown.refusal is Refusal.NOT_UNKNOWN
    assert "none of these records is unknown now" in shown.explanation


def test_a_selection_is_told_in_a_few_words():
    assert told(Selection()) == ""
    assert told(Selection(seqs=frozenset({5, 1, 9, 7}))) == (
        "record 1, record 5, record 7, 1 more"
    )
    assert told(
        Selection(codes=frozenset({"reset"}), origins=frozenset({"x.test"}))
    ) == ("code reset, origin x.test")


def test_a_selection_can_only_mean_unknown_records():
    chosen = Selection(states=frozenset({RecordState.FAILED}), codes=frozenset({"x"}))

    assert only_unknown(chosen).states == {RecordState.UNKNOWN}
    assert only_unknown(chosen).codes == {"x"}


def test_answers_add_up_and_are_told_in_one_line():
    found = Answers(delivered=1).plus(Answers(not_known=2, moved=1))

    assert found.asked == 4
    assert found.words == (
        "asked about 4 records: 1 delivered, 0 not delivered, 2 not known to the "
        "provider either, 0 without an answer, 1 resolved meanwhile"
    )
