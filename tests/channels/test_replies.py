from __future__ import annotations

import json
from email.utils import formatdate

import pytest

from watchfloor.channels.replies import Reply, ReplyRules, outcome_of_reply, snake_case
from watchfloor.domain.outcomes import OutcomeClass

NOW_S = 1_700_000_000.0
DAY_MS = 86_400_000


def read(status=200, told=None, *, codes=None, statuses=None, secrets=(), **reply):
    body = b"" if told is None else json.dumps(told).encode()
    return outcome_of_reply(
        Reply(status=status, body=body, **reply),
        ReplyRules(codes=codes or {}, statuses=statuses or {}, secrets=secrets),
        NOW_S,
    )


@pytest.mark.parametrize(
    ("statuses", "word"),
    [
        (range(200, 300), "delivered"),
        (range(300, 400), "permanent"),
        (sorted({*range(400, 500)} - {408, 425, 429}), "permanent"),
        ([429, 503], "transient"),
        ([408, 425], "ambiguous"),
        (sorted({*range(500, 600)} - {503}), "ambiguous"),
        ([101, 600, 999], "ambiguous"),
    ],
)
def test_every_status_has_its_class(statuses, word):
    assert {read(status).outcome_class.word for status in statuses} == {word}


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, "http_200"), (404, "http_404"), (302, "redirect_refused")],
)
def test_the_code_says_the_status_where_nobody_says_better(status, code):
    assert read(status).code == code


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_a_fault_of_the_run(status):
    outcome = read(status)

    assert outcome.outcome_class is OutcomeClass.PERMANENT
    assert f"answered {status}" in outcome.run_fault


def test_other_refusals_are_no_fault_of_the_run():
    assert [read(status).run_fault for status in (400, 404, 422)] == ["", "", ""]


def test_a_refusal_that_the_campaign_explains_is_no_fault_of_the_run():
    by_code = read(403, {"code": "opted_out"}, codes={"opted_out": OutcomeClass(3)})
    by_status = read(403, statuses={403: OutcomeClass.PERMANENT})

    assert by_code.run_fault == by_status.run_fault == ""


@pytest.mark.parametrize("word", ["delivered", "transient", "permanent", "ambiguous"])
def test_the_body_of_a_2xx_says_more(word):
    outcome = read(
        202, {"outcome": word, "code": "NO-ANSWER", "id": "p 1", "detail": "rang 30 s"}
    )

    assert outcome.outcome_class.word == word
    assert outcome.code == "no_answer"
    assert outcome.provider_id == "p 1"
    assert outcome.detail == "rang 30 s"


def test_the_body_of_a_failure_cannot_say_delivered():
    assert read(404, {"outcome": "delivered"}).outcome_class is OutcomeClass.PERMANENT
    assert read(500, {"outcome": "delivered"}).outcome_class is OutcomeClass.AMBIGUOUS


def test_a_callback_is_due_at_the_moment_the_provider_names():
    outcome = read(
        told={"outcome": "callback", "due_at": "2026-11-23T09:00:00.250+01:00"}
    )

    assert outcome.outcome_class is OutcomeClass.CALLBACK
    assert outcome.due_at_ms == 1_795_420_800_250


@pytest.mark.parametrize(
    "due_at", ["2026-11-23T09:00:00", "2026-11-31T09:00:00Z", "soon", "", None, 5]
)
def test_a_callback_nobody_can_keep_is_tried_again(due_at):
    outcome = read(told={"outcome": "callback", "due_at": due_at})

    assert outcome.outcome_class is OutcomeClass.TRANSIENT
    assert outcome.code == "bad_due_at"
    assert outcome.due_at_ms is None


def test_a_callback_of_long_ago_is_due_at_once():
    outcome = read(told={"outcome": "callback", "due_at": "0001-01-01T00:00:00+23:59"})

    assert outcome.due_at_ms == 0


def test_the_most_particular_word_wins():
    told = {"outcome": "permanent", "code": "busy"}
    statuses = {200: OutcomeClass.AMBIGUOUS}
    codes = {"busy": OutcomeClass.TRANSIENT}

    assert read().outcome_class.word == "delivered"
    assert read(statuses=statuses).outcome_class.word == "ambiguous"
    assert read(told=told, statuses=statuses).outcome_class.word == "permanent"
    assert (
        read(told=told, statuses=statuses, codes=codes).outcome_class.word
        == "transient"
    )


