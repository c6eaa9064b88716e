from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.books import Books
from watchfloor.domain.errors import EXPLANATIONS, Refusal, RefusedError
from watchfloor.domain.lifecycle import refusal
from watchfloor.domain.previews import (
    DOUBTS_COUNTED,
    Seen,
    check_drift,
    in_doubt,
    is_no_worse,
    preview,
    seen,
    seen_of,
)
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import (
    Gate,
    Intake,
    Lifecycle,
    Phase,
    RunOutcome,
    Verb,
)
from watchfloor.domain.views import RecordView, RunView

#: 1,400 records to attempt, 20 in flight, 12 promised, 8 waiting outside, 3,160 done.
BOOKS = Books(
    extracted=5_000,
    invalid=400,
    records=4_600,
    pending=1_000,
    claimed=40,
    attempting=20,
    retry=360,
    callback=12,
    waiting=8,
    delivered=3_000,
    failed=150,
    unknown=10,
    attempts=3_600,
)
STAYS = (
    "3,160 records already finished and stay so "
    "(3,000 delivered, 150 failed, 10 unknown)."
)
RUNNING = RunView(
    run_id="261122-090000-k3f9",
    campaign_id="autumn",
    campaign_name="Autumn reminder",
    upload_id="u-1",
    upload_name="people.csv",
    lifecycle=Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True),
    books=BOOKS,
    version=7,
    created_at_ms=1_000,
    launch_id="L-77",
)
PAUSED = replace(
    RUNNING,
    lifecycle=replace(RUNNING.lifecycle, gate=Gate.PAUSED),
    books=replace(BOOKS, attempting=0, pending=1_020),
)
STOPPED = replace(
    RUNNING,
    lifecycle=replace(RUNNING.lifecycle, phase=Phase.STOPPED_CALLBACK, stops=1),
    books=replace(BOOKS, pending=0, claimed=0, attempting=0, retry=0, waiting=0),
)
QUEUED = replace(
    RUNNING,
    lifecycle=Lifecycle(intake=Intake.EXTRACTING),
    books=Books(extracted=900, records=900, pending=900),
    launch_id=None,
)

counts = st.integers(0, 1_000_000)


def lines(run, verb):
    return list(preview(run, verb).lines)


def counted(run, **changes):
    """Return the run with other counts; its lifecycle and version stay."""
    return replace(run, books=replace(run.books, **changes))


def refused(verb, then, run):
    with pytest.raises(RefusedError) as caught:
        check_drift(verb, then, run)
    return caught.value


def test_a_command_carries_the_figures_that_were_on_the_screen():
    assert seen(RUNNING) == Seen(
        version=7, launched=True, untouched=1_408, in_flight=20, callbacks=12
    )
    assert preview(RUNNING, Verb.STOP).seen == seen(RUNNING)
    assert seen(QUEUED).launched is False


def test_a_preview_names_its_run():
    wanted = preview(PAUSED, Verb.CANCEL)

    assert wanted.verb is Verb.CANCEL
    assert wanted.run_id == "261122-090000-k3f9"
    assert wanted.campaign_name == "Autumn reminder"
    assert wanted.label == "Running + paused"


def test_a_pause_says_what_stops_and_what_goes_on():
    assert lines(RUNNING, Verb.PAUSE) == [
        "No attempt will start after the pause is acknowledged.",
        "20 attempts in flight are not recalled; the outcome is still stored.",
        "Records that wait for the resume: 1,400.",
    ]


def test_what_is_taken_up_beyond_the_permits_is_told_apart():
    ahead = replace(RUNNING, permits=12)
    flying = "12 attempts in flight are not recalled; the outcome is still stored."
    taken = "8 more were taken up; what is not sent yet is taken back unsent and "

    assert lines(ahead, Verb.STOP)[1:3] == [flying, f"{taken}will never be attempted."]
    assert lines(ahead, Verb.PAUSE)[1:3] == [flying, f"{taken}waits for the resume."]
    assert f"{taken}will never be attempted." in lines(ahead, Verb.CANCEL)
    one = replace(RUNNING, permits=19)
    assert lines(one, Verb.STOP)[2].startswith("1 more was taken up; ")
    assert seen(ahead) == seen(RUNNING)


def test_a_drifted_command_is_told_what_is_taken_up_beyond_the_permits():
    then = replace(RUNNING, permits=12)
    error = refused(Verb.STOP, seen(then), counted(then, pending=2_000))

    assert error.detail.endswith("12 in flight, 8 more taken up")


