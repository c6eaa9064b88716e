from __future__ import annotations

import csv
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchfloor.domain.errors import ConfigError
from watchfloor.intake.contact_file import MAX_CELL_CHARS, MOST_BROKEN, ContactFile
from watchfloor.intake.logical_rows import MAX_ROW_CHARS, MAX_ROW_LINES, LogicalRows


def read(tmp_path, content):
    """Return the open file's traits and its rows."""
    path = tmp_path / "upload.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with ContactFile(path) as file:
        return file, list(file.rows())


def cells(rows):
    return [row.cells for row in rows if not row.problem]


def problems(rows):
    return [(row.row_no, row.problem) for row in rows if row.problem]


@pytest.mark.parametrize(
    ("encoding", "bom", "name"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", b"\xef\xbb\xbf", "utf-8"),
        ("cp1252", b"", "cp1252"),
        ("utf-16-le", b"\xff\xfe", "utf-16-le"),
        ("utf-16-be", b"\xfe\xff", "utf-16-be"),
        ("utf-16-le", b"", "utf-16-le"),
        ("utf-16-be", b"", "utf-16-be"),
    ],
)
def test_the_encoding_is_found_and_the_mark_is_no_part_of_the_header(
    tmp_path, encoding, bom, name
):
    text = "phone,name\n1,Zo\u00eb\n2,J\u00f6rg\n"

    file, rows = read(tmp_path, bom + text.encode(encoding))

    assert file.encoding == name
    assert file.header == ["phone", "name"]
    assert cells(rows) == [["1", "Zo\u00eb"], ["2", "J\u00f6rg"]]


def test_a_few_foreign_bytes_are_rejects_and_do_not_turn_the_file(tmp_path):
    good = "".join(f"{n},Zo\u00eb\n" for n in range(5)).encode()

    file, rows = read(tmp_path, b"phone,name\n" + good + b"9,Jos\xe9\n" + good)

    assert file.encoding == "utf-8"
    assert problems(rows) == [(6, "bytes in the row that are not utf-8")]
    assert rows[5].raw == "9,Jos\u00e9"
    assert len(cells(rows)) == 10


def test_a_byte_that_contradicts_the_sample_long_after_it_is_one_reject(tmp_path):
    plain = b"123,abc\n" * 50_000

    file, rows = read(tmp_path, b"phone,name\n" + plain + b"9,\x81\xff\n1,b\n")

    assert file.encoding == "utf-8"
    assert problems(rows) == [(50_001, "bytes in the row that are not utf-8")]
    assert rows[50_000].raw == "9,\x81\u00ff"
    assert rows[50_001].cells == ["1", "b"]


def test_half_a_utf_16_character_at_the_end_is_one_reject(tmp_path):
    content = b"\xff\xfe" + "phone,name\n1,a\n2,b".encode("utf-16-le") + b"\x41"

    _, rows = read(tmp_path, content)

    assert cells(rows) == [["1", "a"]]
    assert [number for number, _ in problems(rows)] == [2]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_though_cells_hold_the_others(tmp_path, delimiter):
    others = "".join(one for one in ",;|" if one != delimiter)
    rows = [["phone", "name", "note"], ["1", others, "x, y"], ["2", "b", others * 3]]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)

    file, found = read(tmp_path, out.getvalue())

    assert file.delimiter == delimiter
    assert cells(found) == rows[1:]