def test_a_map_may_say_better_than_the_table():
    outcome = read(500, {"code": "Busy"}, codes={"busy": OutcomeClass.TRANSIENT})

    assert (outcome.outcome_class, outcome.code) == (OutcomeClass.TRANSIENT, "busy")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"[1, 2]",
        b'{"outcome": "transient"',
        b"[" * 60_000,
        b"\xff\xfe\x00",
        b'{"outcome": 7, "code": ["x"], "id": true, "detail": {}}',
        b'{"n": ' + b"9" * 5_000 + b"}",
    ],
)
def test_a_2xx_with_any_body_is_delivered(body):
    outcome = outcome_of_reply(Reply(status=200, body=body), ReplyRules(), NOW_S)

    assert (outcome.outcome_class, outcome.code) == (OutcomeClass.DELIVERED, "http_200")
    assert outcome.provider_id == outcome.detail == ""


def test_long_texts_are_cut():
    outcome = read(told={"detail": "x" * 600, "id": "y" * 300, "code": "z" * 100})

    assert len(outcome.detail) == 500
    assert len(outcome.provider_id) == 200
    assert len(outcome.code) == 64


def test_half_a_character_does_not_reach_the_store():
    outcome = outcome_of_reply(
        Reply(status=200, body=b'{"detail": "a\\ud800b"}'), ReplyRules(), NOW_S
    )

    assert outcome.detail == "a?b"


def test_a_number_is_an_id_too():
    assert read(told={"id": 4711}).provider_id == "4711"


def test_an_echoed_secret_is_hidden_before_it_is_cut_or_folded():
    secret = "Bearer Hunter2Hunter2"  # noqa: S105 - a planted one
    outcome = read(
        401,
        {
            "detail": "x" * 490 + "Hunter2Hunter2",
            "code": "Hunter2Hunter2",
            "id": secret,
        },
        secrets=(secret,),
    )

    assert "unter2" not in repr(outcome)
    assert "hunter2" not in outcome.code


@pytest.mark.parametrize(
    ("wish", "pause_ms"),
    [
        ("7", 7_000),
        (" 7 ", 7_000),
        ("0", 0),
        ("999999999999", DAY_MS),
        (formatdate(NOW_S + 90, usegmt=True), 90_000),
        (formatdate(NOW_S + 90), 90_000),
        (formatdate(NOW_S - 90, usegmt=True), 0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", DAY_MS),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("", 0),
        ("9" * 5_000, 0),
        ("Mon, 99 Foo 99999999999999999999 07:28:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_a_day(wish, pause_ms):
    assert read(429, retry_after=wish).retry_after_ms == pause_ms
    assert read(503, retry_after=wish).retry_after_ms == pause_ms


def test_retry_after_means_nothing_where_nothing_is_retried():
    assert read(200, retry_after="7").retry_after_ms == 0
    assert read(404, retry_after="7").retry_after_ms == 0


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("NO-ANSWER", "no_answer"),
        ("busy", "busy"),
        ("  Über 9000!", "ber_9000"),
        ("号", ""),
        ("__a__b__", "a_b"),
    ],
)
def test_a_providers_word_becomes_a_code(word, code):
    assert snake_case(word) == code


def test_a_callback_may_be_asked_for_by_a_delay():
    body = b'{"outcome": "callback", "due_in": "30m"}'
    outcome = outcome_of_reply(Reply(status=200, body=body), ReplyRules(), 1_000.0)
    assert outcome.outcome_class is OutcomeClass.CALLBACK
    assert outcome.due_at_ms == 1_000_000 + 30 * 60_000


@pytest.mark.parametrize("delay", ["soon", "30", 30.5, None, "-5m", "99999d"])
def test_a_delay_that_is_none_asks_for_no_callback(delay):
    body = json.dumps({"outcome": "callback", "due_in": delay}).encode()
    outcome = outcome_of_reply(Reply(status=200, body=body), ReplyRules(), 1_000.0)
    assert outcome.outcome_class is OutcomeClass.TRANSIENT
    assert outcome.code == "bad_due_at"