def test_what_was_taken_up_and_taken_back_is_no_drift_and_more_is():
    then = replace(RUNNING, permits=12)

    check_drift(Verb.STOP, seen(then), counted(then, attempting=12, pending=1_008))
    more = counted(then, attempting=24, pending=1_000)
    assert refused(Verb.STOP, seen(then), more).refusal is Refusal.DRIFTED


def test_a_resume_says_how_many_it_goes_on_with():
    assert lines(PAUSED, Verb.RESUME) == [
        "The run goes on with 1,420 records not finished yet.",
        "Nothing bursts: the pace starts anew.",
    ]


def test_the_first_stop_keeps_the_promises():
    assert lines(RUNNING, Verb.STOP) == [
        "1,408 records will never be attempted.",
        "20 attempts in flight are not recalled; the outcome is still stored.",
        "Promised callbacks: 12; they are kept; a second stop drops them.",
        STAYS,
        "This cannot be undone.",
    ]


def test_the_second_stop_drops_the_promises():
    assert lines(STOPPED, Verb.STOP) == [
        "0 records will never be attempted.",
        "Nothing is in flight.",
        "Promised callbacks: 12; they are dropped for good.",
        STAYS,
        "This cannot be undone.",
    ]


def test_a_cancel_of_a_paused_run_drops_everything_unsent():
    assert lines(PAUSED, Verb.CANCEL) == [
        "1,428 records will never be attempted.",
        "Promised callbacks: 12; they will be dropped.",
        "Nothing is in flight.",
        STAYS,
        "This cannot be undone.",
    ]


def test_a_cancel_of_a_running_run_says_that_it_must_be_paused_first():
    assert lines(RUNNING, Verb.CANCEL)[0] == (
        "1,408 records will never be attempted (the run must be paused first)."
    )


@pytest.mark.parametrize(
    ("verb", "ends_as"), [(Verb.STOP, "stopped"), (Verb.CANCEL, "cancelled")]
)
def test_before_the_launch_nobody_is_contacted(verb, ends_as):
    assert lines(QUEUED, verb) == [
        "The run is not launched: nobody was contacted and nobody will be.",
        "900 records extracted so far will not be attempted.",
        f"The run ends as {ends_as}; this cannot be undone.",
    ]


def test_one_of_a_kind_is_spoken_of_as_one():
    one = replace(
        RUNNING,
        books=Books(
            extracted=3, records=3, pending=1, attempting=1, delivered=1, attempts=2
        ),
    )

    assert lines(one, Verb.STOP) == [
        "1 record will never be attempted.",
        "1 attempt in flight is not recalled; the outcome is still stored.",
        "No callback is promised.",
        "1 record already finished and stays so (1 delivered, 0 failed, 0 unknown).",
        "This cannot be undone.",
    ]
    assert (
        lines(one, Verb.RESUME)[0] == "The run goes on with 1 record not finished yet."
    )


@given(
    st.builds(
        Books,
        pending=counts,
        claimed=counts,
        attempting=counts,
        retry=counts,
        callback=counts,
        waiting=counts,
        delivered=counts,
        failed=counts,
        unknown=counts,
    )
)
def test_a_stop_accounts_for_every_record_that_is_left(books):
    told = preview(replace(RUNNING, books=books), Verb.STOP).seen

    assert told.untouched + told.in_flight + told.callbacks == books.remaining


def test_only_a_cancel_must_be_typed():
    typed = {verb: preview(PAUSED, verb).typed for verb in Verb}

    assert typed == {
        Verb.RESUME: "",
        Verb.PAUSE: "",
        Verb.STOP: "",
        Verb.CANCEL: PAUSED.run_id,
    }


@pytest.mark.parametrize(
    ("run", "verb", "name"),
    [
        (RUNNING, Verb.RESUME, Refusal.NOT_PAUSED),
        (PAUSED, Verb.PAUSE, Refusal.ALREADY_PAUSED),
        (RUNNING, Verb.CANCEL, Refusal.NEEDS_PAUSE),
        (RUNNING, Verb.STOP, None),
        (QUEUED, Verb.CANCEL, None),
    ],
)
def test_a_preview_says_beforehand_what_would_be_refused(run, verb, name):
    wanted = preview(run, verb)

    assert wanted.refusal is name
    assert wanted.explanation == ("" if name is None else EXPLANATIONS[name])


@pytest.mark.parametrize("verb", Verb)
def test_in_every_configuration_every_verb_has_a_preview(graph, verb):
    for run, work in graph.configurations:
        books = Books(
            pending=work.eligible,
            attempting=work.in_flight,
            callback=work.callbacks,
            waiting=work.waiting,
        )
        wanted = preview(replace(RUNNING, lifecycle=run, books=books), verb)

        assert wanted.refusal is refusal(run, verb)
        assert wanted.lines
        assert all(line.endswith(".") for line in wanted.lines)


