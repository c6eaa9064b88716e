"""The house rules that no linter knows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "watchfloor"
MODULES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE = 400

#: Test folders that mirror no floor: whole journeys, what is written about them, and
#: tables to check against.
OTHER_FOLDERS = {
    "docs",
    "e2e",
    "kills",
    "reference",
    "simulation",
    "support",
    "threats",
}

#: Names that say nothing of what is inside.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}

#: What git tracks, without asking git: a source archive has none.
TRACKED = ("src", "tests", "docs", "benchmarks", "sample_data", ".ci", ".github")
TEXT = {".py", ".md", ".toml", ".txt", ".tsv", ".csv", ".yml", ".yaml", ".tcss", ""}
HOME = re.compile(r"/(?:home/\w|Users/\w|root/)")


def tracked_texts():
    inside = [path for folder in TRACKED for path in (ROOT / folder).rglob("*")]
    found = [*inside, *ROOT.iterdir()]
    return sorted(
        path
        for path in found
        if path.is_file()
        and path.suffix in TEXT
        and "__pycache__" not in path.parts
        and not path.name.startswith(".coverage")
    )


def sources():
    for path in MODULES:
        yield path.relative_to(SOURCE), path.read_text(encoding="utf-8")


def test_no_file_is_longer_than_a_sitting():
    long = {
        str(name): lines
        for name, text in sources()
        if (lines := len(text.splitlines())) > LONGEST_FILE
    }
    assert not long


def test_every_module_says_in_a_sentence_what_belongs_there():
    said = {name: ast.get_docstring(ast.parse(text)) or "" for name, text in sources()}
    ends = (".", "?", "!", ":")

    assert len(said) == len(MODULES) > 0
    first = {str(name): (text.splitlines() or [""])[0] for name, text in said.items()}
    assert not [
        name for name, line in first.items() if not line.rstrip('"').endswith(ends)
    ]


def test_no_module_has_a_name_that_says_nothing():
    named = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}

    assert not named & EMPTY_NAMES


def test_every_test_folder_mirrors_a_floor_or_is_a_known_one():
    floors = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}

    assert folders - {"__pycache__"} <= floors | OTHER_FOLDERS


def test_no_test_file_hides_from_the_collector():
    for path in (ROOT / "tests").rglob("*.py"):
        defines = "\ndef test_" in path.read_text(encoding="utf-8")
        assert path.name.startswith("test_") or not defines, path


def test_pins_name_no_address():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")

    assert "==" in pins
    assert "://" not in pins
    assert " @ " not in pins


def test_no_text_carries_the_path_of_somebodys_home():
    texts = tracked_texts()
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in texts
        if (match := HOME.search(path.read_text(encoding="utf-8", errors="replace")))
    ]

    assert ROOT / "README.md" in texts
    assert found == []
