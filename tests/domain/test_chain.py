"""The chain over the journal, without a store: what fits, and what is found."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from watchfloor.domain.anchors import Anchor, AnchorFile, anchor_at, parsed_anchors
from watchfloor.domain.chain import (
    BEGINNING,
    TAKEN_OUT,
    Kind,
    Link,
    canonical,
    link_hash,
    row_digest,
    words_digest,
)
from watchfloor.domain.chain_walk import Break, ChainSlice, ChainWalk, Rest

OWN = "instance-1"
SALT = b"0123456789abcdef"
AT = "2026-11-22T09:00:00Z"


def an_entry(number, **values: Any) -> dict[str, Any]:
    return {
        "entry_id": number,
        "at_ms": 1_000 * number,
        "run_id": "r1",
        "event": "paused",
        "before": "running",
        "after": "paused",
        "by": "nora",
        "origin": "console",
        "command_id": None,
        "epoch": 1,
        "why": "lunch",
        "detail": "",
        **values,
    }


def a_command(ident, **values: Any) -> dict[str, Any]:
    return {
        "command_id": ident,
        "run_id": "r1",
        "verb": "pause",
        "by": "nora",
        "origin": "console",
        "state": "applied",
        "refusal": None,
        "asked_at_ms": 1,
        "acknowledged_at_ms": 2,
        "applied_at_ms": 3,
        "settled_at_ms": 4,
        "why": "lunch",
        "seen_json": "{}",
        "detail": "",
        **values,
    }


class Chained:
    """A chain as the engine makes it, row after row."""

    def __init__(self) -> None:
        self.links: list[dict[str, Any]] = []
        self.entries: dict[int, dict[str, Any]] = {}
        self.commands: dict[str, dict[str, Any]] = {}
        self.newest: dict[str, int] = {}

    def entry(self, number, *, late=False, salt=SALT, **values):
        row = an_entry(number, **values)
        self.entries[number] = row
        return self._linked(Kind.ENTRY, str(number), row, late=late, salt=salt)

    def command(self, ident, *, salt=SALT, **values):
        row = a_command(ident, **values)
        self.commands[ident] = row
        linked = self._linked(Kind.COMMAND, ident, row, late=False, salt=salt)
        self.newest[ident] = len(self.links)
        return linked

    def _linked(self, kind, key, row, *, late, salt):
        before = self.links[-1]["hash"] if self.links else BEGINNING
        words = words_digest(row, kind, salt)
        link = Link(
            len(self.links) + 1, 1, kind, key, words, row_digest(row, kind, words)
        )
        self.links.append(
            {
                "link_no": link.number,
                "form": 1,
                "entry_id": int(key) if kind is Kind.ENTRY else None,
                "command_id": key if kind is Kind.COMMAND else None,
                "words": words,
                "digest": link.digest,
                "salt": salt,
                "is_late": int(late),
                "hash": link_hash(before, link, is_late=late),
            }
        )
        return self

    def purged(self, link, words=TAKEN_OUT):
        """Take the words out of a link's row, and its salt."""
        row = self.links[link - 1]
        row["salt"] = None
        kept = (
            self.entries[row["entry_id"]]
            if row["command_id"] is None
            else self.commands[row["command_id"]]
        )
        names = ("why", "detail") + (
            () if row["command_id"] is None else ("seen_json",)
        )
        kept.update(dict.fromkeys(names, words))

    def anchor(self, link, instance=OWN, digest=None):
        return Anchor(instance, link, digest or self.links[link - 1]["hash"], AT)

    def slice(self, first=0, last=None):
        return ChainSlice(
            links=self.links[first:last],
            entries=self.entries,
            commands=self.commands,
            newest=self.newest,
        )

    def rest(self, **values):
        counted = {
            "links": len(self.links),
            "entries": len(self.entries),
            "commands": len(self.commands),
            "linked_commands": len(self.newest),
        }
        return Rest(**{"entry": None, "command": None, **counted, **values})

    def walked(self, anchors=(), **values):
        walk = ChainWalk(anchors)
        walk.take(self.slice())
        walk.end(self.rest(**values))
        walk.compare(OWN)
        return walk


