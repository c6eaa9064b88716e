"""Files of anchors: what each line is, whatever somebody did to it."""

from __future__ import annotations

from watchfloor.domain.anchors import anchors_in, parsed_anchors

#: What no crash leaves of an anchor.
WRONG = "not an anchor"


def test_many_wrong_lines_are_named_to_a_few_and_counted():
    file = parsed_anchors([WRONG] * 30, "anchors.jsonl")

    assert file.wrong == tuple(range(1, 31))
    assert anchors_in([file]) == []
    assert "more are no anchor" in file.wrong_said
    assert file.wrong_said.startswith("anchors.jsonl, lines 1, 2, ")


def test_a_file_without_a_wrong_line_says_nothing_of_one():
    file = parsed_anchors(["", "  "], "anchors.jsonl")

    assert (file.wrong_said, file.torn_said) == ("", "")
