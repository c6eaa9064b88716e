from __future__ import annotations

from dataclasses import replace

import pytest

from watchfloor.domain.books import Books
from watchfloor.domain.labels import native
from watchfloor.domain.live import Unknown, UnknownPage
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import (
    Gate,
    History,
    Intake,
    Lifecycle,
    Phase,
    Results,
    RunOutcome,
    Verb,
)
from watchfloor.domain.views import (
    EngineView,
    Journey,
    JourneyEntry,
    RecordView,
    RunView,
)

QUEUED = RunView(
    run_id="261122-1",
    campaign_id="autumn",
    campaign_name="Autumn",
    upload_id="u-1",
    upload_name="people.csv",
    lifecycle=Lifecycle(),
    books=Books(),
    version=1,
    created_at_ms=1_000,
)
RUNNING = replace(
    QUEUED,
    lifecycle=Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True),
    started_at_ms=5_000,
)


@pytest.mark.parametrize(
    ("lifecycle", "books", "label"),
    [
        (Lifecycle(), Books(), "Queued"),
        (Lifecycle(intake=Intake.EXTRACTING), Books(), "Queued + extracting"),
        (RUNNING.lifecycle, Books(records=1, pending=1), "Running"),
        (RUNNING.lifecycle, Books(records=1, waiting=1), "Waiting (external)"),
        (RUNNING.lifecycle, Books(records=2, waiting=1, attempting=1), "Running"),
        (
            replace(RUNNING.lifecycle, gate=Gate.PAUSING, intent=Verb.STOP),
            Books(records=1, attempting=1),
            "Running + pausing + stop requested",
        ),
        (
            Lifecycle(
                phase=Phase.ENDED,
                outcome=RunOutcome.COMPLETED,
                intake=Intake.DONE,
                launched=True,
                results=Results.COLLECTING,
                history=History.CREATING,
            ),
            Books(records=1, delivered=1),
            "Completed + collecting + creating history",
        ),
        (
            Lifecycle(phase=Phase.ENDED, outcome=RunOutcome.CANCELLED),
            Books(),
            "Cancelled before launch",
        ),
    ],
)
def test_a_run_is_labelled_by_its_life_and_what_is_left_of_it(lifecycle, books, label):
    run = replace(RUNNING, lifecycle=lifecycle, books=books)

    assert run.label == label
    assert run.label == native(lifecycle, books.work)


def test_a_run_that_has_not_started_has_no_duration():
    assert QUEUED.duration_ms(9_000) is None


def test_the_duration_of_a_live_run_grows():
    assert RUNNING.duration_ms(5_000) == 0
    assert RUNNING.duration_ms(65_000) == 60_000


def test_the_duration_of_an_ended_run_stays():
    ended = replace(RUNNING, ended_at_ms=8_000)

    assert ended.duration_ms(9_000) == 3_000
    assert ended.duration_ms(9_000_000) == 3_000


def test_a_run_that_ended_in_the_moment_it_started_took_no_time():
    assert replace(RUNNING, ended_at_ms=5_000).duration_ms(9_000) == 0


def test_an_engine_lives_while_its_heartbeat_is_not_older_than_its_patience():
    engine = EngineView(epoch=1, heartbeat_at_ms=10_000, released=False)

    assert engine.is_alive(10_000)
    assert engine.is_alive(15_000)
    assert not engine.is_alive(15_001)
    assert engine.is_alive(15_001, patience_ms=6_000)


def test_a_heartbeat_of_before_the_clock_was_put_back_shows_no_living_engine():
    engine = EngineView(released=False, heartbeat_at_ms=10_000)

    assert engine.is_alive(5_000)
    assert not engine.is_alive(4_999)


def test_an_engine_that_let_go_does_not_live():
    engine = EngineView(epoch=1, heartbeat_at_ms=10_000, released=True)

    assert not engine.is_alive(10_000)


def test_a_workspace_that_never_had_an_engine_has_none():
    assert not EngineView().is_alive(1_000)
    assert not EngineView(released=False).is_alive(1_800_000_000_000)


def test_a_journey_without_its_key_holds_no_half_of_any_step_s():
    half, other = "bbada558d219da3d", "0" * 16
    record = RecordView(
        seq=1, contact="+16155550191", state=RecordState.PENDING, key=half + other
    )
    details = (f"provider id {half}{other}", f"ref {half.upper()}{'F' * 16}!", "busy")
    entries = tuple(
        JourneyEntry(at_ms=1, step="call", event="attempt", detail=one)
        for one in details
    )
    whole = Journey(
        run_id="r", record=record, key=half + other, fields={}, entries=entries
    )

    told = whole.without_key()

    assert half not in repr(told).lower()
    assert [one.detail for one in told.entries] == [
        "provider id kept from viewers",
        "ref kept from viewers!",
        "busy",
    ]


def test_a_journey_of_which_no_key_is_known_loses_no_word():
    record = RecordView(seq=1, contact="+16155550191", state=RecordState.PENDING)
    entry = JourneyEntry(at_ms=1, step="call", event="attempt", detail="busy")
    whole = Journey(run_id="r", record=record, key="", fields={}, entries=(entry,))

    assert whole.without_key() == replace(whole, key="kept from viewers")


def test_unknown_records_of_a_viewer_have_no_keys_and_all_the_rest():
    record = RecordView(
        seq=1, contact="+16155550191", state=RecordState.UNKNOWN, key="ab" * 16
    )
    one = Unknown(run_id="r", campaign_name="Autumn", record=record)
    page = UnknownPage(unknowns=(one, one), after=("r", 1), of=9)

    told = page.without_keys()

    bare = replace(one, record=replace(record, key=""))
    assert told == replace(page, unknowns=(bare, bare))
