from __future__ import annotations

from dataclasses import replace

import pytest
from tests.domain.test_previews import RUNNING

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import EXPLANATIONS, Refusal
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
    TakenUp,
    elsewhere,
    only_unknown,
    preview,
    refusal_of,
    resent,
    settled_as,
    told,
    verdict,
    withdrawal_of,
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


def test_a_preview_carries_what_it_is_of():
    shown = previewed(LIVE, ResolveAs.DELIVERED, others=1)

    assert (shown.run_id, shown.campaign_name) == (
        RUNNING.run_id,
        RUNNING.campaign_name,
    )
    assert (shown.label, shown.resolve_as) == ("Running", ResolveAs.DELIVERED)
    assert (shown.selection, shown.records, shown.others) == (Selection(), 3, 1)
    assert (shown.refusal, shown.why, shown.explanation) == (None, "", "")


FOR_GOOD = "This is said for good: a resolution cannot be taken back."
STAYS = "The run's history stays as it was written; this is added to it."


@pytest.mark.parametrize(
    ("life", "resolve_as", "choices", "lines"),
    [
        (
            LIVE,
            ResolveAs.DELIVERED,
            {"records": 3_000},
            ["3,000 unknown records become delivered."],
        ),
        (
            LIVE,
            ResolveAs.DELIVERED,
            {"steps": 2, "others": 1},
            [
                "3 unknown records become delivered.",
                "Those that a later step asks for go on to it.",
                (
                    "Not touched: 1 more of those selected is not unknown and stays as "
                    "it is."
                ),
            ],
        ),
        (
            LIVE,
            ResolveAs.NOT_DELIVERED,
            {"records": 1, "others": 2_000},
            [
                (
                    "1 unknown record becomes failed for now, as after any transient "
                    "failure."
                ),
                (
                    "Where the campaign still allows it, they are tried again with the "
                    "same key; the others are failed."
                ),
                (
                    "Not touched: 2,000 more of those selected are not unknown and "
                    "stay as they are."
                ),
            ],
        ),
        (
            ENDED,
            ResolveAs.NOT_DELIVERED,
            {"steps": 2},
            [
                "3 unknown records become failed, which can be retried.",
                (
                    "Nobody is contacted by this; later: watchfloor retry "
                    f"{RUNNING.run_id}"
                ),
                STAYS,
            ],
        ),
        (
            LIVE,
            ResolveAs.RESEND,
            {"records": 1},
            [
                (
                    "1 unknown record is attempted once more, with the same key, as "
                    "soon as the run's gate, permits and windows allow."
                ),
                (
                    "The channel does not honour keys: whoever was reached already is "
                    "contacted twice."
                ),
                (
                    "Whomever the provider reports as reached before that attempt goes "
                    "out is not contacted again, but unknown again."
                ),
            ],
        ),
        (
            LIVE,
            ResolveAs.RESEND,
            {"delivery": Delivery.IDEMPOTENT},
            [
                (
                    "3 unknown records are attempted once more, with the same key, as "
                    "soon as the run's gate, permits and windows allow."
                ),
                (
                    "The provider is said to honour the key: whoever was reached "
                    "already is not contacted again."
                ),
            ],
        ),
    ],
)
def test_what_becomes_of_them_is_told_word_for_word(life, resolve_as, choices, lines):
    shown = previewed(life, resolve_as, **choices)

    assert list(shown.lines) == [*lines, FOR_GOOD]


def test_a_resend_in_an_ended_run_is_refused_with_what_can_be_done_instead():
    shown = previewed(ENDED, ResolveAs.RESEND)

    assert shown.refusal is Refusal.ALREADY_ENDED
    assert shown.why == (
        "an ended run makes no attempts; a child run does, with the same key: "
        f"watchfloor retry {RUNNING.run_id} --class unknown --seq N"
    )
    assert shown.explanation == f"{EXPLANATIONS[shown.refusal]} ({shown.why})"


def test_a_resend_in_a_run_that_ends_waits_for_its_end():
    assert refusal_of(replace(LIVE, phase=Phase.STOPPING), "r1", ResolveAs.RESEND) == (
        Refusal.STOPPING,
        (
            "it makes no new attempts; once it has ended: watchfloor retry r1 --class "
            "unknown --seq N"
        ),
    )


