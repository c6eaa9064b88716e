from __future__ import annotations

import pytest

from watchfloor.domain.filters import (
    And,
    Comparison,
    Emptiness,
    Field,
    FilterError,
    Membership,
    Not,
    Operator,
    Or,
    depth_of,
    fields_of,
    written,
)

US = Comparison(Field("country", 1), Operator.EQUAL, "US")
BUSY = Membership(Field("call.code", 20), ("busy", "no_answer"))
NAMELESS = Emptiness(Field("first name", 50))


def test_the_fields_come_in_the_order_of_the_text_as_often_as_they_stand_there():
    wanted = And((US, Not(Or((BUSY, US))), NAMELESS))

    names = [field.name for field in fields_of(wanted)]

    assert names == ["country", "call.code", "country", "first name"]


def test_a_field_knows_its_column():
    assert [field.column for field in fields_of(Or((US, BUSY)))] == [1, 20]


@pytest.mark.parametrize(
    ("wanted", "depth"),
    [(US, 0), (Not(US), 1), (And((US, Or((BUSY, Not(NAMELESS))))), 3)],
)
def test_the_depth_is_what_stands_over_the_deepest_comparison(wanted, depth):
    assert depth_of(wanted) == depth


@pytest.mark.parametrize("name", ["country", "call.code", "_x1", "straße", "call.in"])
def test_a_plain_name_is_written_as_it_is(name):
    assert written(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("first name", "`first name`"),
        ("first-name", "`first-name`"),
        ("2nd", "`2nd`"),
        ("In", "`In`"),
        ("a`b", "`a``b`"),
        ("", "``"),
        ("a..b", "`a..b`"),
    ],
)
def test_any_other_name_is_written_in_backquotes(name, shown):
    assert written(name) == shown


def test_an_error_says_its_column_first():
    error = FilterError(14, "expected a value")

    assert error.column == 14
    assert str(error) == "column 14: expected a value"
    assert isinstance(error, ValueError)
