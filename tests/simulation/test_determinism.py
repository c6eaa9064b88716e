from __future__ import annotations

from tests.simulation.turning import told_anew

TOLD = """
from tests.simulation.turning import bench
with bench() as turned:
    print(*(turned.world(seed).run() for seed in range(12)))
"""


def test_a_seed_has_the_same_log_in_every_process():
    once, again = told_anew(TOLD, "1"), told_anew(TOLD, "2")

    assert len(set(once)) == 12
    assert once == again
