"""Unknown records leave only by a person's word, and nothing is guessed on the way."""

from __future__ import annotations

import pytest
from tests.support.floor import ASKER, NORA, campaign, ids, posting_step, webhook
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.domain.cohorts import Selection, to_payload
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Verb
from watchfloor.domain.resolutions import ResolveAs
from watchfloor.engine import resolving
from watchfloor.engine.commands import TakeCommand
from watchfloor.engine.desk_reads import resolve_preview_of
from watchfloor.engine.operations import resolve_command
from watchfloor.engine.tenure import tenure
from watchfloor.store.reads.progress import sampled
from watchfloor.store.reads.resolutions import open_resolutions
from watchfloor.store.reads.runs import run_number

LOST = Reply(drop=True)
ONCE = 'delivery = "at_most_once"'
ALL = Selection()


def one(*seqs):
    return Selection(seqs=frozenset(seqs))


def previewed(floor, run_id, resolve_as, selection=ALL):
    return floor.read(
        lambda connection: resolve_preview_of(connection, run_id, selection, resolve_as)
    )


def resolved(floor, run_id, word, selection=ALL, why="the provider's log"):
    seen = previewed(floor, run_id, ResolveAs(word), selection)
    return floor.asked(resolve_command(seen, ASKER, why, floor.around))


def ended_with_unknowns(floor, provider, count=5, **options):
    """Return an ended run of which every record is unknown."""
    provider.otherwise = LOST
    run_id = floor.launched(webhook(provider.url, ONCE, **options), ids(count))
    floor.carried_out()
    assert floor.books(run_id).unknown == count
    return run_id


@pytest.fixture
def provider():
    with Provider() as found:
        yield found


def states(floor, run_id):
    return [record.state.word for record in floor.records(run_id)]


def test_one_record_is_resolved_as_delivered_with_who_and_why(floor, provider):
    run_id = ended_with_unknowns(floor, provider)

    answer = resolved(floor, run_id, "delivered", one(2))

    assert answer.state == "settled"
    assert answer.detail == "1 unknown record resolved"
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.unknown) == (1, 4)
    assert states(floor, run_id)[1] == "delivered"
    entry = next(e for e in floor.journey(run_id, 2).entries if e.event == "resolved")
    assert entry.outcome == "as delivered"
    assert entry.detail == f"by {NORA}: the provider's log"
    told = floor.events(run_id)[-1]
    assert (told.event, told.by, told.why) == (
        "resolved as delivered",
        NORA,
        "the provider's log",
    )
    assert told.detail == "1 unknown record resolved: record 2"


def test_not_delivered_in_an_ended_run_is_a_failure_that_can_be_retried(
    floor, provider
):
    run_id = ended_with_unknowns(floor, provider)

    resolved(floor, run_id, "not-delivered")

    books = floor.assert_books_hold(run_id)
    assert (books.failed, books.unknown) == (5, 0)
    record = floor.records(run_id)[0]
    assert record.state is RecordState.FAILED
    assert record.outcome_class is OutcomeClass.TRANSIENT
    assert record.code == "resolved_not_delivered"
    assert len(provider.arrivals) == 5


def test_an_ended_run_is_not_resent_and_the_words_to_use_are_told(floor, provider):
    run_id = ended_with_unknowns(floor, provider)

    answer = resolved(floor, run_id, "resend", one(1))

    assert answer.refusal == "ALREADY_ENDED"
    retry = f"watchfloor retry {run_id} --class unknown --seq N"
    assert retry in answer.detail
    assert previewed(floor, run_id, ResolveAs.RESEND).why.endswith(retry)
    assert floor.books(run_id).unknown == 5


def test_a_resolution_without_a_reason_is_refused(floor, provider):
    run_id = ended_with_unknowns(floor, provider)

    answer = resolved(floor, run_id, "delivered", why="  ")

    assert answer.state == "refused"
    assert "needs a reason" in answer.detail
    assert floor.books(run_id).unknown == 5


