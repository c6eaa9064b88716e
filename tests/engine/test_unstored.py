from __future__ import annotations

import json

from tests.engine.test_dispatcher_alone import claimed
from tests.support.mounts import files_of_at_most

from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.engine.booking import Finished
from watchfloor.engine.unstored import Kept, parting_words

DELIVERED = Outcome(outcome_class=OutcomeClass.DELIVERED, code="200")
GONE = Outcome(outcome_class=OutcomeClass.PERMANENT, code="gone", suppress="bounced")


def said_of(layout, *seqs, outcome=DELIVERED):
    """Return what is said of outcomes of these records that could not be stored."""
    finished = tuple(Finished(claimed(seq), 0, 1, outcome) for seq in seqs)
    kept = {"run-1": Kept(finished, unsent=0)}
    [said] = parting_words(layout, {}, kept, (), "the disk is full")
    return said


def test_a_list_that_found_no_room_leaves_no_half_line_for_the_next(floor):
    file = floor.layout.unstored
    assert f"Each is listed in {file}" in said_of(floor.layout, 1)
    [line] = file.read_text().splitlines(keepends=True)

    with files_of_at_most(len(line) + len(line) // 2):
        said = said_of(floor.layout, 2)

    assert f"They could not be listed in {file} either" in said
    assert f"Each is listed in {file}" in said_of(floor.layout, 3, 4)
    listed = [json.loads(line)["seq"] for line in file.read_text().splitlines()]
    assert listed == [1, 3, 4]


def test_an_opt_out_that_could_not_be_stored_is_listed_and_said(floor):
    said = said_of(floor.layout, 1, 2, outcome=GONE)

    assert said.endswith(
        "; 2 contacts among them opted out and can still be contacted: watchfloor "
        "suppress CONTACT"
    )
    assert "opted out" not in said_of(floor.layout, 3)
    lines = map(json.loads, floor.layout.unstored.read_text().splitlines())
    assert [one.get("suppress") for one in lines] == ["bounced", "bounced", None]