@pytest.mark.parametrize("verb", [Verb.PAUSE, Verb.RESUME])
def test_a_pause_and_a_resume_never_drift(verb):
    other = replace(counted(RUNNING, pending=9_999, callback=0), version=99)

    check_drift(verb, seen(RUNNING), other)


@pytest.mark.parametrize("run", [RUNNING, PAUSED, STOPPED, QUEUED])
@pytest.mark.parametrize("verb", Verb)
def test_what_did_not_change_did_not_drift(verb, run):
    check_drift(verb, seen(run), run)


def test_a_running_run_may_go_on_before_its_stop():
    later = counted(
        RUNNING, pending=100, claimed=0, attempting=5, delivered=3_955, callback=40
    )

    check_drift(Verb.STOP, seen(RUNNING), later)


def test_intents_that_are_taken_back_unsent_are_no_drift():
    later = counted(RUNNING, attempting=0, pending=1_020)

    assert seen(later).untouched > seen(RUNNING).untouched
    check_drift(Verb.STOP, seen(RUNNING), later)


@pytest.mark.parametrize(
    "more", [{"pending": 1_001}, {"retry": 361}, {"waiting": 9}, {"attempting": 21}]
)
def test_a_stop_that_would_drop_more_than_was_shown_is_refused(more):
    error = refused(Verb.STOP, seen(RUNNING), counted(RUNNING, **more))

    assert error.refusal is Refusal.DRIFTED


def test_a_drifted_command_is_told_the_new_figures():
    later = counted(RUNNING, pending=2_000, callback=1)
    error = refused(Verb.STOP, seen(RUNNING), later)

    assert error.detail == (
        "now Running: 2,408 records not attempted, 1 callback promised, 20 in flight"
    )
    assert error.detail in str(error)


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.CANCEL])
def test_a_lifecycle_that_changed_is_a_drift_whatever_the_counts(verb):
    error = refused(verb, seen(PAUSED), replace(PAUSED, version=8))

    assert error.refusal is Refusal.DRIFTED


@pytest.mark.parametrize("callback", [0, 11, 13])
def test_a_second_stop_with_other_callbacks_is_refused(callback):
    error = refused(Verb.STOP, seen(STOPPED), counted(STOPPED, callback=callback))

    assert error.refusal is Refusal.DRIFTED


@pytest.mark.parametrize(
    "other",
    [
        {"callback": 11},
        {"callback": 13},
        {"pending": 1_019},
        {"pending": 1_021},
        {"waiting": 7},
    ],
)
def test_a_cancel_of_a_paused_run_must_find_the_very_figures(other):
    error = refused(Verb.CANCEL, seen(PAUSED), counted(PAUSED, **other))

    assert error.refusal is Refusal.DRIFTED


def test_records_that_only_change_their_kind_of_waiting_are_no_drift_for_a_cancel():
    check_drift(Verb.CANCEL, seen(PAUSED), counted(PAUSED, pending=1_010, retry=370))


def test_an_extraction_cancel_does_not_mind_the_counts():
    later = replace(counted(QUEUED, pending=4_600), version=9)

    check_drift(Verb.CANCEL, seen(QUEUED), later)
    check_drift(Verb.STOP, seen(QUEUED), later)


@pytest.mark.parametrize("version", [7, 8])
def test_an_extraction_cancel_that_came_too_late_names_the_launch(version):
    error = refused(Verb.CANCEL, seen(QUEUED), replace(RUNNING, version=version))

    assert error.refusal is Refusal.LAUNCHED_AT
    assert error.detail == "launch id L-77"
    assert "pause it" in str(error)


def test_a_stop_of_a_queued_run_that_was_launched_meanwhile_has_drifted():
    error = refused(Verb.STOP, seen(QUEUED), replace(RUNNING, version=8))

    assert error.refusal is Refusal.DRIFTED


def test_a_run_that_ended_meanwhile_has_drifted():
    ended = replace(
        RUNNING,
        version=8,
        lifecycle=replace(
            RUNNING.lifecycle, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED
        ),
    )

    assert refused(Verb.STOP, seen(RUNNING), ended).refusal is Refusal.DRIFTED


@given(counts, counts, counts, counts)
def test_a_stop_is_taken_exactly_while_it_harms_no_more_than_was_agreed(
    pending, attempting, now_pending, now_attempting
):
    then = seen(counted(RUNNING, pending=pending, attempting=attempting))
    now = counted(RUNNING, pending=now_pending, attempting=now_attempting)

    if now_pending + now_attempting <= pending + attempting:
        check_drift(Verb.STOP, then, now)
    else:
        assert refused(Verb.STOP, then, now).refusal is Refusal.DRIFTED


