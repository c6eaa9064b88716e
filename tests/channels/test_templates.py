from __future__ import annotations

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.channels.settings import MistakesError
from watchfloor.channels.templates import compiled_body, compiled_text
from watchfloor.domain.outcomes import Dispatch

HOSTILE = '"}, "admin": true, {"x": "${record.key} ${contact} $'


def record(**fields):
    return Dispatch(key="k1", contact="+12025550123", fields=fields)


def test_fills_columns_the_contact_and_the_key():
    text = compiled_text("Hi ${First name}, ${contact} (${record.key}) $5")

    assert text.filled(record(**{"First name": "Ann"})) == (
        "Hi Ann, +12025550123 (k1) $5"
    )


def test_what_is_filled_in_is_never_read_as_a_template():
    text = compiled_text("${a}${b}")

    assert text.filled(record(a="${", b="contact}")) == "${contact}"


def test_templates_are_filled_at_any_depth_and_keys_are_literal():
    body = compiled_body(
        {"${name}": 1, "to": {"all": [{"deep": "${name}"}, True, None, 1.5]}}
    )

    assert body.filled(record(name="Ann")) == {
        "${name}": 1,
        "to": {"all": [{"deep": "Ann"}, True, None, 1.5]},
    }
    assert body.placeholders == {"name"}


def test_the_contact_and_the_key_are_no_columns():
    body = compiled_body({"a": "${contact}", "b": "${record.key}"})

    assert body.placeholders == frozenset()


def test_a_hostile_value_stays_in_its_place():
    body = compiled_body({"name": "${name}"})

    sent = json.dumps(body.filled(record(name=HOSTILE)))

    assert json.loads(sent) == {"name": HOSTILE}


@given(st.text())
def test_any_value_survives_the_way_through_json(value):
    body = compiled_body({"list": ["<${name}>"]})

    sent = json.loads(json.dumps(body.filled(record(name=value))))

    assert sent == {"list": [f"<{value}>"]}


@pytest.mark.parametrize("source", ["${", "${}", "${a", "${a${b}}", "x ${a} ${"])
def test_a_placeholder_that_is_not_well_formed_is_refused(source):
    with pytest.raises(ValueError, match="not well formed"):
        compiled_text(source)


def test_of_a_record_there_is_only_the_key():
    with pytest.raises(ValueError, match=r"\$\{record.number\} is not known"):
        compiled_text("${record.number}")


def test_every_mistake_in_a_body_is_found_with_its_place():
    with pytest.raises(MistakesError) as caught:
        compiled_body(
            {"a": "${", "b": [1, {"c": float("nan")}], "d": datetime.date(2026, 1, 1)}
        )

    assert [path for path, _ in caught.value.found] == [".a", ".b[1].c", ".d"]


def test_a_missing_column_is_a_key_error():
    with pytest.raises(KeyError, match="name"):
        compiled_text("${name}").filled(record())
