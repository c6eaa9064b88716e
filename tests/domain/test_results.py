from __future__ import annotations

from itertools import permutations

import pytest

from watchfloor.domain.results import (
    MAX_DETAIL_CHARS,
    MAX_ID_CHARS,
    ResultEvent,
    ResultKind,
    events_digest,
    parse_event,
    speaking,
    suppresses,
)

NOW_MS = 1_795_000_000_000  # 2026-11-18
DAY_MS = 86_400_000
GOOD = {
    "event_id": "e1",
    "key": "ab" * 16,
    "kind": "delivered",
    "at": "2026-11-17T09:00:00+01:00",
}


def parsed(**changed):
    return parse_event({**GOOD, **changed}, NOW_MS)


def test_an_event_is_read_with_its_time_in_utc():
    event = parsed(provider_id="p1", detail="ok")

    assert event == ResultEvent(
        event_id="e1",
        kind=ResultKind.DELIVERED,
        at_ms=1_794_902_400_000,
        key="ab" * 16,
        provider_id="p1",
        detail="ok",
    )


def test_an_event_survives_being_written_and_read_again():
    event = parsed(provider_id="p1", detail="ok")

    assert parse_event(event.as_dict(), NOW_MS) == event


def test_what_a_provider_adds_is_ignored():
    assert parsed(campaign="x", nested={"a": [1]}) == parsed()


def test_a_missing_part_that_may_be_missing_is_empty():
    event = parsed(provider_id=None, detail=None)

    assert (event.provider_id, event.detail) == ("", "")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"event_id": ""}, "has no event_id"),
        ({"event_id": "   "}, "has no event_id"),
        ({"event_id": 7}, "event_id is no text"),
        ({"event_id": "x" * (MAX_ID_CHARS + 1)}, "event_id is longer than 200"),
        ({"event_id": "a\0b"}, "event_id holds characters that are none"),
        ({"event_id": "\ud800"}, "event_id holds characters that are none"),
        ({"key": None}, "names neither key nor provider_id"),
        ({"key": ["a"]}, "key is no text"),
        ({"provider_id": "p" * (MAX_ID_CHARS + 1)}, "provider_id is longer than"),
        ({"kind": None}, "has no kind; it is one of delivered, "),
        ({"kind": "open"}, "kind 'open' is not known; did you mean opened?"),
        ({"kind": "Delivered"}, "did you mean delivered?"),
        ({"kind": "zzz"}, "kind 'zzz' is not known; it is one of delivered, "),
        ({"kind": {}}, "kind is no text"),
        ({"at": None}, "has no at; write the time like 2026-"),
        ({"at": 1_794_902_400}, "at is no text"),
        ({"at": "yesterday"}, "at 'yesterday' is no time with an offset from UTC"),
        ({"at": "2026-11-17T09:00:00"}, "is no time with an offset from UTC"),
        ({"at": "2026-11-17"}, "is no time with an offset from UTC"),
        ({"detail": 5}, "detail is no text"),
    ],
)
def test_a_mistake_says_what_is_wrong(changed, said):
    with pytest.raises(ValueError, match=r".") as caught:
        parsed(**changed)

    assert said in str(caught.value)


@pytest.mark.parametrize("raw", [None, 1, "text", [], [GOOD]])
def test_what_is_no_object_is_a_mistake(raw):
    with pytest.raises(ValueError, match="is no object"):
        parse_event(raw, NOW_MS)


def test_a_very_long_kind_is_not_repeated_whole():
    with pytest.raises(ValueError, match="is not known") as caught:
        parsed(kind="x" * 100_000)

    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("at", "kept_ms"),
    [
        ("9999-12-31T23:59:59-23:59", NOW_MS + DAY_MS),
        ("0001-01-01T00:00:00+23:59", 946_684_800_000),
        ("1970-01-01T00:00:00Z", 946_684_800_000),
        ("2026-11-17T08:00:00Z", 1_794_902_400_000),
    ],
)
def test_a_time_beyond_belief_is_moved_and_the_event_is_kept(at, kept_ms):
    assert parsed(at=at).at_ms == kept_ms


def test_a_detail_that_is_too_long_is_cut():
    assert len(parsed(detail="d" * 5_000).detail) == MAX_DETAIL_CHARS


def test_a_key_is_read_whatever_its_case():
    assert parsed(key="AB" * 16).key == GOOD["key"]


def test_no_two_kinds_share_a_rank():
    assert len({kind.rank for kind in ResultKind}) == len(ResultKind)


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        (ResultKind.COMPLAINED, ResultKind.OPTED_OUT),
        (ResultKind.BOUNCED, ResultKind.COMPLAINED),
        (ResultKind.CLICKED, ResultKind.BOUNCED),
        (ResultKind.OPENED, ResultKind.CLICKED),
        (ResultKind.DELIVERED, ResultKind.OPENED),
        (ResultKind.NO_ANSWER, ResultKind.ANSWERED),
        (ResultKind.DELIVERED, ResultKind.NO_ANSWER),
    ],
)
def test_the_stronger_kind_speaks(weaker, stronger):
    assert stronger.rank > weaker.rank
    assert speaking([stronger, weaker]) is stronger


def test_any_order_of_arrival_gives_the_same_word():
    some = [ResultKind.OPENED, ResultKind.DELIVERED, ResultKind.BOUNCED]

    assert {speaking(order) for order in permutations(some)} == {ResultKind.BOUNCED}
    assert speaking([]) is None


@pytest.mark.parametrize("kind", ResultKind)
def test_only_a_persons_word_and_a_dead_address_suppress(kind):
    asked = kind in (ResultKind.OPTED_OUT, ResultKind.COMPLAINED)

    assert suppresses(kind) is asked
    assert suppresses(kind, "hard: no such user") is (
        asked or kind is ResultKind.BOUNCED
    )


@pytest.mark.parametrize(
    ("detail", "is_hard"),
    [
        ("Hard bounce", True),
        ("permanent failure", True),
        ("550 5.1.1 unknown user", True),
        ("5.1.10 null MX", True),
        ("soft", False),
        ("452 4.2.2 mailbox full", False),
        ("hardly any room left", False),
        ("sent by 10.5.1.1", False),
        ("", False),
    ],
)
def test_a_bounce_is_hard_where_its_detail_says_so(detail, is_hard):
    assert suppresses(ResultKind.BOUNCED, detail) is is_hard


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"event_id": ""},
            "has no event_id; without it the same event counts twice",
        ),
        (
            {"key": ""},
            "names neither key nor provider_id; its record is unknown",
        ),
        ({"at": ""}, "has no at; write the time like 2026-11-23T09:00:00+01:00"),
        (
            {"at": "noon"},
            (
                "at 'noon' is no time with an offset from UTC; write it like "
                "2026-11-23T09:00:00+01:00"
            ),
        ),
    ],
)
def test_what_a_provider_forgot_is_named_in_a_sentence(changed, said):
    with pytest.raises(ValueError, match=r".") as caught:
        parsed(**changed)

    assert str(caught.value) == said


def test_an_id_may_be_as_long_as_the_bound():
    assert parsed(event_id="e" * MAX_ID_CHARS).event_id == "e" * MAX_ID_CHARS
    assert not suppresses(ResultKind.BOUNCED)


def test_events_have_the_digest_of_what_they_say_in_the_order_they_come():
    one, other = {"event_id": "a", "kind": "opened"}, {"event_id": "b"}

    assert events_digest([one, other]) == events_digest(
        [{"kind": "opened", "event_id": "a"}, other]
    )
    assert events_digest([one, other]) != events_digest([other, one])
    assert events_digest([one]) != events_digest([])
