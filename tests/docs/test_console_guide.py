"""What the console's guide says of preferences and words is so."""

from __future__ import annotations

import re
from pathlib import Path

from watchfloor.console.preferences import read_preferences

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "console.md").read_text(encoding="utf-8")
LABELS = (ROOT / "tests" / "reference" / "labels.tsv").read_text(encoding="utf-8")


def test_the_preferences_of_the_guide_can_be_used_as_they_stand(tmp_path):
    found = re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    path = tmp_path / "console.toml"
    path.write_text(found[1], encoding="utf-8")

    wishes, mistakes = read_preferences(path)

    assert mistakes == ()
    assert wishes.theme == "high-contrast"
    assert wishes.undo_s == 15
    assert wishes.keymap.key("run.pause") == "P"
    assert wishes.hidden["runs"] == {"ELAPSED", "ETA"}


def test_the_words_of_the_guide_are_those_of_the_labels():
    words = GUIDE.partition("\n## Words\n")[2]
    _, *rows = [
        "\t".join(cell.strip() for cell in line.strip("|").split("|"))
        for line in words.splitlines()
        if line.startswith("|") and "---" not in line
    ]
    known = LABELS.splitlines()

    assert len(rows) > 10
    assert [row for row in rows if row not in known] == []
