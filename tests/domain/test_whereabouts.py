from __future__ import annotations

import pytest

from watchfloor.domain.whereabouts import (
    Whereabouts,
    elsewhere_lines,
    elsewhere_said,
    home_said,
    is_elsewhere,
    still_there_said,
    whereabouts_in,
)

HERE = Whereabouts("8:100", "/srv/floor two")


@pytest.mark.parametrize(
    ("then", "elsewhere"),
    [
        (None, False),
        (HERE, False),
        (HERE._replace(path="/srv/old"), False),
        (HERE._replace(file="9:100"), False),
        (Whereabouts("8:101", "/srv/old"), True),
        (Whereabouts("9:100", "/srv/old"), True),
    ],
)
def test_elsewhere_is_another_file_at_another_path(then, elsewhere):
    assert is_elsewhere(then, HERE) is elsewhere


def test_what_is_kept_is_read_again_and_nothing_else():
    assert whereabouts_in(HERE.kept) == HERE
    assert [whereabouts_in(kept) for kept in ("", "8:100", "8:100 ", " /srv")] == [
        None
    ] * 4


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (None, "no engine is known to have run it"),
        (HERE, "it is where an engine last ran it"),
        (HERE._replace(path="/srv/old"), "it is where an engine last ran it"),
        (
            Whereabouts("9:100", "/srv/old"),
            "an engine last ran it as /srv/old, and nothing of it is left to do",
        ),
    ],
)
def test_being_at_home_is_told_by_what_it_comes_of(then, said):
    assert home_said(then, HERE) == said


def test_every_sentence_names_both_places_and_a_way_out():
    then = Whereabouts("8:1", "/srv/old")
    for said in (elsewhere_said(then, HERE), still_there_said(then, HERE)):
        assert "/srv/old" in said
        assert "/srv/floor two" in said
        assert "contact the same people" in said
        assert "nothing was changed or sent" in said
    assert "watchfloor --workspace '/srv/floor two' engine --moved. " in elsewhere_said(
        then, HERE
    )
    told = " ".join(elsewhere_lines(then, HERE))
    assert told.count("/srv/old") == 2
    assert "/srv/floor two" in told