@pytest.fixture
def three():
    """Two entries with a command between them."""
    return Chained().entry(1).command("c1").entry(2, event="resumed")


def test_a_chain_that_nobody_touched_fits_and_says_how_far_it_goes(three):
    walk = three.walked()

    assert walk.broken is None
    assert (walk.number, walk.hash) == (3, three.links[2]["hash"])
    assert (walk.entries, walk.last_entry) == (2, 2)
    assert (walk.late_entries, walk.taken_out, walk.anchored) == (0, 0, 0)
    assert walk.lineage == {}


def test_a_chain_of_nothing_fits():
    walk = Chained().walked()

    assert (walk.broken, walk.number, walk.hash) == (None, 0, bytes(32))


def test_a_hash_is_over_the_one_before_and_over_what_the_link_says(three):
    row = three.links[1]
    said = [2, 1, "command", "c1", row["digest"].hex(), False]
    text = json.dumps(said, separators=(",", ":")).encode()

    assert row["hash"] == hashlib.sha256(three.links[0]["hash"] + text).digest()


def test_a_row_counts_by_its_facts_and_by_its_salted_words():
    row = an_entry(7)
    words = words_digest(row, Kind.ENTRY, SALT)
    facts = [7, 7_000, "r1", "paused", "running", "paused", "nora", "console", None, 1]
    whole = json.dumps([1, "entry", facts, words.hex()], separators=(",", ":"))

    assert words == hashlib.sha256(SALT + b'["lunch",""]').digest()
    assert row_digest(row, Kind.ENTRY, words) == hashlib.sha256(whole.encode()).digest()


def test_what_no_column_may_hold_is_written_so_that_it_is_told_apart():
    assert canonical([b"x", "b'x'", "é"]) == b'[{"bytes":"b\'x\'"},"b\'x\'","\\u00e9"]'


def test_a_chain_is_walked_in_slices_as_in_one(three):
    walk = ChainWalk()
    for place in range(3):
        walk.take(three.slice(place, place + 1))

    assert walk.broken is None
    assert walk.hash == three.links[2]["hash"]


@pytest.mark.parametrize("name", list(an_entry(1)))
def test_every_column_of_an_entry_is_covered(three, name):
    three.entries[1][name] = "forged"

    assert three.walked().broken == Break(
        1,
        "changed",
        "entry 1 of the journal was changed: it is not what was chained",
        1,
    )


@pytest.mark.parametrize("name", [*a_command("c1")][1:])
def test_every_column_of_a_command_is_covered(three, name):
    three.commands["c1"][name] = "forged"

    assert three.walked().broken == Break(
        2,
        "changed",
        "command c1 was changed: it is not what was chained",
        command="c1",
    )


def test_only_the_newest_link_of_a_command_says_how_it_is_now():
    chained = Chained().command("c1", state="asked").command("c1", state="applied")

    assert chained.walked().broken is None
    chained.commands["c1"]["state"] = "refused"
    assert chained.walked().broken.link == 2


def test_a_removed_row_is_named(three):
    del three.entries[2]
    assert three.walked().broken == Break(
        3, "removed", "entry 2 of the journal was removed", 2
    )

    del three.commands["c1"]
    assert three.walked().broken == Break(
        2, "removed", "command c1 was removed", command="c1"
    )


def test_a_removed_link_is_named_by_its_number():
    chained = Chained()
    for number in range(1, 1_202):
        chained.entry(number)
    del chained.links[1_199]

    assert chained.walked().broken == Break(1_200, "removed", "link 1,200 was removed")