def test_a_file_of_one_column_needs_no_delimiter(tmp_path):
    file, rows = read(tmp_path, "phone\n1\n\n2")

    assert file.header == ["phone"]
    assert cells(rows) == [["1"], ["2"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_machine_and_raw_text_is_kept(tmp_path, end):
    lines = ["phone,note", '1,"two', 'lines"', "", "2,b"]

    _, rows = read(tmp_path, end.join(lines))

    assert [(row.row_no, row.line_no, row.raw) for row in rows] == [
        (1, 2, f'1,"two{end}lines"'),
        (2, 5, "2,b"),
    ]
    assert cells(rows) == [["1", f"two{end}lines"], ["2", "b"]]


def test_other_separators_of_unicode_end_no_line(tmp_path):
    _, rows = read(tmp_path, "phone,note\n1,a\u2028b\x0bc\x0cd\x85e\n2,b\n")

    assert cells(rows) == [["1", "a\u2028b\x0bc\x0cd\x85e"], ["2", "b"]]


def test_blank_lines_are_lines_and_no_rows(tmp_path):
    _, rows = read(tmp_path, "\n\nphone,name\n\n1,a\n   \n\t\n2,b\n,\n\n")

    assert [(row.row_no, row.line_no) for row in rows] == [(1, 5), (2, 8), (3, 9)]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("1", "too few cells: 1 for 3 columns"),
        ("1,a,b,c", "too many cells: 4 for 3 columns"),
        ("1,a\0,b", "a NUL byte in the row"),
        ('1,"a" b,c', "a quote is in the wrong place"),
        (f"1,{'x' * (MAX_CELL_CHARS + 1)},b", "a cell longer than 16,384 characters"),
        (f"1,{'x' * 300_000},b", "a row longer than 65,536 characters, cut here"),
        (f'1,"{"x" * 300_000},b', "a row longer than 65,536 characters, cut here"),
    ],
)
def test_a_bad_row_is_one_reject_and_the_rows_around_it_are_read(
    tmp_path, row, problem
):
    _, rows = read(tmp_path, f"phone,name,note\n7,a,b\n{row}\n8,c,d\n")

    assert problems(rows) == [(2, problem)]
    assert rows[1].raw == row[:MAX_ROW_CHARS]
    assert cells(rows) == [["7", "a", "b"], ["8", "c", "d"]]
    assert rows[2].line_no == 4


@pytest.mark.parametrize("after", [5, MAX_ROW_LINES - 1, 5 * MAX_ROW_LINES])
@pytest.mark.parametrize("closing", ["", '9,z,"end"\n', '9,z,end"\n'])
def test_an_unclosed_quote_costs_its_own_line_only(tmp_path, after, closing):
    good = "".join(f"{n},a,b\n" for n in range(after))

    _, rows = read(tmp_path, f'phone,name,note\n1,"oops,b\n{good}{closing}')

    assert problems(rows) == [(1, "a quote is not closed")]
    assert rows[0].raw == '1,"oops,b'
    assert len(rows) == 1 + after + bool(closing)
    assert [row.line_no for row in rows] == list(range(2, len(rows) + 2))


def test_a_file_that_has_long_held_no_row_is_given_up(tmp_path):
    """An open quote before a text of many lines would be as many rejects."""
    torn = 'id,name\n1,Ann\n2,"open\n' + "x\n" * MOST_BROKEN

    with pytest.raises(
        ConfigError, match=r"from row 2 on 50,000 rows in a row"
    ) as told:
        read(tmp_path, torn)

    assert "(row 50,002, line 50,003: too few cells: 1 for 2 columns)" in str(
        told.value
    )
    apart = "id,name\n" + "x\n" * MOST_BROKEN + "1,Ann\n" + "x\n" * MOST_BROKEN
    assert cells(read(tmp_path, apart)[1]) == [["1", "Ann"]]


@pytest.mark.parametrize("blank", ["\n", "\r\n", "\r", " \t\n"])
def test_blank_lines_one_after_another_are_read_as_one(blank):
    lines = ["a,b\n", *[blank] * 5_000, '"c\n', blank, 'd",e\n', *[blank] * 3]

    rows = [(row.cells, row.lines) for row in LogicalRows(iter(lines), delimiter=",")]

    held = f"c\n{blank}d"
    told = [(["a", "b"], 1), ([], 5_000), ([held, "e"], 3), ([], 3)]
    assert rows == told


def test_blank_lines_behind_a_broken_row_are_counted(tmp_path):
    _, rows = read(tmp_path, 'h,i\n1,"2\n\n \n\n3,4\n')

    assert [(row.row_no, row.line_no, row.cells) for row in rows][1:] == [
        (2, 6, ["3", "4"])
    ]
    assert problems(rows) == [(1, "a quote is not closed")]


def test_a_quoted_text_may_hold_delimiters_and_blank_lines(tmp_path):
    note = "Dear Ann,\n\nthanks; and, well, bye"

    _, rows = read(tmp_path, f'phone,name,note\n1,a,"{note}"\n2,b,c\n')

    assert cells(rows) == [["1", "a", note], ["2", "b", "c"]]


