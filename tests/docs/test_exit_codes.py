"""What is told of exit codes, held equal to the codes there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from watchfloor.cli import exits
from watchfloor.cli.parser import parser

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    "told", [README.read_text("utf-8"), parser().format_help()], ids=["README", "help"]
)
def test_every_exit_code_is_told_and_no_other(told):
    codes = {value for value in vars(exits).values() if isinstance(value, int)}
    sentence = told.split("Exit codes: ")[1].split(".")[0]

    assert set(map(int, re.findall(r"\d+", sentence))) == codes