def test_an_entry_that_no_link_names_was_added(three):
    three.entry(4)
    three.entries[3] = an_entry(3)

    found = three.walked().broken
    assert found == Break(
        3,
        "added",
        "entry 3 of the journal was added around the engine: no link stands for it",
        3,
    )


def test_an_added_entry_before_the_first_is_found_and_one_gone_by_is_not_told_twice():
    chained = Chained().entry(2).entry(3)
    chained.entries[1] = an_entry(1)
    assert chained.walked().broken[0::3] == (0, 1)

    walk = ChainWalk()
    walk.take(Chained().entry(2).slice())
    again = Chained().entry(2).entry(3)
    again.entries[1] = an_entry(1)
    walk.take(again.slice(1))
    assert walk.broken is None


def test_what_is_left_at_the_end_without_a_link_was_added(three):
    assert three.walked(entry=1_234, command="c9").broken == Break(
        3,
        "added",
        "entry 1,234 of the journal was added around the engine: no link stands for it",
        1_234,
    )

    assert three.walked(command="c9").broken == Break(
        3,
        "added",
        "command c9 was added around the engine: no link stands for it",
        command="c9",
    )


@pytest.mark.parametrize(
    ("count", "said"),
    [
        ({"links": 1_004}, "1,004 links are stored, and the chain leads to 3 of them"),
        ({"entries": 3}, "3 entries of the journal are stored, and the chain leads to"),
        ({"entries": 1}, "1 entries of the journal are stored, and the chain leads to"),
        ({"commands": 2}, "2 commands are stored, and the chain leads to 1 of them: "),
    ],
)
def test_a_row_that_the_walk_did_not_come_by_is_found_by_counting(three, count, said):
    found = three.walked(**count).broken

    assert (found.link, found.what) == (3, "added")
    assert found.said.startswith(said)
    assert found.said.endswith(
        " of them: others were added around the engine, or some were removed meanwhile"
    )


def test_the_first_thing_that_does_not_fit_is_the_one_that_is_told(three):
    three.entries[1]["by"] = "forged"
    three.entries[2]["by"] = "forged"
    walk = ChainWalk([three.anchor(3, digest=bytes(32))])
    walk.take(three.slice())
    first = walk.broken
    walk.take(three.slice(1))
    walk.end(three.rest(entry=9, command="c9"))
    walk.compare("another")

    assert first is not None
    assert walk.broken == first
    assert first.entry == 1


@pytest.mark.parametrize("link", [1, 2, 3])
def test_a_link_that_does_not_follow_the_one_before_was_changed(three, link):
    three.links[link - 1]["is_late"] = 1
    named = ["entry 1 of the journal", "command c1", "entry 2 of the journal"][link - 1]

    found = three.walked().broken
    assert (found.link, found.what) == (link, "relinked")
    assert found.said == (
        f"link {link}, which stands for {named}, was changed: it does not follow the "
        "link before it"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("words", "text"),
        ("digest", None),
        ("hash", 7),
        ("salt", "text"),
        ("form", 2),
        ("form", None),
        ("is_late", 2),
        ("entry_id", None),
        ("entry_id", "one"),
        ("command_id", "c1"),
    ],
)
def test_a_link_that_nothing_writes_is_refused(three, name, value):
    three.links[0][name] = value

    assert three.walked().broken == Break(
        1, "relinked", "link 1 was changed: nothing writes such a link"
    )


def test_a_link_of_a_command_without_an_id_is_refused(three):
    three.links[1]["command_id"] = 7

    assert three.walked().broken.said == (
        "link 2 was changed: nothing writes such a link"
    )


def test_links_made_late_are_told_up_to_the_last_of_their_entries():
    chained = Chained().entry(4, late=True).entry(5, late=True).entry(6)

    walk = chained.walked()
    assert (walk.broken, walk.late_entries, walk.entries) == (None, 5, 3)


@pytest.fixture
def purged(three):
    """The same, and a purge of their run was asked for."""
    return three.entry(3, event="purge requested")


