from __future__ import annotations

import json

from tests.engine.test_dispatcher_alone import claimed
from tests.support.mounts import files_of_at_most

from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.engine.booking import Finished
from watchfloor.engine.unstored import Kept, parting_words

DELIVERED = Outcome(outcome_class=OutcomeClass.DELIVERED, code="200")


def said_of(layout, *seqs):
    """Return what is said of outcomes of these records that could not be stored."""
    finished = tuple(Finished(claimed(seq), 0, 1, DELIVERED) for seq in seqs)
    kept = {"run-1": Kept(finished, unsent=0)}
    [said] = parting_words(layout, {}, kept, "the disk is full")
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
