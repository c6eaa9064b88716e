from __future__ import annotations

from tests.triage.paper_evidence import a_record, told

from watchfloor.domain.books import Books
from watchfloor.domain.failing import FailureGroup, Failures
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.triage.origins import common_origin, failing_lines, origins_of
from watchfloor.triage.reporting import triage

RETRY = RecordState.RETRY
GROUP = FailureGroup(RETRY, OutcomeClass.TRANSIENT, "http_503", "call", 60, 3)
MOSTLY_ONE = (
    a_record(200, origin="example.net"),
    a_record(40, RETRY, "http_503", origin="example.net"),
    a_record(3, RETRY, "http_503", origin="ann-smith.example"),
    a_record(50, RETRY, "http_503", origin="else.example", step="text"),
)
SICK = told(
    books=Books(extracted=85, records=85, delivered=25, retry=60, attempts=85),
    failures=Failures(groups=(GROUP,), looked_at=60, of=60),
    records=MOSTLY_ONE,
)


def test_the_domains_of_a_group_are_named_but_for_those_of_a_few():
    assert origins_of(SICK, GROUP) == {"example.net": 40}
    [line] = failing_lines(SICK, "fails  ")
    assert line == (
        "fails  transient http_503 at call: 60 retry records; "
        "of 43 looked at, from example.net (40)"
    )


def test_one_place_is_told_where_nearly_all_are_from_it():
    assert common_origin(SICK, GROUP) == "example.net"
    half = (*MOSTLY_ONE, a_record(40, RETRY, "http_503", origin="example.org"))
    assert common_origin(told(records=half), GROUP) == ""
    assert common_origin(told(records=()), GROUP) == ""


def test_the_text_of_a_triage_and_its_sentence_name_the_sick_domain():
    found = triage(SICK)

    assert any(
        line.startswith("Fails      transient http_503") and "example.net (40)" in line
        for line in found.text
    )
    assert found.sentence.endswith("60 of 85 fail: transient http_503 from example.net")
