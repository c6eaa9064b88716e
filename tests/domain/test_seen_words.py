from __future__ import annotations

import pytest

from watchfloor.domain.seen_words import seen_words


def test_the_figures_that_were_on_the_screen_are_told_by_name():
    assert seen_words('{"untouched": 1408, "in_flight": 2}') == (
        "untouched 1,408, in flight 2"
    )


def test_what_is_no_number_is_told_as_people_say_it():
    said = '{"launched": true, "is_late": false, "mode": "all", "codes": ["a"]}'

    assert seen_words(said) == 'launched yes, is late no, mode all, codes ["a"]'


@pytest.mark.parametrize("nothing", ["", "{}", "null"])
def test_nothing_is_told_of_nothing(nothing):
    assert seen_words(nothing) == ""


@pytest.mark.parametrize("odd", ["no json", "[1]", "7", '"text"', "[" * 100_000])
def test_what_is_no_object_is_told_as_it_stands(odd):
    assert seen_words(odd) == odd