def test_a_run_that_is_about_to_fail_takes_no_resend_and_its_preview_says_so():
    run = replace(RUNNING, lifecycle=LIVE, cause="the token is missing")
    shown = preview(
        run,
        ResolveAs.RESEND,
        Selection(),
        records=1,
        others=0,
        steps=1,
        delivery=Delivery.AT_MOST_ONCE,
    )

    assert shown.refusal is Refusal.STOPPING


TAKEN = {
    "r-2": TakenUp(records=3_000, unknown=1_000, unsent=1_500),
    "r-3": TakenUp(records=3, unknown=1, unsent=1),
    "r-4": TakenUp(records=0),
}
ELSEWHERE = (
    "1,000 are in run r-2: resolve them there",
    (
        "1,500 wait in run r-2, not sent yet: stop or cancel that run first, then "
        "resolve them here"
    ),
    "500 were attempted again by run r-2: what comes of them stands there",
    "1 is in run r-3: resolve it there",
    (
        "1 waits in run r-3, not sent yet: stop or cancel that run first, then resolve "
        "it here"
    ),
    "1 was attempted again by run r-3: what comes of it stands there",
)


def test_what_retries_have_taken_up_is_told_with_where_its_word_is_given():
    assert elsewhere(TAKEN) == ELSEWHERE
    assert elsewhere({}) == ()


def test_a_preview_tells_what_more_is_unknown_elsewhere():
    shown = previewed(LIVE, ResolveAs.DELIVERED, taken=TAKEN)
    told_more = shown.lines[1:-1]

    assert told_more[0] == "1,000 more are in run r-2: resolve them there."
    assert told_more[-1] == (
        "1 more was attempted again by run r-3: what comes of it stands there."
    )
    assert len(told_more) == 6


def test_where_all_of_it_is_elsewhere_the_refusal_says_where():
    shown = previewed(LIVE, ResolveAs.DELIVERED, records=0, taken=TAKEN)

    assert shown.refusal is Refusal.NOT_UNKNOWN
    assert shown.why == "; ".join(ELSEWHERE)


def test_a_look_up_that_nobody_wants_any_more_is_withdrawn_by_a_verb():
    assert withdrawal_of("r1") == ("watchfloor look-up r1 --withdraw --reason TEXT")


def test_a_resent_record_says_on_whose_word():
    assert resent(7).why == "resent on a person's word"


def test_every_part_of_a_selection_is_told_in_its_order():
    chosen = Selection(
        seqs=frozenset({1_234}),
        classes=frozenset({OutcomeClass.TRANSIENT, OutcomeClass.AMBIGUOUS}),
        codes=frozenset({"reset", "busy"}),
        steps=frozenset({"text", "call"}),
        origins=frozenset({"x.test", "a.test"}),
    )
    first, second = sorted(chosen.classes)

    assert told(chosen) == (
        f"record 1,234, class {first.word}, class {second.word}, code busy, code "
        "reset, step call, step text, origin a.test, origin x.test"
    )
    many = replace(chosen, seqs=frozenset(range(1, 2_005)), classes=frozenset())
    assert told(many).startswith("record 1, record 2, record 3, 2,001 more, code busy")
    three = Selection(seqs=frozenset({1, 2, 3}))
    assert told(three) == "record 1, record 2, record 3"


def test_answers_without_a_meanwhile_are_told_in_thousands():
    found = Answers(delivered=1_000, not_delivered=2_000, unanswered=3_000)

    assert found.plus(found).words == (
        "asked about 12,000 records: 2,000 delivered, 4,000 not delivered, 0 not known "
        "to the provider either, 6,000 without an answer"
    )
    assert Answers(not_known=1).words.startswith("asked about 1 record: ")


def test_what_is_known_of_one_attempt_is_known_of_all_of_them():
    ambiguous = Outcome(outcome_class=OutcomeClass.AMBIGUOUS, code="reset")
    found = verdict(ambiguous, RetryPolicy(), seen())

    assert found.state is RecordState.RETRY