def test_an_end_tells_how_many_retries_may_have_arrived():
    told = preview(RUNNING, Verb.STOP, doubtful=62).lines
    assert told[1] == (
        "Of these 62 records may have been reached by an earlier attempt: "
        "end as unknown."
    )
    one = preview(RUNNING, Verb.CANCEL, doubtful=1).lines
    assert "1 record may have been reached" in one[1]
    assert "ends as unknown" in one[1]
    many = preview(RUNNING, Verb.STOP, doubtful=DOUBTS_COUNTED).lines
    assert "at least 20,000 records" in many[1]
    assert not any("unknown." in line for line in preview(RUNNING, Verb.STOP).lines[:2])


@given(
    done=st.integers(0, 900), callbacks=st.integers(0, 3), verb=st.sampled_from(Verb)
)
def test_a_command_that_waited_goes_out_only_where_nobody_is_harmed_more(
    done, callbacks, verb
):
    then = preview(RUNNING, verb)
    books = replace(
        BOOKS,
        pending=BOOKS.pending - done,
        delivered=BOOKS.delivered + done,
        callback=BOOKS.callback + callbacks,
    )
    now = preview(replace(RUNNING, books=books, version=RUNNING.version + 4), verb)

    is_same = not done and not callbacks
    if now.refusal is not None:
        assert not is_no_worse(then, now)
    else:
        assert is_no_worse(then, now) is (is_same if then.drops else True)
    assert not is_no_worse(now, then) or is_same or not done


def promised(seq, due_at_ms):
    return RecordView(
        seq=seq,
        contact="+4930231258" + str(seq),
        state=RecordState.CALLBACK,
        due_at_ms=due_at_ms,
    )


#: 2026-11-22 09:30 UTC and an hour later, and one that lost its time.
PROMISED = (
    promised(16, 1_795_339_800_000),
    promised(17, 1_795_343_400_000),
    promised(18, None),
)
DROPPED = [
    "Drops record 16, +4***5816, promised for 2026-11-22 09:30 UTC.",
    "Drops record 17, +4***5817, promised for 2026-11-22 10:30 UTC.",
]


@pytest.mark.parametrize(("run", "verb"), [(PAUSED, Verb.CANCEL), (STOPPED, Verb.STOP)])
def test_promises_that_are_dropped_are_told_one_by_one_and_the_rest_counted(run, verb):
    shown = preview(run, verb, PROMISED)

    assert shown.drops
    assert list(shown.lines[-3:]) == [
        *DROPPED,
        "Drops 10 more; see: watchfloor callbacks",
    ]
    both = preview(counted(run, callback=2), verb, PROMISED)
    assert list(both.lines[-2:]) == DROPPED


def test_promises_that_are_kept_are_not_told_one_by_one():
    shown = preview(RUNNING, Verb.STOP, PROMISED)

    assert not shown.drops
    assert shown.lines[-1] == "This cannot be undone."
    assert list(preview(PAUSED, Verb.CANCEL, PROMISED[2:]).lines)[-1] == (
        "This cannot be undone."
    )


RESTORED = replace(PAUSED, restored_from_ms=1_795_339_800_000)
MAY_HAVE_BEEN = (
    "may have been contacted since. Unless the channel goes by keys, they are "
    "contacted again."
)


def test_to_go_on_with_a_restored_run_wants_the_number_that_is_in_doubt_typed():
    shown = preview(RESTORED, Verb.RESUME)

    assert shown.lines == (
        (
            "Restored from a backup of 2026-11-22 09:30 UTC: 1,440 records "
            f"{MAY_HAVE_BEEN}"
        ),
        "The run goes on with 1,420 records not finished yet.",
        "Nothing bursts: the pace starts anew.",
    )
    assert (in_doubt(RESTORED, Verb.RESUME), shown.typed) == (1_440, "1440")


def test_rows_that_a_restored_run_has_not_read_or_judged_are_in_doubt_too():
    run = counted(RESTORED, unjudged=60)
    run = replace(run, lifecycle=replace(run.lifecycle, intake=Intake.EXTRACTING))
    shown = preview(run, Verb.RESUME)

    assert shown.typed == "1500"
    assert shown.lines[0] == (
        "Restored from a backup of 2026-11-22 09:30 UTC: 1,500 records, and rows not "
        f"read yet {MAY_HAVE_BEEN}"
    )


