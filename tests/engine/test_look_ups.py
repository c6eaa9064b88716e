"""A provider that is asked settles what it says for certain, and nothing else."""

from __future__ import annotations

import pytest
from tests.engine.test_resolving import LOST, ONCE, previewed, resolved
from tests.support.floor import ASKER, NORA, campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.identity import contact_digest
from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.resolutions import ResolveAs
from watchfloor.engine import inquiring
from watchfloor.engine.commands import TakeCommand
from watchfloor.engine.look_ups import BookAnswers, EndLookUp, Heard, NextInquiry
from watchfloor.engine.operations import order, resolve_command
from watchfloor.engine.tenure import tenure
from watchfloor.store.reads.resolutions import open_resolutions, said_of
from watchfloor.store.reads.runs import run_number
from watchfloor.store.reads.suppression import find
from watchfloor.store.writes.runs import save_run_values

DELIVERED = Reply(body={"outcome": "delivered", "id": "msg-1"})
NOT = Reply(body={"outcome": "transient", "code": "queue_lost"})
NEVER = Reply(body={"outcome": "permanent", "detail": "no such number"})


@pytest.fixture
def provider():
    with Provider(LOST) as found:
        yield found


def with_unknowns(floor, provider, count=3, **options):
    settings = f"{ONCE}\n{provider.look_up_setting}"
    run_id = floor.launched(webhook(provider.url, settings, **options), ids(count))
    floor.carried_out()
    assert floor.books(run_id).unknown == count
    return run_id


def looked_up(floor, run_id, **payload):
    answer = floor.ordered_begun("look_up", run_id, why="before the report", **payload)
    assert answer.state == "acknowledged", answer
    floor.carried_out()
    return floor.receipt(answer.command_id)


def owner(floor):
    return tenure(floor.layout, floor.around, floor.owner, dispatches=False)


def done(committer, job):
    asked = committer.submit(job)
    committer.round()
    return asked.result()


def set_purge(committer, run_id, purge):
    done(
        committer,
        lambda tx: save_run_values(
            tx.connection, run_number(tx.connection, run_id), purge=purge
        ),
    )


def test_only_definite_answers_resolve_and_each_is_audited(floor, provider):
    run_id = with_unknowns(floor, provider, 5)
    provider.look_ups = {
        "c00001": DELIVERED,
        "c00002": NOT,
        "c00003": NEVER,
        "c00004": Reply(body={"outcome": "ambiguous"}),
    }

    answer = looked_up(floor, run_id)

    assert answer.state == "settled"
    assert answer.detail == (
        "asked about 5 records: 1 delivered, 2 not delivered, 2 not known to the "
        "provider either, 0 without an answer"
    )
    found = floor.records(run_id)
    assert [one.state.word for one in found] == [
        "delivered",
        "failed",
        "failed",
        "unknown",
        "unknown",
    ]
    assert [one.outcome_class for one in found[1:3]] == [
        OutcomeClass.TRANSIENT,
        OutcomeClass.PERMANENT,
    ]
    assert {one.code for one in found[1:3]} == {"looked_up_not_delivered"}
    floor.assert_books_hold(run_id)
    entry = next(e for e in floor.journey(run_id, 1).entries if e.event == "looked up")
    assert entry.outcome == "as delivered"
    assert entry.detail == (
        f"by look-up, asked for by {NORA}: before the report; provider id msg-1"
    )
    told = floor.events(run_id)[-1]
    assert (told.event, told.by, told.why) == (
        "looked up",
        NORA,
        "before the report",
    )


def test_the_provider_is_asked_by_the_key_of_the_attempt_and_once_for_each(
    floor, provider
):
    run_id = with_unknowns(floor, provider)

    looked_up(floor, run_id)

    assert sorted(provider.questions) == sorted(provider.keys)
    assert len(provider.arrivals) == 3


def test_what_is_answered_after_a_withdrawal_changes_nothing(floor, provider):
    run_id = with_unknowns(floor, provider, 1)
    floor.ordered_begun("look_up", run_id, why="report")
    (one,) = floor.read(open_resolutions)
    with owner(floor) as committer:
        inquiry = done(committer, NextInquiry(one.number))
        outcome = Outcome(outcome_class=OutcomeClass.DELIVERED, code="said")
        asked = order("withdraw_look_up", run_id, ASKER, floor.around, why="not needed")
        done(committer, TakeCommand(asked))
        assert floor.receipt(asked.command_id).state == "settled"
        heard = [Heard(inquiry.doubts[0], outcome)]
        done(committer, BookAnswers(one.number, heard))
        assert done(committer, NextInquiry(one.number)).doubts == []

    assert floor.assert_books_hold(run_id).unknown == 1
    assert floor.events(run_id)[-1].event == "look-up withdrawn"


