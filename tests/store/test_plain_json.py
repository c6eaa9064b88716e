from __future__ import annotations

import json

import pytest

from watchfloor.store.plain_json import bounded_json, plain_json


def test_half_of_a_pair_becomes_a_question_mark_and_a_whole_one_stays():
    told = json.dumps({"half \ud83d": ["\ud83d", "\U0001f4de", "\\ud83d"]})

    assert plain_json(told) == {"half ?": ["?", "\U0001f4de", "\\ud83d"]}


@pytest.mark.parametrize(
    "said",
    [
        [{}] * 19,
        [[]] * 19,
        {str(number): "" for number in range(39)},
        [",[{" * 1_000, '",' * 1_000, "\\", '\\"'],
        {'",[' * 1_000: "[" * 1_000, '\\",' * 1_000: "\\\\"},
    ],
    ids=lambda said: json.dumps(said)[:20],
)
def test_what_says_few_values_is_read_whatever_its_strings_hold(said):
    assert bounded_json(json.dumps(said).encode(), 40) == said


@pytest.mark.parametrize(
    "text",
    [
        "[" + "{}," * 40 + "{}]",
        "[" + "[]," * 40 + "[]]",
        '["a"' + ',"b"' * 50 + "]",
        "[" * 50,
        '["\\\\"' + ',"\\\\"' * 50 + "]",
        '"' + "a,b" * 50 + '",' + "1," * 50,
        '"",' * 1_000,
    ],
    ids=lambda text: text[:12],
)
def test_what_says_more_values_is_not_even_parsed(text):
    with pytest.raises(ValueError, match="more than 40 values"):
        bounded_json(text.encode(), 40)


@pytest.mark.parametrize("text", ['"a,[{', '["a\\', '["' + '\\"' * 50, ""])
def test_a_string_without_an_end_is_no_json(text):
    with pytest.raises(ValueError, match=r"line 1 column"):
        bounded_json(text.encode(), 2)


def test_another_encoding_hides_nothing_from_the_count():
    with pytest.raises(ValueError, match="utf-8"):
        bounded_json(json.dumps([{}] * 50).encode("utf-16"), 40)
