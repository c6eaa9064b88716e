from __future__ import annotations

import pytest

from watchfloor.intake.named_lists import named_lists


def test_lists_are_named_as_files_are_called_each_once():
    text = """
        [audience]
        suppression = ["a/one.csv", "./a//one.csv", "two.csv"]
        mistaken = "whatever"
    """

    assert named_lists(text) == ("a/one.csv", "two.csv")


@pytest.mark.parametrize(
    "named",
    ['"one.csv"', "{}", "[1, true]", '["../up.csv", "/etc/passwd", "~/x", ".", ""]'],
)
def test_what_no_launch_would_accept_names_no_list(named):
    assert named_lists(f"[audience]\nsuppression = {named}") == ()


@pytest.mark.parametrize("text", ["", "audience = 3", "[audience", "[steps]\na = 1"])
def test_a_text_without_an_audience_names_no_list(text):
    assert named_lists(text) == ()