def test_the_rows_can_be_read_again_from_the_first(tmp_path):
    path = tmp_path / "upload.csv"
    path.write_text("phone\n1\n2\n", encoding="utf-8")

    with ContactFile(path) as file:
        assert list(file.rows()) == list(file.rows())
        assert file.position == file.size


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"\n\n  \n", "the file is empty"),
        (b"phone,name\n", "no row"),
        (b"phone,name\n\n", "no row"),
        (b"PK\x03\x04" + bytes(100), "an Excel workbook"),
        (b"%PDF-1.7\n", "a PDF"),
        (bytes(range(256)) * 20, "a binary file"),
        (b"\x7fELF\x02\x01\x01" + bytes(9), "NUL byte"),
        (b"pho\x00ne,name\n1,2\n", "NUL byte"),
        (b'"phone,name\n1,2\n', "a quote is not closed"),
        (b"ph\xffne,Zo\xc3\xab\n1,2\n3,\xc3\xab\n", "not utf-8"),
    ],
)
def test_a_file_that_is_no_contact_file_is_refused(tmp_path, content, reason):
    with pytest.raises(ConfigError, match=reason):
        read(tmp_path, content)


def test_a_file_that_cannot_be_opened_is_refused_in_a_sentence(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, reason in [
        (tmp_path / "none.csv", "no such file"),
        (tmp_path, "this is a directory"),
        (pipe, "no regular file"),
    ]:
        with pytest.raises(ConfigError, match=reason):
            ContactFile(path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_a_file_whose_bytes_cannot_be_had_is_refused_in_a_sentence():
    with pytest.raises(ConfigError, match=r"cannot be read: .* error; check its name"):
        ContactFile(Path("/proc/self/mem"))


def test_memory_does_not_grow_with_the_file_or_with_a_line(tmp_path):
    path = tmp_path / "upload.csv"
    with path.open("wb") as file:
        file.write(b"phone,name\n" + b"+12025550143,Ann\n" * 50_000)
        for _ in range(30):
            file.write(b"x" * 100_000)
        file.write(b"\n1,a\n")

    with ContactFile(path) as contacts:
        tracemalloc.start()
        rows = sum(1 for _ in contacts.rows())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert rows == 50_002
    assert peak < 2_000_000


ROWS = "x,y,z\n" * 120
HEAD = f"phone,name,note\n{ROWS}"
PIECES = st.sampled_from(
    ["a", "\u00e9", "\u674e", '"', '""', ",", ";", "\n", "\r\n", "\r", " ", "\0", "1"]
)


@settings(max_examples=200, deadline=None)
@given(body=st.lists(PIECES, max_size=60).map("".join), foreign=st.binary(max_size=6))
def test_whatever_the_rows_hold_every_line_is_accounted_for(
    tmp_path_factory, body, foreign
):
    path = tmp_path_factory.mktemp("fuzz") / "upload.csv"
    path.write_bytes(HEAD.encode() + body.encode() + foreign)

    with ContactFile(path) as file:
        rows = list(file.rows())

    assert [row.row_no for row in rows] == list(range(1, len(rows) + 1))
    numbers = [row.line_no for row in rows]
    assert numbers == sorted(set(numbers))
    for row in rows:
        assert row.problem or len(row.cells) == 3
        row.raw.encode()
    if not foreign and file.encoding == "utf-8":
        kept = "".join("".join(row.raw.split()) for row in rows)
        assert kept == "".join((ROWS + body).split())


TABLES = st.lists(
    st.tuples(*[st.text("ab,;\"\n\r '|\t\u00e9", max_size=6)] * 3), max_size=8
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=TABLES)
def test_a_well_formed_file_is_read_as_it_was_written(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("fuzz") / "upload.csv"
    rows = [("1", "b", "c"), *table]
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write("phone,name,note\n")
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)

    with ContactFile(path) as file:
        found = [row.cells for row in file.rows() if not row.problem]
        refused = [row.raw for row in file.rows() if row.problem]

    # A quoted text with lines that are whole rows is taken for an unclosed quote.
    swallowing = [
        row
        for row in rows
        if any(
            line.count(",") == 2
            for cell in row
            for line in cell.replace("\r", "\n").split("\n")[1:]
        )
    ]
    if not swallowing:
        assert refused == []
        assert found == [list(row) for row in rows]
