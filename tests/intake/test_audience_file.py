from __future__ import annotations

import json

import pytest

from watchfloor.domain.campaign import Audience
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.identity import contact_digest
from watchfloor.domain.records import RejectKind
from watchfloor.intake.audience_file import AudienceReader

PHONES = Audience(contact="phone", region="US", required=("first_name",))
HEADER = "phone,first_name,country\n"


@pytest.fixture
def upload(tmp_path):
    """Return what writes an upload and gives its path."""

    def write(text):
        path = tmp_path / "upload.csv"
        path.write_bytes(text.encode())
        return path

    return write


def everything(path, audience=PHONES, *, by_recipient=False, **how):
    with AudienceReader(path, audience, by_recipient=by_recipient) as reader:
        batches = list(reader.batches(**how))
    candidates = [one for batch in batches for one in batch.candidates]
    rejects = [one for batch in batches for one in batch.rejects]
    return candidates, rejects, batches


def test_a_valid_row_becomes_a_candidate_with_contact_digest_and_values(upload):
    (candidate,), rejects, (batch,) = everything(
        upload(HEADER + '(202) 555-0143,"Zo\u00eb ""Z""\tB\\",US\n')
    )

    assert rejects == []
    assert candidate.row_no == 1
    assert candidate.contact == "+12025550143"
    assert candidate.digest == contact_digest("phone", "+12025550143")
    assert candidate.values_json == '["(202) 555-0143","Zo\u00eb \\"Z\\"\\tB\\\\","US"]'
    assert candidate.raw == '(202) 555-0143,"Zo\u00eb ""Z""\tB\\",US'
    assert batch.rows == 1
    assert batch.position == len(HEADER.encode()) + len(candidate.raw.encode()) + 1


@pytest.mark.parametrize("cell", ["Ann", "Zo\u00eb \u674e", "a/b", "\x7f", "a\u2028b"])
def test_the_quick_way_to_json_writes_what_json_writes(upload, cell):
    (candidate,), _, _ = everything(upload(f"{HEADER}+12025550143,{cell},US\n"))

    values = ["+12025550143", cell, "US"]
    expected = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    assert candidate.values_json == expected


def test_a_row_that_cannot_be_used_is_an_invalid_reject_with_its_reason(upload):
    rows = "12345,Ann,US\n+12025550143,  ,US\n+12025550144,Ben\n,,\n+12025550145,C,US"

    candidates, rejects, _ = everything(upload(HEADER + rows))

    assert [one.row_no for one in candidates] == [5]
    assert [(one.row_no, one.reason) for one in rejects] == [
        (1, "not a valid phone number"),
        (2, "the required column 'first_name' is empty"),
        (3, "too few cells: 2 for 3 columns"),
        (4, "the required column 'first_name' is empty"),
    ]
    assert {one.kind for one in rejects} == {RejectKind.INVALID}
    assert rejects[0].raw == "12345,Ann,US"


def test_the_region_comes_from_the_row_and_else_from_the_campaign(upload):
    audience = Audience(contact="phone", region="US", region_column="country")
    rows = "020 7946 0123,a, gb\n202-555-0143,b,\n+442079460124,c,Nowhere\n1,d,UK\n"

    candidates, rejects, _ = everything(upload(HEADER + rows), audience)

    assert [one.contact for one in candidates] == [
        "+442079460123",
        "+12025550143",
        "+442079460124",
    ]
    assert [one.reason for one in rejects] == [
        "unknown region; two letters such as US or GB"
    ]


@pytest.mark.parametrize(
    ("kind", "cell", "contact"),
    [("email", "Ann@EXAMPLE.org", "Ann@example.org"), ("id", " K-7 ", "K-7")],
)
def test_other_kinds_of_contact_are_normalised_in_their_own_way(
    upload, kind, cell, contact
):
    audience = Audience(contact="who", kind=kind)

    (candidate,), (reject,), _ = everything(upload(f"who,x\n{cell},1\n,2\n"), audience)

    assert candidate.contact == contact
    assert candidate.digest == contact_digest(kind, contact)
    assert reject.reason.startswith("no ")