def test_words_that_a_purge_took_out_are_counted_and_fit(purged):
    purged.purged(1)
    purged.purged(2)

    walk = purged.walked()
    assert (walk.broken, walk.taken_out) == (None, 2)


def test_words_are_taken_out_only_of_a_run_for_whose_purge_a_link_stands(three):
    three.purged(3)
    three.purged(1)
    three.entry(3, event="purge requested", run_id="r2")
    # It counts as an entry, and no link stands for it.
    three.entries[-7] = an_entry(-7, event="purge requested")

    assert three.walked(entries=3).broken == Break(
        1,
        "changed",
        "entry 1 of the journal was changed: its words were taken out, and no link "
        "stands for a purge of run r1",
        1,
    )


def test_what_stands_where_words_were_taken_out_is_what_a_purge_writes(purged):
    purged.purged(1, words="something else")

    assert purged.walked().broken.what == "changed"


def test_one_word_that_stayed_beside_those_taken_out_is_a_change(purged):
    purged.purged(1)
    purged.entries[1]["detail"] = "stayed"

    assert purged.walked().broken.entry == 1


def test_facts_are_covered_also_where_the_words_were_taken_out(purged):
    purged.purged(1)
    purged.entries[1]["by"] = "forged"

    assert purged.walked().broken.entry == 1


def test_an_anchor_that_names_a_link_as_it_is_holds(three):
    assert three.walked([three.anchor(1), three.anchor(2)]).anchored == 2
    assert three.walked([three.anchor(3)]).broken is None


def test_anchors_behind_what_does_not_fit_are_counted_as_not_reached(three):
    anchors = [three.anchor(1), three.anchor(1), three.anchor(2), three.anchor(3)]
    sound = three.walked(anchors)
    three.entries[2]["by"] = "forged"
    broken = three.walked(anchors)

    assert (sound.held, sound.not_reached) == (4, 0)
    assert (broken.number, broken.held, broken.not_reached) == (2, 3, 1)
    assert three.walked([three.anchor(1, digest=bytes(32))]).held == 0


def test_an_anchor_beyond_the_end_tells_that_the_end_was_cut_off(three):
    anchor = three.anchor(3)
    del three.links[2], three.entries[2]
    assert three.walked([three.anchor(1), anchor]).broken == Break(
        2,
        "cut",
        f"the anchor of {AT} names link 3, and the chain ends at link 2: its end was "
        "cut off",
    )


def test_an_anchor_with_another_hash_tells_that_the_chain_was_written_anew(three):
    anchors = [three.anchor(3, digest=bytes(32)), three.anchor(2, digest=bytes(32))]

    assert three.walked(anchors).broken == Break(
        2,
        "rewritten",
        f"link 2 is not the one that the anchor of {AT} names: the chain was written "
        "anew, at or before it",
    )


FOREIGN = (
    f"the anchor of {AT} is of another workspace, other: either the file is not this "
    "one's, or the store was put in the place of another"
)


@pytest.mark.parametrize("digest", [None, bytes(32)])
def test_an_anchor_of_another_workspace_is_told_as_such(three, digest):
    anchor = three.anchor(2, "other", digest)

    assert three.walked([anchor]).broken == Break(2, "foreign", FOREIGN)


def restored(until="2"):
    """Came back from a backup that was made by another instance at its link 2."""
    return (
        Chained()
        .entry(1)
        .entry(2)
        .entry(3, event="restored", run_id=None, before=f"other@{until}")
        .entry(4)
    )


def test_anchors_of_the_instance_before_a_restore_hold_up_to_the_backup():
    chained = restored()
    walk = chained.walked([chained.anchor(2, "other"), chained.anchor(4)])

    assert (walk.broken, walk.lineage, walk.anchored) == (None, {"other": 2}, 4)
    rewritten = chained.walked([chained.anchor(2, "other", bytes(32))]).broken
    assert (rewritten.what, rewritten.link) == ("rewritten", 2)