def test_only_unknown_records_are_touched_and_the_others_are_counted(floor, provider):
    provider.replies = {"c00001": [LOST], "c00002": [Reply(status=404)]}
    run_id = floor.launched(webhook(provider.url, ONCE), ids(3))
    floor.carried_out()

    seen = previewed(floor, run_id, ResolveAs.DELIVERED, one(1, 2, 3))
    answer = resolved(floor, run_id, "delivered", one(1, 2, 3))

    assert (seen.records, seen.others) == (1, 2)
    assert any(line.startswith("Not touched: 2 more") for line in seen.lines)
    assert answer.detail == "1 unknown record resolved"
    assert states(floor, run_id) == ["delivered", "failed", "delivered"]
    assert floor.records(run_id)[1].code == "http_404"


def test_a_selection_without_unknown_records_is_refused_by_name(floor, provider):
    run_id = floor.launched(webhook(provider.url, ONCE), ids(2))
    floor.carried_out()

    answer = resolved(floor, run_id, "delivered", one(1))

    assert answer.refusal == "NOT_UNKNOWN"
    assert floor.event_words(run_id)[-1] != "resolved as delivered"


def test_a_cohort_that_changed_since_it_was_shown_is_refused_with_the_new_figure(
    floor, provider
):
    run_id = ended_with_unknowns(floor, provider)
    seen = previewed(floor, run_id, ResolveAs.NOT_DELIVERED)
    resolved(floor, run_id, "delivered", one(3))

    answer = floor.asked(resolve_command(seen, ASKER, "why", floor.around))

    assert answer.refusal == "DRIFTED"
    assert "now 4 unknown records, 5 were shown" in answer.detail
    assert floor.assert_books_hold(run_id).unknown == 4


def test_the_same_command_taken_twice_has_one_effect(floor, provider):
    run_id = ended_with_unknowns(floor, provider)
    seen = previewed(floor, run_id, ResolveAs.DELIVERED, one(1))
    command = resolve_command(seen, ASKER, "why", floor.around)

    floor.asked(command)
    again = floor.asked(command)

    assert again.state == "settled"
    assert floor.event_words(run_id).count("resolved as delivered") == 1
    assert floor.assert_books_hold(run_id).delivered == 1


def test_a_cohort_is_chosen_by_code_and_step(floor, provider):
    provider.replies = {"c00001": [Reply(status=500)]}
    run_id = ended_with_unknowns(floor, provider)
    chosen = Selection(codes=frozenset({"http_500"}), steps=frozenset({"call"}))

    answer = resolved(floor, run_id, "delivered", chosen)

    assert answer.detail == "1 unknown record resolved"
    assert states(floor, run_id)[0] == "delivered"
    assert "code http_500, step call" in floor.events(run_id)[-1].detail


def test_a_resolution_after_the_history_is_added_and_rewrites_nothing(floor, provider):
    run_id = ended_with_unknowns(floor, provider)
    archive = floor.layout.root / "archive" / run_id
    before = {path.name: path.read_bytes() for path in archive.iterdir()}

    resolved(floor, run_id, "delivered")

    assert {path.name: path.read_bytes() for path in archive.iterdir()} == before
    assert floor.assert_books_hold(run_id).unknown == 0


def test_the_samples_of_an_ended_run_come_to_its_books_after_a_resolution(
    floor, provider
):
    run_id = ended_with_unknowns(floor, provider)

    resolved(floor, run_id, "not-delivered", one(1, 2))

    number = floor.read(lambda connection: run_number(connection, run_id))
    gain = floor.read(lambda connection: sampled(connection, [number]))[number]
    books = floor.books(run_id)
    assert (gain.failed, gain.unknown, gain.done) == (2, 3, books.done)


# --- a live run ----------------------------------------------------------------------


def test_in_a_live_run_not_delivered_is_tried_again_with_the_same_key(floor, provider):
    provider.replies = {"c00001": [LOST, Reply()]}
    run_id = floor.launched(webhook(provider.url, ONCE, rate="20/s"), ids(200))
    with floor.engine():
        until(lambda: floor.books(run_id).unknown)

        resolved(floor, run_id, "not-delivered", one(1))
        until(lambda: floor.records(run_id)[0].state is RecordState.DELIVERED)

    keys = [each.key for each in provider.arrivals if each.contact == "c00001"]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    floor.assert_books_hold(run_id)


