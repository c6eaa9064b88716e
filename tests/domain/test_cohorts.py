from __future__ import annotations

import json

import pytest

from watchfloor.domain.cohorts import (
    MOST_NAMED,
    MOST_SHARED,
    Selection,
    from_payload,
    origin_of,
    to_payload,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState

EVERY_PART = Selection(
    states=frozenset({RecordState.FAILED, RecordState.UNKNOWN}),
    classes=frozenset({OutcomeClass.TRANSIENT}),
    codes=frozenset({"busy", "http_503"}),
    steps=frozenset({"call"}),
    origins=frozenset({"example.org", "+49170"}),
    seqs=frozenset({3, 1}),
)


@pytest.mark.parametrize("selection", [Selection(), EVERY_PART])
def test_a_selection_comes_out_of_a_command_as_it_went_in(selection):
    assert from_payload(json.loads(json.dumps(to_payload(selection)))) == selection


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ({"states": ["lost"]}, "no state 'lost'"),
        ({"classes": ["bad"]}, "no class 'bad'"),
        ({"codes": "busy"}, "codes of a selection"),
        ({"steps": [1]}, "steps of a selection"),
        ({"codes": ["busy"] * (MOST_SHARED + 1)}, "at most 100 codes, not 101"),
        ({"steps": ["call"] * (MOST_SHARED + 1)}, "at most 100 steps, not 101"),
        ({"origins": ["+49"] * (MOST_SHARED + 1)}, "at most 100 origins, not 101"),
        ({"seqs": 5}, "at most"),
        ({"seqs": list(range(1, MOST_NAMED + 2))}, "at most"),
        ({"seqs": [True]}, "from 1 on"),
        ({"seqs": [0]}, "from 1 on"),
    ],
)
def test_what_is_no_selection_is_named(payload, named):
    with pytest.raises(ValueError, match=named):
        from_payload(payload)


def test_what_was_accepted_before_there_was_a_limit_can_still_be_read():
    origins = [f"{place}.example" for place in range(MOST_SHARED + 1)]

    assert len(from_payload({"origins": origins}, most=None).origins) == 101


@pytest.mark.parametrize(
    ("contact", "origin"),
    [
        ("ann@Example.ORG", "example.org"),
        ("+491701234567", "+49170"),
        ("+4917", "+4917"),
        ("customer-7", ""),
    ],
)
def test_an_origin_is_what_a_provider_may_fail_as_one(contact, origin):
    assert origin_of(contact) == origin