def test_what_the_instance_before_did_after_the_backup_is_no_break():
    chained = restored()
    beyond = Anchor("other", 9, bytes(32), AT)
    aside = chained.anchor(3, "other", bytes(32))

    walk = chained.walked([chained.anchor(2, "other"), aside, beyond])
    # Whoever writes a chain anew can claim a restore, so that is not passed over.
    assert (walk.broken, walk.anchored, walk.not_here) == (None, 2, 2)
    # It does not hide what is wrong with the chain's own.
    wrong = chained.walked([aside, beyond, chained.anchor(4, digest=bytes(32))]).broken
    assert (wrong.what, wrong.link) == ("rewritten", 4)


def test_a_restore_that_does_not_say_up_to_where_covers_no_link():
    chained = restored("?")

    walk = chained.walked([chained.anchor(1, "other", bytes(32))])
    assert (walk.broken, walk.lineage) == (None, {"other": 0})


def test_a_restored_run_is_no_restored_workspace():
    chained = Chained().entry(1, event="restored", before="other@2")
    other = Chained().entry(1, event="resumed", run_id=None, before="other@2")

    assert chained.walked().lineage == other.walked().lineage == {}


def test_an_anchor_is_one_line_that_is_read_back():
    anchor = anchor_at(OWN, 12, bytes(range(32)), 1_795_338_000_999)

    assert anchor.at == "2026-11-22T09:00:00Z"
    assert json.loads(anchor.line) == {
        "watchfloor_anchor": 1,
        "instance": OWN,
        "link": 12,
        "hash": bytes(range(32)).hex(),
        "at": anchor.at,
    }
    read = parsed_anchors([anchor.line, "", "  \n", anchor.line], "f")
    assert read == AnchorFile("f", (anchor, anchor))
    assert (read.wrong_said, read.torn_said) == ("", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"watchfloor_anchor": 2},
        {"instance": ""},
        {"instance": "i" * 65},
        {"instance": 7},
        {"link": 0},
        {"link": True},
        {"link": "1"},
        {"hash": "00" * 31},
        {"hash": "no hex"},
        {"hash": None},
        {"at": "yesterday"},
        {"at": None},
    ],
)
def test_a_line_that_is_no_anchor_is_named_and_the_others_count(wrong):
    sound = anchor_at("i" * 64, 1, bytes(32), 0)
    line = json.dumps({**json.loads(sound.line), **wrong})

    read = parsed_anchors(["", line, sound.line], "anchors.jsonl")

    assert read == AnchorFile("anchors.jsonl", (sound,), wrong=(2,))
    assert read.wrong_said == (
        "anchors.jsonl, line 2 is no anchor: somebody changed the file, or it is "
        "something else; the chain was held to its other 1"
    )


@pytest.mark.parametrize("line", ["no json", "[]", "7", "{}", "[" * 100_000])
def test_what_is_no_object_of_an_anchor_is_no_anchor(line):
    assert parsed_anchors([line], "f") == AnchorFile("f", (), wrong=(1,))


def test_the_beginning_of_an_anchor_is_a_line_that_was_broken_off():
    sound = anchor_at(OWN, 1, bytes(32), 0).line
    torn = [sound[:end] for end in range(1, len(sound))]

    read = parsed_anchors([*torn, "\0\0", sound], "f")

    assert read.torn == tuple(range(1, len(sound) + 1))
    assert (len(read.anchors), read.wrong) == (1, ())
    assert read.torn_said == (
        f"f, lines 1, 2, 3, 4, 5 and {len(sound) - 5} more are the beginning of an "
        "anchor only, as a crash or a full disk leaves it; the others count"
    )


def test_two_lines_are_named_both():
    assert parsed_anchors(["x", "y"], "f").wrong_said.startswith("f, lines 1, 2 are no")
