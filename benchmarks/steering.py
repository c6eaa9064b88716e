"""How long a pause takes to be acknowledged, and to settle, while a run goes out.

    python -m benchmarks.steering [--pauses 200] [--permits 50]

The provider on the loopback answers after 20 ms. A pause is asked as any shell asks it:
a row of the inbox; the time runs from there until a reader of the store finds the
answer, after which no attempt starts. The goal is 1 s at the 99th percentile.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from benchmarks.engine import AROUND, OWNER
from benchmarks.restart import Sink, launched

from watchfloor.domain.actors import Asker
from watchfloor.domain.previews import preview
from watchfloor.domain.regions import Verb
from watchfloor.engine.operations import steering_command
from watchfloor.engine.running import EngineThread
from watchfloor.store.inbox import ask
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.journal import receipt
from watchfloor.store.reads.runs import run_view

#: Enough that the run does not end meanwhile.
RECORDS = 400_000


def main() -> None:
    """Pause and resume, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pauses", type=int, default=200)
    parser.add_argument("--permits", type=int, default=50)
    options = parser.parse_args()
    chance = random.Random(1)  # noqa: S311 - moments
    sink = Sink()
    with tempfile.TemporaryDirectory(prefix="watchfloor-steering-") as place:
        layout, run_id = launched(Path(place), sink, RECORDS, options.permits)
        engine = EngineThread(layout, AROUND, OWNER)
        engine.start()
        sink.wait_for(options.permits)
        answered, settled = [], []
        for _ in range(options.pauses):
            time.sleep(chance.uniform(0.0, 0.1))
            took = steered(layout, run_id, Verb.PAUSE)
            answered.append(took[0])
            settled.append(took[1])
            steered(layout, run_id, Verb.RESUME)
            sink.wait_for(options.permits)
        engine.stop()
        engine.join()
    for name, times in (("acknowledged", answered), ("settled", settled)):
        times.sort()
        half, most = times[len(times) // 2], times[int(len(times) * 0.99) - 1]
        print(
            f"pause {name:<13} n {len(times):>4}  p50 {half * 1000:>6.0f} ms  "
            f"p99 {most * 1000:>6.0f} ms  most {times[-1] * 1000:>6.0f} ms"
        )


def steered(layout: Layout, run_id: str, verb: Verb) -> tuple[float, float]:
    """Ask; return the seconds until the answer, and until it settled."""
    with reading(layout) as connection:
        seen = preview(run_view(connection, run_id), verb)
    command = steering_command(seen, Asker(by="benchmark"), "", AROUND, typed="")
    began = time.monotonic()
    ask(layout, command)
    answered = 0.0
    while True:
        with reading(layout) as connection:
            found = receipt(connection, command.command_id)
        if found is not None:
            assert found.state != "refused", found
            answered = answered or time.monotonic() - began
            if found.state == "settled":
                return answered, time.monotonic() - began
        time.sleep(0.002)


if __name__ == "__main__":
    main()