def test_in_a_live_run_a_resend_goes_out_although_no_attempt_is_left(floor, provider):
    provider.replies = {"c00001": [LOST, Reply()]}
    run_id = floor.launched(
        webhook(provider.url, ONCE, rate="20/s", retry="attempts = 1"), ids(200)
    )
    with floor.engine():
        until(lambda: floor.books(run_id).unknown)

        answer = resolved(floor, run_id, "resend", one(1))
        until(lambda: floor.records(run_id)[0].state is RecordState.DELIVERED)

    assert answer.detail == "1 unknown record resolved"
    keys = [each.key for each in provider.arrivals if each.contact == "c00001"]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_resend_that_is_dropped_before_it_went_out_is_unknown_again(floor, provider):
    provider.replies = {"c00001": [LOST]}
    run_id = floor.launched(webhook(provider.url, ONCE, rate="20/s"), ids(200))
    with floor.engine():
        until(lambda: floor.books(run_id).unknown)
        floor.steered(Verb.PAUSE, run_id)
        resolved(floor, run_id, "resend", one(1))
        assert floor.records(run_id)[0].state is RecordState.RETRY

        floor.steered(Verb.CANCEL, run_id)

    assert floor.records(run_id)[0].state is RecordState.UNKNOWN
    floor.assert_books_hold(run_id)
    # The second word is kept beside the first one.
    resolved(floor, run_id, "delivered", one(1))
    said = [
        e.outcome for e in floor.journey(run_id, 1).entries if e.event == "resolved"
    ]
    assert said == ["as resend", "as delivered"]


def test_without_an_attempt_left_not_delivered_is_failed_at_once(floor, provider):
    provider.replies = {"c00001": [LOST]}
    run_id = floor.launched(
        webhook(provider.url, ONCE, rate="20/s", retry="attempts = 1"), ids(200)
    )
    with floor.engine():
        until(lambda: floor.books(run_id).unknown)

        resolved(floor, run_id, "not-delivered", one(1))

        assert floor.records(run_id)[0].state is RecordState.FAILED


def test_a_resolved_record_of_a_live_run_goes_on_to_its_next_step(floor, provider):
    provider.replies = {"c00001": [LOST, Reply()]}
    text = webhook(
        provider.url,
        ONCE,
        rate="20/s",
        steps=posting_step(provider.url, when='call.class = "delivered"'),
    )
    run_id = floor.launched(text, ids(200))
    with floor.engine():
        until(lambda: floor.books(run_id).unknown)

        resolved(floor, run_id, "delivered", one(1))
        until(lambda: floor.records(run_id)[0].step == "text")
        until(lambda: floor.records(run_id)[0].state is RecordState.DELIVERED)

    assert provider.contacts.count("c00001") == 2
    floor.assert_books_hold(run_id)


def test_in_an_ended_run_no_further_step_is_made(floor, provider):
    text = webhook(provider.url, ONCE, steps=posting_step(provider.url, settings=ONCE))
    provider.otherwise = LOST
    run_id = floor.launched(text, ids(2))
    floor.carried_out()

    resolved(floor, run_id, "delivered")

    assert states(floor, run_id) == ["delivered", "delivered"]
    assert {record.step for record in floor.records(run_id)} == {"call"}
    assert len(provider.arrivals) == 2


# --- large cohorts -------------------------------------------------------------------


@pytest.fixture
def small_slices(monkeypatch):
    monkeypatch.setattr(resolving, "SLICE_ROWS", 10)
    monkeypatch.setattr(resolving, "MOST_AT_ONCE", 10)


def many_unknown(floor, count=45):
    text = campaign('shares = { ambiguous = 1.0 }\ndelivery = "at_most_once"')
    run_id = floor.launched(text, ids(count))
    floor.carried_out()
    return run_id


