from __future__ import annotations

import pytest

from watchfloor.domain.campaign import Audience
from watchfloor.intake.audience_file import AudienceReader
from watchfloor.intake.rejects import write_rejects

AUDIENCE = Audience(contact="phone", region="US", required=("first_name",))


def rejects_of(path):
    with AudienceReader(path, AUDIENCE) as reader:
        found = [one for batch in reader.batches() for one in batch.rejects]
        return reader.raw_header, reader.delimiter, found


def kind_of(reject):
    """Return the reason without its figures: a fix file has two columns more."""
    return reject.reason.partition(":")[0]


def export(path, header, delimiter, rejects):
    with path.open("w", encoding="utf-8", newline="") as out:
        return write_rejects(out, header, delimiter, rejects)


def test_the_reason_stands_in_front_and_the_row_is_untouched(tmp_path):
    path = tmp_path / "fix.csv"

    rows = export(
        path,
        "phone;note",
        ";",
        [
            (3, "invalid", "no phone number", ';"a ""b"""'),
            (9, "duplicate", 'of "row" 2; twice\n', "=cmd;\u202ex"),
            (10, "suppressed", "", "1;2"),
        ],
    )

    assert rows == 3
    assert path.read_text(encoding="utf-8") == (
        "watchfloor_row;watchfloor_reason;phone;note\n"
        '3;no phone number;;"a ""b"""\n'
        '9;"of ""row"" 2; twice";\'=cmd;\u202ex\n'
        "10;suppressed;1;2\n"
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rejects_that_are_not_corrected_come_back_the_same_any_number_of_times(
    tmp_path, delimiter
):
    rows = [
        "phone,first_name,note",
        "12345,Ann,x",
        '1,"Two\nlines",x',
        '2,"never closed,x',
        '3,"closed" badly,x',
        "4,too few",
        "5,N\0l,x",
        "6, ,=cmd|x;\ty",
    ]
    path = tmp_path / "upload.csv"
    text = "\n".join(rows).replace(",", delimiter)
    path.write_text(text, encoding="utf-8", newline="")
    header, found_delimiter, first = rejects_of(path)
    assert found_delimiter == delimiter
    assert len(first) >= 7

    before = first
    for turn in range(3):
        again = tmp_path / f"fix-{turn}.csv"
        export(again, header, delimiter, [(r[0], *r[1:]) for r in before])
        header_again, _, after = rejects_of(again)
        assert header_again == header
        assert [one.raw for one in after] == [one.raw for one in before]
        assert [kind_of(one) for one in after] == [kind_of(one) for one in before]
        before = after


def test_a_corrected_fix_file_goes_in_as_candidates(tmp_path):
    path = tmp_path / "upload.csv"
    path.write_text("phone,first_name\n2025550143.0,Jos\u00e9\n", encoding="utf-8")
    header, delimiter, rejects = rejects_of(path)
    fix = tmp_path / "fix.csv"
    export(fix, header, delimiter, rejects)

    text = fix.read_text(encoding="utf-8").replace("2025550143.0", "2025550143")
    fix.write_text(text, encoding="utf-8")

    with AudienceReader(fix, AUDIENCE) as reader:
        (batch,) = reader.batches()
    assert [one.contact for one in batch.candidates] == ["+12025550143"]
    assert batch.candidates[0].values_json == '["2025550143","Jos\u00e9"]'
