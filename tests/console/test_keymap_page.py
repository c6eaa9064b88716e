"""docs/keymap.md says what the key table says; WATCHFLOOR_KEYMAP=write writes it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from watchfloor.console.keymap import ACTS, CHAINS, RESERVED, Act, Keymap, shown_keys

PAGE = Path(__file__).parents[2] / "docs" / "keymap.md"

HEAD = """\
# The keys

Made from the console's key table; `WATCHFLOOR_KEYMAP=write` before
`python -m pytest tests/console/test_keymap_page.py` writes it anew. `?` shows the same
in the console, as it is in force there.

`^d` is ctrl+d. Act is the name by which the
[preferences](guides/console.md#preferences) change a key; an act without a key is found
in the palette. **Run** marks what changes a run: it needs an armed console that may
write.
"""

#: Where the keys of a scope hold, in the order of the page.
PLACES = {
    "main": "On the jobs screen",
    "nav": "To a screen: from the jobs, and from one screen to another",
    "table": "In a list",
    "app": "The console as a whole",
    "sheet": "On every screen over the jobs",
    "journey": "In a journey",
    "triage": "In the triage",
    "audit": "In the audit",
    "unknowns": "In the unknown records",
    "lens": "In the failures",
    "cohort": "In the failures, and in a cohort of them",
    "wizard": "In the launch wizard",
    "confirm": "In a question",
    "limits": "In the limits",
    "find": "In a line to type into",
    "handover": "In the note for the next shift",
    "reader": "In a page to read: details, help",
    "chooser": "In a list to choose from: palette, actions, states, order, columns",
}

#: What is typed into a line, or presses a button, without being an act of the table.
FIXED = """\
Besides, `Enter` takes what stands in a line or under the cursor of a choice, and
presses the button that has the focus: in a question about a run that is No. `Tab` goes
from field to field. A click goes to a row, a double click opens it, the wheel moves the
cursor.
"""


def written(keymap: Keymap) -> str:
    """Return the page for the keys of a keymap."""
    blocks = [_block(place, keymap.acts(scope)) for scope, place in PLACES.items()]
    reserved = [f"| `{key}` | {whose} |" for key, whose in RESERVED.items()]
    never = ["## Never bound", "", "| key | because |", "| --- | --- |", *reserved, ""]
    return "\n".join([HEAD, *blocks, *never, FIXED])


def _block(place: str, acts: Sequence[Act]) -> str:
    changes = any(act.changes_run for act in acts)
    titles = ["keys", "does", "", *([""] if changes else []), "act"]
    rows = [titles, ["---"] * len(titles)]
    for act in acts:
        keys = " ".join(f"`{key}`" for key in shown_keys(act)) or "palette"
        row = [keys, act.label, act.tip]
        if changes:
            row.append("**Run**" if act.changes_run else "")
        rows.append([*row, f"`{act.ident}`"])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"## {place}", "", *lines, ""])


def test_the_page_says_what_the_table_says():
    page = written(Keymap())
    if os.environ.get("WATCHFLOOR_KEYMAP") == "write":
        PAGE.write_text(page, encoding="utf-8")
    assert page == PAGE.read_text(encoding="utf-8")


def test_every_act_of_the_table_stands_on_the_page_once():
    page = PAGE.read_text(encoding="utf-8")

    assert [act.ident for act in ACTS if page.count(f"| `{act.ident}` |") != 1] == []


def test_every_place_where_keys_hold_has_its_block():
    assert {scope for chain in CHAINS for scope in chain} == set(PLACES)


def test_a_key_that_was_changed_would_be_told():
    keymap, mistakes = Keymap().remapped({"run.pause": "P"})

    assert not mistakes
    assert written(keymap) != written(Keymap())