def test_a_stop_of_a_restored_run_is_in_doubt_of_the_promises_that_it_keeps():
    keeps, again = RESTORED, replace(STOPPED, restored_from_ms=1)

    assert in_doubt(keeps, Verb.STOP) == 12
    assert preview(keeps, Verb.STOP).typed == "12"
    assert preview(keeps, Verb.STOP, doubtful=2).lines[:3] == (
        f"Restored from a backup of 2026-11-22 09:30 UTC: 12 records {MAY_HAVE_BEEN}",
        (
            "Of these 2 records may have been reached by an earlier attempt: end as "
            "unknown."
        ),
        "1,428 records will never be attempted.",
    )
    assert in_doubt(again, Verb.STOP) is None
    assert in_doubt(counted(keeps, callback=0), Verb.STOP) is None


def test_what_ends_or_holds_a_restored_run_contacts_nobody_twice():
    assert in_doubt(RESTORED, Verb.CANCEL) is None
    assert in_doubt(RESTORED, Verb.PAUSE) is None
    assert in_doubt(PAUSED, Verb.RESUME) is None
    assert preview(RESTORED, Verb.CANCEL).typed == RESTORED.run_id


@pytest.mark.parametrize(
    ("was", "now", "is_fine"),
    [
        (RUNNING, RUNNING, True),
        (RUNNING, counted(RUNNING, pending=1_001, attempting=19), True),
        (RUNNING, counted(RUNNING, pending=1_001), False),
        (RUNNING, counted(RUNNING, attempting=21), False),
        (RUNNING, STOPPED, False),
        (STOPPED, counted(RUNNING, pending=0), False),
        (STOPPED, STOPPED, True),
        (STOPPED, counted(STOPPED, callback=11), False),
        (STOPPED, counted(STOPPED, pending=1), False),
        (STOPPED, counted(STOPPED, attempting=1), True),
        (QUEUED, RUNNING, False),
        (RUNNING, QUEUED, False),
        (QUEUED, counted(QUEUED, pending=1), True),
    ],
)
def test_a_stop_that_waited_goes_out_only_if_it_drops_no_more(was, now, is_fine):
    then, later = preview(was, Verb.STOP), preview(now, Verb.STOP)

    assert is_no_worse(then, later) is is_fine
    if is_fine:
        # It carries the figures that were shown, of the run as it is by then.
        later_run = replace(now, version=now.version + 1)
        shown = replace(then.seen, version=later_run.version)
        check_drift(Verb.STOP, shown, later_run)


def test_a_command_that_waited_and_would_be_refused_does_not_go_out():
    then, now = preview(RUNNING, Verb.PAUSE), preview(PAUSED, Verb.PAUSE)

    assert now.refusal is not None
    assert not is_no_worse(then, now)


def test_while_rows_are_read_in_a_stop_minds_only_promises_that_it_drops():
    reading = replace(
        RUNNING, lifecycle=replace(RUNNING.lifecycle, intake=Intake.FILTERING)
    )
    stopped = replace(
        STOPPED, lifecycle=replace(STOPPED.lifecycle, intake=Intake.ABORTED)
    )

    check_drift(Verb.STOP, seen(reading), counted(reading, pending=9_999, callback=99))
    check_drift(Verb.STOP, seen(stopped), counted(stopped, pending=9))
    error = refused(Verb.STOP, seen(stopped), counted(stopped, callback=13))
    assert error.refusal is Refusal.DRIFTED


def test_one_retry_that_may_have_arrived_is_one_and_below_the_most_it_is_exact():
    one = preview(RUNNING, Verb.STOP, doubtful=1).lines[1]
    most = preview(RUNNING, Verb.STOP, doubtful=DOUBTS_COUNTED - 1).lines[1]

    assert one == (
        "Of these 1 record may have been reached by an earlier attempt: ends as "
        "unknown."
    )
    assert most.startswith("Of these 19,999 records may have")


def test_what_a_command_says_was_seen_is_read_as_it_was_shown():
    assert seen_of(asdict(seen(RUNNING))) == seen(RUNNING)


@pytest.mark.parametrize(
    "told",
    [
        "red",
        ["red"],
        {"colour": 7, **asdict(seen(RUNNING))},
        {"launched": True},
        {},
        *({**asdict(seen(RUNNING)), name: "7"} for name in asdict(seen(RUNNING))),
        {**asdict(seen(RUNNING)), "version": True},
        {**asdict(seen(RUNNING)), "launched": 1},
    ],
    ids=str,
)
def test_what_is_no_figures_was_seen_by_nobody(told):
    with pytest.raises(TypeError):
        seen_of(told)
