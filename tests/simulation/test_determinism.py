from __future__ import annotations

import os
import subprocess
import sys

TOLD = """
from tests.simulation.turning import bench
with bench() as turned:
    print(*(turned.world(seed).run() for seed in range(12)))
"""


def hashes(hash_seed):
    told = subprocess.run(
        [sys.executable, "-c", TOLD],
        env={
            **os.environ,
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.split()


def test_a_seed_has_the_same_log_in_every_process():
    once, again = hashes("1"), hashes("2")

    assert len(set(once)) == 12
    assert once == again
