from __future__ import annotations

import pytest
from tests.simulation.bugs import BUGS, MOST_SEEDS, finding, planted
from tests.simulation.found_by import FOUND_BY
from tests.simulation.turning import bench


@pytest.fixture(scope="module")
def turned():
    with bench() as made:
        yield made


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.title)
def test_a_planted_bug_is_found_within_so_many_seeds(turned, bug):
    found = finding(turned, bug, first=(FOUND_BY[bug.title],))

    assert found is not None, f"{bug.broken}: {MOST_SEEDS} seeds did not find it"
    # It was the bug that was found: without it the same seed holds.
    turned.world(found.seed).run()


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.title)
def test_a_planted_bug_is_gone_after_its_block(bug):
    before = [vars(place)[bug.name] for place in bug.places]
    with planted(bug):
        assert [vars(place)[bug.name] for place in bug.places] != before

    assert [vars(place)[bug.name] for place in bug.places] == before


def test_there_are_as_many_bugs_as_were_promised():
    assert len({bug.title for bug in BUGS}) >= 30
    assert FOUND_BY.keys() == {bug.title for bug in BUGS}