def test_batches_have_the_size_asked_for_and_count_both_ways(upload):
    rows = "".join(f"+120255501{n:02},A,US\n,B,US\n" for n in range(10))

    _, _, batches = everything(upload(HEADER + rows), size=6)

    assert [batch.rows for batch in batches] == [6, 6, 6, 2]
    assert all(
        batch.rows == len(batch.candidates) + len(batch.rejects) for batch in batches
    )
    positions = [batch.position for batch in batches]
    assert positions == sorted(positions)


@pytest.mark.parametrize("skip", [0, 1, 7, 19, 20, 99])
def test_a_resumed_reading_gives_the_rest_with_the_same_numbers(upload, skip):
    rows = "".join(f'+120255501{n:02},"A\nB",US\n1,"B,US\n' for n in range(10))
    path = upload(HEADER + rows)
    candidates, rejects, _ = everything(path)
    assert len(candidates) + len(rejects) == 20

    later, refused, _ = everything(path, size=3, skip_rows=skip)

    assert later == [one for one in candidates if one.row_no > skip]
    assert refused == [one for one in rejects if one.row_no > skip]


def test_nobody_asked_for_zones_and_none_are_looked_up(upload):
    audience = Audience(contact="phone", zone_column="zone")

    (candidate,), rejects, _ = everything(
        upload("phone,zone\n+12025550143,Nowhere\n"), audience
    )

    assert candidate.zones == ""
    assert rejects == []


def test_a_phone_carries_all_zones_it_may_be_in(upload):
    rows = "+12025550143,Ann,US\n+34737648214,Eva,ES\n+12025550144;ext=7,Bea,US\n"

    candidates, rejects, _ = everything(upload(HEADER + rows), by_recipient=True)

    assert rejects == []
    assert [one.zones for one in candidates] == [
        "America/New_York",
        "Atlantic/Canary|Europe/Madrid",
        "America/New_York",
    ]
    plain, _, _ = everything(upload(HEADER + rows))
    assert [one._replace(zones="") for one in candidates] == plain


def test_the_zone_column_comes_before_the_number_and_an_empty_cell_does_not(upload):
    audience = Audience(contact="phone", zone_column="zone")
    rows = "+12025550143, Europe/Berlin \n+12025550144, \n+80012345678,UTC\n"

    candidates, rejects, _ = everything(
        upload("phone,zone\n" + rows), audience, by_recipient=True
    )

    assert rejects == []
    assert [one.zones for one in candidates] == [
        "Europe/Berlin",
        "America/New_York",
        "UTC",
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("+12025550143,Nowhere/Land", "'Nowhere/Land' is no time zone"),
        ("+12025550143,europe/berlin", "'europe/berlin' is no time zone"),
        ("+80012345678,", "no time zone is known for this contact"),
        ("12,Nowhere", "no + and no region to read the number by"),
        # What may be a contact, or a trick on the terminal, is not repeated.
        ("+12025550143,+12025550144", "what stands for the zone is no time zone"),
        ("+12025550143,ann@example.org", "what stands for the zone is no time zone"),
        ("+12025550143,\x1b[2Jx", "what stands for the zone is no time zone"),
        ("+12025550143," + "x" * 41, "what stands for the zone is no time zone"),
    ],
)
def test_a_row_without_a_usable_zone_is_a_reject(upload, row, reason):
    audience = Audience(contact="phone", zone_column="zone")

    candidates, (reject,), _ = everything(
        upload(f"phone,zone\n{row}\n"), audience, by_recipient=True
    )

    assert candidates == []
    assert reject == (1, RejectKind.INVALID, reason, row)


def test_only_a_column_knows_the_zone_of_an_address(upload):
    audience = Audience(contact="who", kind="email", zone_column="zone")
    rows = "ann@example.org,Asia/Tokyo\nben@example.org,\n"

    (candidate,), (reject,), _ = everything(
        upload("who,zone\n" + rows), audience, by_recipient=True
    )

    assert candidate.zones == "Asia/Tokyo"
    assert reject.reason == "no time zone is known for this contact"


