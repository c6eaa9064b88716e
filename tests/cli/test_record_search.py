from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from tests.cli.shell import campaign_text, carry_out, people

#: More than any one read looks at.
COUNT = 120_000
LEFT = (90_000, 119_000)

FILL = """
WITH RECURSIVE n(seq) AS (SELECT 4 UNION ALL SELECT seq + 1 FROM n WHERE seq < {count})
INSERT INTO {into} FROM n
"""
RECORDS = "record (run_no, seq, state, updated_at_ms) SELECT 1, seq, 6, 1"
CONTACTS = """contact (run_no, seq, row_no, contact, digest, values_json)
SELECT 1, seq, seq, 'c' || seq, zeroblob(16), '["c","Ann"]'"""


@pytest.fixture
def large(shell, tmp_path):
    """A run of very many records, of which two were not attempted."""
    upload = people(tmp_path / "people.csv", 3)
    run = shell.launched(campaign_text(tmp_path, "autumn"), upload)
    carry_out(shell.root)
    with closing(sqlite3.connect(shell.layout.state)) as store, store:
        for into in (RECORDS, CONTACTS):
            store.execute(FILL.format(count=COUNT, into=into))
        store.execute("UPDATE record SET state = 9 WHERE seq IN (?, ?)", LEFT)
        store.execute("UPDATE books SET not_attempted = 2, records = ?", (COUNT,))
    return run


@pytest.mark.parametrize(
    "wanted", [["--state", "not_attempted"], ["--where", 'state = "not_attempted"']]
)
def test_rare_records_are_found_wherever_in_the_run_they_stand(shell, large, wanted):
    both = shell("records", large, *wanted)
    first = shell("records", large, *wanted, "--limit", 1)

    assert [line.split()[0] for line in both.out.splitlines()[1:]] == [
        "90,000",
        "119,000",
    ]
    assert both.err == ""
    assert first.err == "more: --after 90000\n"


def test_nothing_is_found_only_after_all_was_looked_at(shell, large):
    answer = shell("records", large, "--where", 'contact = "nobody"', "--json")

    assert (answer.code, answer.json) == (0, [])


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("seq >", "the filter cannot be used: column 6"),
        ('sea = "x"', "the filter cannot be used: column 1: there is no field sea"),
    ],
)
def test_a_filter_that_is_none_says_where_it_is_wrong(busy, where, said):
    answer = busy("records", busy.run_of("promising"), "--where", where)

    assert answer.code == 1
    assert said in answer.err
    assert answer.out == ""