@pytest.mark.parametrize("meanwhile", ["withdrawn", "resolved"])
def test_an_opt_out_that_is_answered_too_late_to_settle_anything_is_honoured(
    floor, provider, meanwhile
):
    run_id = with_unknowns(floor, provider, 1)
    floor.ordered_begun("look_up", run_id, why="report")
    (one,) = floor.read(open_resolutions)
    gone = Outcome(outcome_class=OutcomeClass.PERMANENT, code="gone", suppress="moved")
    with owner(floor) as committer:
        inquiry = done(committer, NextInquiry(one.number))
        if meanwhile == "withdrawn":
            asked = order("withdraw_look_up", run_id, ASKER, floor.around, why="over")
        else:
            seen = previewed(floor, run_id, ResolveAs.DELIVERED)
            asked = resolve_command(seen, ASKER, "in the log", floor.around)
        done(committer, TakeCommand(asked))
        before = floor.assert_books_hold(run_id)
        done(committer, BookAnswers(one.number, [Heard(inquiry.doubts[0], gone)]))
        digest = contact_digest("id", "c00001")
        assert committer.suppressions.has_opted_out(digest.hex())

    assert floor.receipt(asked.command_id).state == "settled"
    assert floor.assert_books_hold(run_id) == before
    assert floor.read(lambda connection: find(connection, digest)) == "moved"


def test_one_record_alone_can_be_looked_up(floor, provider):
    run_id = with_unknowns(floor, provider)
    provider.look_ups = dict.fromkeys(ids(3), DELIVERED)

    looked_up(floor, run_id, seq=2)

    assert len(provider.questions) == 1
    assert [one.state.word for one in floor.records(run_id)] == [
        "unknown",
        "delivered",
        "unknown",
    ]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(),
        Reply(status=404, body={"outcome": "delivered"}),
        Reply(status=503, body={"outcome": "delivered"}),
        Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        Reply(status=401),
        Reply(body={"outcome": "callback", "due_in": "1h"}),
        Reply(body={"outcome": ["delivered"]}),
        Reply(body={"outcome": "DELIVERED!"}),
        Reply(body={"code": "delivered"}),
        Reply(body={"outcome": "delivered", "detail": "x" * 70_000}),
        LOST,
    ],
)
def test_what_is_not_said_for_certain_leaves_a_record_unknown(floor, provider, reply):
    run_id = with_unknowns(floor, provider, 1)
    provider.look_ups = {"c00001": reply}

    answer = looked_up(floor, run_id)

    assert answer.state == "settled"
    assert floor.records(run_id)[0].state is RecordState.UNKNOWN
    assert floor.books(run_id).unknown == 1


def test_a_provider_that_does_not_answer_is_given_up_and_that_is_told(
    floor, provider, monkeypatch
):
    monkeypatch.setattr(inquiring, "MOST_UNANSWERED", 3)
    run_id = with_unknowns(floor, provider, 30)
    provider.look_ups = dict.fromkeys(ids(30), Reply(status=500))

    answer = looked_up(floor, run_id)

    assert "30 without an answer" in answer.detail
    assert "given up" in answer.detail
    assert len(provider.questions) < 30
    assert floor.assert_books_hold(run_id).unknown == 30


def test_without_an_engine_a_look_up_waits_for_one(floor, provider):
    run_id = with_unknowns(floor, provider)

    answer = floor.ordered_begun("look_up", run_id)

    assert answer.state == "acknowledged"
    assert answer.detail == "the engine asks the provider about 3 unknown records"
    assert provider.questions == []


def test_a_run_whose_channels_cannot_be_asked_is_refused_with_what_to_do(floor):
    text = campaign('shares = { ambiguous = 1.0 }\ndelivery = "at_most_once"')
    run_id = floor.launched(text, ids(2))
    floor.carried_out()

    answer = floor.ordered("look_up", run_id)

    assert answer.refusal == "UNUSABLE"
    assert "no channel of run" in answer.detail
    assert f"watchfloor resolve {run_id} SEQ" in answer.detail


def test_the_simulated_provider_answers_by_its_settings(floor):
    text = campaign(
        'shares = { ambiguous = 1.0 }\ndelivery = "at_most_once"\n'
        "look_up = { delivered = 0.5, not_delivered = 0.25, "
        'script = { c00001 = "permanent", c00002 = "unknown", c00003 = "down" } }'
    )
    run_id = floor.launched(text, ids(40))
    floor.carried_out()

    looked_up(floor, run_id)

    books = floor.assert_books_hold(run_id)
    found = floor.records(run_id)
    assert found[0].outcome_class is OutcomeClass.PERMANENT
    assert [one.state for one in found[1:3]] == [RecordState.UNKNOWN] * 2
    assert books.delivered > books.failed > 2
    assert books.delivered + books.failed + books.unknown == 40


