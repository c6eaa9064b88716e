"""The engine's pace while backups are made one after the other, and without.

    python -m benchmarks.backup [--records 60000] [--turns 3]

An engine sends as fast as it can, on the simulator; the backups are made by a process
of their own, as cron does. With and without are taken in turns, each over a workspace
of its own: what the machine does meanwhile falls on both. The store is small, so that
one backup is short; they follow each other without a pause, the worst there is. The
pace is that of the run, from its start to its end, by the engine's own clock.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.stalled_terminal import AROUND, OWNER, launched, timed

from watchfloor.engine.operations import create_workspace
from watchfloor.engine.running import EngineThread
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.layout import Layout

_LOOK_S = 0.1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=60_000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    shares = []
    for turn in range(options.turns):
        order = (True, False) if turn % 2 else (False, True)
        paces, made = {}, 0
        for backs_up in order:
            paces[backs_up], count = measured(options.records, backs_up=backs_up)
            made += count
        shares.append(paces[True] / paces[False])
        print(
            f"alone {paces[False]:,.0f}/s, beside {made} backups "
            f"{paces[True]:,.0f}/s: {shares[-1]:.1%}"
        )
    share = statistics.median(shares)
    print(f"median share of its pace while backups are made: {share:.1%}")


def measured(records: int, *, backs_up: bool) -> tuple[float, int]:
    """Return attempts per second of one run, and how many backups were made of it."""
    with tempfile.TemporaryDirectory(prefix="watchfloor-backup-") as place:
        root = Path(place)
        layout = Layout(root / "floor")
        settings = default_workspace_text("floor", "Floor")
        create_workspace(layout, settings, AROUND, OWNER)
        run_id = launched(layout, root, records, "")
        done = threading.Event()
        made: list[Path] = []
        maker = threading.Thread(target=back_up, args=(layout, root, done, made))
        engine = EngineThread(layout, AROUND, OWNER)
        engine.start()
        if backs_up:
            maker.start()
        while (took_s := timed(layout, run_id)) is None:
            time.sleep(_LOOK_S)
        done.set()
        if backs_up:
            maker.join()
        engine.stop()
        engine.join()
        return records / took_s, len(made)


def back_up(
    layout: Layout, root: Path, done: threading.Event, made: list[Path]
) -> None:
    """Make backups until the run is over; only those that were made are counted."""
    while not done.is_set():
        target = root / f"backup-{len(made)}.tar"
        words = ("-m", "watchfloor", "--workspace", layout.root, "backup", target)
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        made.append(target)


if __name__ == "__main__":
    main()
