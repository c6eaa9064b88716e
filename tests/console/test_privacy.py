from __future__ import annotations

import pytest

from watchfloor.console.columns import EVENT_COLUMNS, outcome_words
from watchfloor.console.event_lines import event_at_length
from watchfloor.console.privacy import shown_field, without_contact
from watchfloor.domain.identity import dedupe_key, new_id
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import EventView, RecordView

CONTACT = "+14155550123"


@pytest.mark.parametrize(
    "value", [CONTACT, "(415) 555-0123", "415 555 0123", " 4155550123 "]
)
def test_a_number_in_the_inputs_is_masked(value):
    assert "5550" not in shown_field(value, CONTACT).replace(" ", "").replace("-", "")


def test_an_address_is_masked_wherever_it_stands():
    said = without_contact("bounced for ada.lovelace@example.org today", CONTACT)

    assert said == "bounced for a***@example.org today"


def test_the_contact_is_masked_in_what_a_provider_said():
    assert CONTACT not in without_contact(f"line {CONTACT} is dead", CONTACT)


@pytest.mark.parametrize("value", ["Ada", "2026", "12.50", "prio-3"])
def test_what_is_no_contact_is_shown(value):
    assert shown_field(value, CONTACT) == value


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("stop: +49 151 2345678 complained", "stop: +4***5678 complained"),
        ("(415) 555-0123 is dead", "(4***23 is dead"),
        ("call 0151/2345678, please", "call 01***78, please"),
        ("tel:4155550123;ext=12", "tel:41***12"),
        ("+14155550123;ext=12.", "+1***0123;ext=***."),
        ("on 2026-11-22 +49.151.2345678", "on 2026-11-22 +4***5678"),
        ("4155550123_is_blocked", "41***23_is_blocked"),
        ("no_such_number_49_151_2345678", "no_such_number_49***78"),
        (
            "2026-11-22 and 0151 2345678 at 14:02:11",
            "2026-11-22 and 01***78 at 14:02:11",
        ),
    ],
)
def test_a_number_in_free_text_is_masked(said, shown):
    assert without_contact(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "2026-11-22 14:02:11 UTC",
        "since 2026-11-22T14:02:11.120Z, 11-23 15:00 and 2026-11-22",
        "goes out 23:24:36.120, ends 23:30",
        "open 09:00-20:00 and 08:00-19:30",
        "1,000,000 records, 12,345,678 attempts",
        "permits 16 -> 8, 20/s, 600/m, 3.5 %",
        "run 261122-155432-k7q2 has launch id 261122-155432-k7q2abcd",
        "261122-155432-2345 and 991231-235959-77777777",
        new_id(1_795_356_131_000, bytes(5)),
        f"key {dedupe_key('f', 's', bytes(range(16)), 1)}",
        "key 12345678901234567890123456789012",
        "no answer from 192.168.100.200:8080",
        "cmd 12345678-1234-1234-1234-123456789012",
        "http_503, sip 486, error_30007",
    ],
)
def test_times_ids_keys_and_counts_stay(said):
    assert without_contact(said) == said


@pytest.mark.parametrize(
    "part", ["1", "1 ", "(", "+(", "1-(", "a1", "1_", "1:", "26-", "1.", "2026-11-"]
)
def test_masking_looks_at_no_part_of_a_text_more_than_a_few_times(part):
    # Quadratic time would take minutes for this.
    assert without_contact(part * 300_000)


def test_a_number_in_the_journal_of_a_run_is_masked():
    event = EventView(
        entry_id=1,
        at_ms=0,
        run_id="r",
        event="stop",
        why="0151 2345678 complained",
        detail="so did ada@example.org",
    )
    cells = [column.text(event) for column in EVENT_COLUMNS]
    lines = [piece.text for line in event_at_length(event, 200) for piece in line]

    assert "so did a***@example.org" in cells
    assert "01***78 complained  so did a***@example.org" in cells
    assert " 01***78 complained  so did a***@example.org" in lines


def test_a_code_that_a_provider_made_up_is_masked():
    record = RecordView(
        seq=1,
        contact=CONTACT,
        state=RecordState.RETRY,
        outcome_class=OutcomeClass.TRANSIENT,
        code="busy_4155550123",
    )

    assert outcome_words(record) == "transient busy_41***23"