def test_what_somebody_resolved_while_it_was_asked_stays_as_they_said(floor, provider):
    run_id = with_unknowns(floor, provider, 1)
    provider.look_ups = {"c00001": DELIVERED}
    provider.hold()
    with floor.engine() as running:
        answer = floor.ordered_begun("look_up", run_id)
        until(lambda: provider.questions)
        again = floor.ordered("look_up", run_id)
        said = resolved(floor, run_id, "not-delivered", Selection())
        provider.let_go()
        until(lambda: floor.receipt(answer.command_id).state == "settled")
        assert running.is_running

    assert again.refusal == "NOT_YET"
    assert said.state == "settled"
    assert floor.receipt(answer.command_id).detail.endswith("1 resolved meanwhile")
    assert floor.records(run_id)[0].code == "resolved_not_delivered"


def test_a_live_run_tries_again_what_the_provider_never_got(floor, provider):
    provider.otherwise = Reply()
    provider.replies = {"c00001": [LOST, Reply()]}
    settings = f"{ONCE}\n{provider.look_up_setting}"
    run_id = floor.launched(webhook(provider.url, settings, rate="20/s"), ids(200))
    provider.look_ups = {"c00001": NOT}
    with floor.engine():
        until(lambda: floor.books(run_id).unknown)

        floor.ordered_begun("look_up", run_id)
        until(lambda: floor.records(run_id)[0].state is RecordState.DELIVERED)

    keys = [one.key for one in provider.arrivals if one.contact == "c00001"]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_purged_run_has_no_keys_left_to_ask_by(floor, provider):
    run_id = with_unknowns(floor, provider, 2)
    provider.look_ups = {"c00001": DELIVERED}
    looked_up(floor, run_id, seq=1)
    assert floor.ordered("purge", run_id).state == "settled"
    floor.carried_out()

    answer = floor.ordered("look_up", run_id)

    assert "were purged" in answer.detail
    told = [one.detail for one in floor.journey(run_id, 1).entries]
    assert not any("msg-1" in one for one in told)
    # What nobody knows can still be said.
    assert resolved(floor, run_id, "delivered", Selection()).state == "settled"


def test_a_purge_waits_for_a_look_up_that_is_under_way(floor, provider):
    run_id = with_unknowns(floor, provider, 2)
    asked = floor.ordered_begun("look_up", run_id)

    early = floor.ordered("purge", run_id)

    assert early.refusal == "NOT_YET"
    assert (
        f"a look-up of this run, asked for by {NORA}, is under way: "
        "asked about 0 records"
    ) in early.detail
    assert "nothing was purged" in early.detail
    assert "(where none runs: watchfloor engine --until-idle)" in early.detail
    floor.carried_out()
    assert floor.receipt(asked.command_id).state == "settled"
    assert sorted(provider.questions) == sorted(provider.keys)
    assert floor.ordered("purge", run_id).state == "settled"


@pytest.mark.parametrize("purge", ["asked", "done"])
def test_nobody_is_asked_about_records_whose_people_are_purged(floor, provider, purge):
    # As a store may hold it in which a purge did not wait for the look-up.
    run_id = with_unknowns(floor, provider, 2)
    asked = floor.ordered_begun("look_up", run_id)
    with owner(floor) as committer:
        set_purge(committer, run_id, purge)
    provider.look_ups = dict.fromkeys(ids(2), DELIVERED)

    floor.carried_out()

    assert provider.questions == []
    answer = floor.receipt(asked.command_id)
    assert answer.state == "settled"
    assert "asked about 0 records" in answer.detail
    assert answer.detail.endswith(
        "ended: the people of the run are purged, and with them the keys"
    )
    assert floor.assert_books_hold(run_id).unknown == 2


@pytest.mark.parametrize("purge", ["asked", "done"])
def test_what_a_provider_says_of_a_purged_record_resolves_it_and_is_not_kept(
    floor, provider, purge
):
    run_id = with_unknowns(floor, provider, 1)
    floor.ordered_begun("look_up", run_id)
    said = Outcome(
        outcome_class=OutcomeClass.DELIVERED,
        code="ok",
        detail="delivered to Jane Doe",
        provider_id="jane-doe-77",
    )
    with owner(floor) as committer:
        [one] = done(committer, lambda tx: open_resolutions(tx.connection))
        inquiry = done(committer, NextInquiry(one.number))
        set_purge(committer, run_id, purge)
        heard = [Heard(doubt, said) for doubt in inquiry.doubts]
        done(committer, BookAnswers(one.number, heard))
        done(committer, EndLookUp(one.number))

    assert floor.assert_books_hold(run_id).delivered == 1
    [told] = floor.read(lambda connection: said_of(connection, one.run_no, 1))
    assert (told.word, told.detail) == ("delivered", "")