def test_the_zone_is_found_behind_the_columns_of_a_fix_file(upload):
    audience = Audience(contact="phone", zone_column="zone")
    header = "watchfloor_row,watchfloor_reason,phone,zone\n"

    (candidate,), _, _ = everything(
        upload(f"{header}7,no zone,+12025550143,Asia/Tokyo\n"),
        audience,
        by_recipient=True,
    )

    assert candidate.zones == "Asia/Tokyo"
    assert candidate.values_json == '["+12025550143","Asia/Tokyo"]'


def test_a_zone_column_that_is_not_there_is_named(upload):
    audience = Audience(contact="phone", zone_column="time_zone")

    with pytest.raises(ConfigError, match="no zone column 'time_zone'; did you mean"):
        AudienceReader(upload("phone,Timezone\n1,2\n"), audience)


def test_missing_columns_are_named_with_those_that_are_there(upload):
    audience = Audience(
        contact="phone", region_column="country", required=("first_name", "age")
    )

    with pytest.raises(ConfigError) as refused:
        AudienceReader(upload("Phone,Firstname,x\n1,2,3\n"), audience)

    contact, region, first, age = refused.value.mistakes
    assert "upload.csv: no contact column 'phone'; did you mean 'Phone'?" in contact
    assert contact.endswith("the columns are: Phone, Firstname, x")
    assert "no region column 'country'" in region
    assert "did you mean 'Firstname'?" in first
    assert "did you mean" not in age


def test_a_file_without_header_is_refused_without_showing_anybodys_number(upload):
    with pytest.raises(ConfigError, match="the first line is a row") as refused:
        AudienceReader(upload("+12025550143,Ann\n+12025550144,Ben\n"), PHONES)

    assert "2025550143" not in str(refused.value)


def test_two_columns_of_one_name_are_refused(upload):
    with pytest.raises(ConfigError, match="two columns are called 'first_name'"):
        AudienceReader(upload("phone,first_name, first_name\n1,2,3\n"), PHONES)


def test_hostile_column_names_do_not_reach_the_message(upload):
    with pytest.raises(ConfigError) as refused:
        AudienceReader(upload(f"\x1b]52;c;x\x07{'y' * 99},b\n1,2\n"), PHONES)

    assert all(one.isprintable() for one in refused.value.mistakes)
    assert "y" * 50 not in str(refused.value)


def test_unnamed_columns_get_their_place_as_name(upload):
    with AudienceReader(upload("phone,first_name,,\n+12025550143,A,,\n"), PHONES) as it:
        assert it.columns == ("phone", "first_name", "column_3", "column_4")


def test_the_columns_of_a_fix_file_are_neither_columns_nor_values(upload):
    path = upload(
        "watchfloor_row,watchfloor_reason,phone,first_name\n"
        '7,"too few, ""really""",+12025550143,Ann\n'
        "8,no phone number,,Ben\n"
    )

    (candidate,), (reject,), _ = everything(path)

    assert candidate.row_no == 1
    assert candidate.values_json == '["+12025550143","Ann"]'
    assert candidate.raw == "+12025550143,Ann"
    assert reject.raw == ",Ben"
    with AudienceReader(path, PHONES) as reader:
        assert reader.columns == ("phone", "first_name")
        assert reader.raw_header == "phone,first_name"


def test_the_columns_of_a_fix_file_may_have_been_moved(upload):
    path = upload(
        "phone,watchfloor_reason,first_name,watchfloor_row\n+12025550143,why,Ann,7\n"
    )

    (candidate,), _, _ = everything(path)

    assert candidate.values_json == '["+12025550143","Ann"]'


def test_a_closed_reader_has_closed_its_file(upload):
    reader = AudienceReader(upload(f"{HEADER}1,2,3\n"), PHONES)
    reader.close()
    reader.close()

    with pytest.raises(ValueError, match="closed"):
        list(reader.batches())
