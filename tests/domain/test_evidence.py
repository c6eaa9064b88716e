from __future__ import annotations

from tests.domain.test_previews import RUNNING

from watchfloor.domain.blocked_by import Situation
from watchfloor.domain.books import Books
from watchfloor.domain.evidence import AttemptSample, AttemptTally, Counters, Evidence
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.runbook import Figure, Finding, Section, Sign
from watchfloor.domain.views import EngineView

DELIVERED, TRANSIENT = OutcomeClass.DELIVERED, OutcomeClass.TRANSIENT
AMBIGUOUS = OutcomeClass.AMBIGUOUS


def tally(outcome, attempts, again=0):
    return AttemptTally(outcome, "x", "call", "@example.org", attempts, again, 0, 0)


SAMPLE = AttemptSample(
    tallies=(
        tally(DELIVERED, 70, 7),
        tally(TRANSIENT, 20, 13),
        tally(AMBIGUOUS, 4, 1),
        tally(None, 1),
    )
)


def test_a_sample_counts_its_attempts_and_those_that_were_not_the_first():
    assert (SAMPLE.attempts, SAMPLE.again) == (95, 21)
    assert (AttemptSample().attempts, AttemptSample().again) == (0, 0)


def test_a_sample_counts_how_its_attempts_ended():
    assert SAMPLE.count(TRANSIENT, AMBIGUOUS) == 24
    assert SAMPLE.count(DELIVERED) == 70
    assert SAMPLE.count() == 0


def evidence(**values):
    return Evidence(
        as_of_ms=9_000,
        engine=EngineView(heartbeat_at_ms=8_500),
        run=RUNNING,
        situation=Situation(
            lifecycle=RUNNING.lifecycle, books=RUNNING.books, engine_alive=True
        ),
        **values,
    )


def test_the_counters_that_were_read_first_are_those_of_the_run():
    assert evidence().counters == Counters(
        at_ms=9_000,
        books=RUNNING.books,
        bytes_read=RUNNING.bytes_read,
        progress_at_ms=RUNNING.progress_at_ms,
        heartbeat_at_ms=8_500,
    )


def test_evidence_is_of_the_moment_of_its_last_reading():
    again = Counters(at_ms=9_700, books=Books())

    assert evidence().now_ms == 9_000
    assert evidence(again=again).now_ms == 9_700


def test_a_finding_asks_nobody_to_act_unless_it_says_so():
    finding = Finding(
        check="books",
        section=Section.HEALTH,
        asks=("1.8",),
        sign=Sign.OK,
        finding="The books balance.",
        figures=(Figure("records", "4,600"),),
    )

    assert (finding.level, finding.next_action, finding.act) == (0, "", "")
    assert (finding.holds, finding.symptoms) == (False, frozenset())