def test_a_large_cohort_goes_in_slices_and_settles_in_the_end(floor, small_slices):
    run_id = many_unknown(floor)

    answer = resolved(floor, run_id, "delivered")

    assert answer.state == "settled"
    assert answer.detail == "45 unknown records resolved"
    assert floor.assert_books_hold(run_id).delivered == 45
    words = floor.event_words(run_id)
    assert words.count("resolve requested") == 1
    assert words.count("resolved as delivered") == 1


def test_what_a_large_cohort_is_short_of_is_told_before_anything_is_touched(
    floor, small_slices
):
    run_id = many_unknown(floor)
    seen = previewed(floor, run_id, ResolveAs.DELIVERED)
    resolved(floor, run_id, "not-delivered", one(7))

    answer = floor.asked(resolve_command(seen, ASKER, "why", floor.around))

    assert answer.refusal == "DRIFTED"
    assert "now 44 unknown records, 45 were shown" in answer.detail
    books = floor.assert_books_hold(run_id)
    assert (books.unknown, books.delivered) == (44, 0)
    assert floor.read(open_resolutions) == []


def test_a_second_resolution_waits_for_the_first_to_end(floor, small_slices):
    run_id = many_unknown(floor)
    seen = previewed(floor, run_id, ResolveAs.DELIVERED)
    first, second = (
        resolve_command(seen, ASKER, "why", floor.around) for _ in range(2)
    )
    # An owner that takes both before anybody goes on with the first.
    with tenure(floor.layout, floor.around, floor.owner, dispatches=False) as owner:
        for command in (first, second):
            owner.submit(TakeCommand(command))
            owner.round()

    assert floor.receipt(first.command_id).state == "acknowledged"
    refused = floor.receipt(second.command_id)
    assert refused.refusal == "NOT_YET"
    assert "asked for by nora, is under way: 0 of 45" in refused.detail
    assert floor.books(run_id).unknown == 45

    assert floor.apply_what_waits()
    assert floor.receipt(first.command_id).state == "settled"
    assert floor.assert_books_hold(run_id).delivered == 45


def test_what_a_run_that_begins_to_end_keeps_from_a_resend_stays_unknown(
    floor, small_slices
):
    text = campaign(
        'shares = { ambiguous = 1.0 }\ndelivery = "at_most_once"', rate="20/s"
    )
    run_id = floor.launched(text, ids(200))
    with floor.engine():
        until(lambda: floor.books(run_id).unknown > 25)
        floor.steered(Verb.PAUSE, run_id)
    seen = previewed(floor, run_id, ResolveAs.RESEND)
    resend = resolve_command(seen, ASKER, "why", floor.around)
    with tenure(floor.layout, floor.around, floor.owner, dispatches=False) as owner:
        owner.submit(TakeCommand(resend))
        while owner.round():
            pass
        number = owner.submit(lambda tx: open_resolutions(tx.connection)[0].number)
        owner.round()
        # Three slices freeze at least, and one resolves ten.
        while floor.books(run_id).retry == 0:
            owner.submit(resolving.ResolveSlice(number.result()))
            owner.round()

    floor.steered(Verb.CANCEL, run_id)

    answer = floor.receipt(resend.command_id)
    assert answer.state == "settled"
    left = seen.records - 10
    assert answer.detail == (
        f"10 unknown records resolved, {left} left unknown: the run began to end"
    )
    assert floor.assert_books_hold(run_id).unknown == seen.records
    assert floor.read(open_resolutions) == []


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"as": "perhaps"}, "is no way to resolve"),
        ({"selection": []}, "takes a selection"),
        ({"expected": "many"}, "invalid literal"),
        ({"selection": {"seqs": [0]}}, "from 1 on"),
    ],
)
def test_nonsense_from_the_inbox_is_refused_and_changes_nothing(
    floor, provider, payload, why
):
    run_id = ended_with_unknowns(floor, provider, 1)
    right = {"selection": to_payload(ALL), "as": "delivered", "expected": 1}

    answer = floor.ordered("resolve", run_id, why="because", **{**right, **payload})

    assert answer.refusal == "UNUSABLE"
    assert why in answer.detail
    assert floor.books(run_id).unknown == 1
