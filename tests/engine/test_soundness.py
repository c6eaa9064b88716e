from __future__ import annotations

import pytest

from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.engine.soundness import sound

DELIVERED = OutcomeClass.DELIVERED


def outcome(**particulars):
    fields = {"outcome_class": DELIVERED, "code": "ok", **particulars}
    return Outcome(**fields)


def test_a_sound_outcome_is_handed_on_as_it_is():
    given = outcome(detail="fine", provider_id="p-1", retry_after_ms=5, due_at_ms=7)

    assert sound(given) is given


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "delivered",
        outcome(outcome_class=9),
        outcome(code=None),
        outcome(detail=b"bytes"),
        outcome(provider_id=7),
        outcome(run_fault=None),
        outcome(retry_after_ms=None),
        outcome(retry_after_ms=-1),
        outcome(due_at_ms=2**70),
        outcome(due_at_ms="tomorrow"),
        outcome(due_at_ms=float("nan")),
    ],
)
def test_what_cannot_be_stored_is_ambiguous_and_blames_the_channel(odd):
    judged = sound(odd)

    assert judged.outcome_class is OutcomeClass.AMBIGUOUS
    assert judged.code == "channel_error"
    assert judged.run_fault.startswith("the channel fails: ")


def test_half_a_character_is_replaced():
    judged = sound(outcome(detail="a\ud800b", code="\udfff", provider_id="é"))

    assert (judged.detail, judged.code, judged.provider_id) == ("a?b", "?", "é")


def test_texts_are_cut_to_what_a_journey_shows():
    judged = sound(outcome(detail="d" * 9_000, provider_id="p" * 900, code="c" * 90))

    assert len(judged.detail) == 500
    assert len(judged.provider_id) == 200
    assert len(judged.code) == 64
