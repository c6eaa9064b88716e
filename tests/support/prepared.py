"""Carries a run out as it is imported: by the process that ``preloaded`` forks from.

The statements that it compiles, those that are forked from it have already.
"""

from __future__ import annotations

import gc
import tempfile
import threading
from pathlib import Path

from tests.support.floor import Floor, campaign, ids
from tests.support.patience import until


def _carry_out(root: Path) -> None:
    floor = Floor(root)
    run_id = floor.launched(campaign(), ids(3))
    floor.carried_out()
    floor.view(run_id)
    floor.close()


with tempfile.TemporaryDirectory() as _place:
    _carry_out(Path(_place))
# A process with threads must not be forked; loose ones end by themselves.
until(lambda: threading.active_count() == 1, "every thread to end")
# Looked through, it would be copied for every fork.
gc.collect()
gc.freeze()
