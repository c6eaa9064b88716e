"""How long a killed engine takes from its new start to its first send.

    python -m benchmarks.restart [--records 1000000] [--kills 5] [--permits 200]

A run of that many records goes out to a provider on the loopback. The engine, a process
of its own as operators start it, is ended with SIGKILL while attempts are in flight and
started anew; the time runs from the start of the process to the first request that the
provider reads. Python and its imports are in it. The goal is 2 s at 1 M records.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.engine import AROUND, OWNER

from watchfloor.domain.actors import Asker
from watchfloor.domain.regions import Intake
from watchfloor.engine.operations import asked_of_engine, create_workspace
from watchfloor.engine.preparing import prepared_launch
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import run_view

CAMPAIGN = """
[campaign]
id = "restart"
name = "Restart"
[audience]
contact = "id"
kind = "id"
[[steps]]
name = "call"
channel = "webhook"
[steps.settings]
url = "http://127.0.0.1:{port}/"
delivery = "at_most_once"
[steps.settings.body]
to = "${{contact}}"
[limits]
permits = {permits}
[guard]
breaker_after = 0
"""
#: Requests between two kills, so that each comes in the middle of dispatch.
BETWEEN = 400
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Sink:
    """A provider that takes everything after 20 ms, and counts."""

    def __init__(self) -> None:
        self.count = 0
        self.port = 0
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait()

    def wait_for(self, more: int) -> float:
        """Wait for so many more requests; return the time of the last one."""
        wanted = self.count + more
        while self.count < wanted:
            time.sleep(0.001)
        return time.monotonic()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._converse, "127.0.0.1", backlog=500)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.count += 1
                await asyncio.sleep(0.02)
                writer.write(REPLY)
                await reader.read(65_536)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def main() -> None:
    """Kill, start anew, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--permits", type=int, default=200)
    options = parser.parse_args()
    sink = Sink()
    with tempfile.TemporaryDirectory(prefix="watchfloor-restart-") as place:
        layout, run_id = launched(Path(place), sink, options.records, options.permits)
        engine = started(layout)
        while True:
            with reading(layout) as connection:
                view = run_view(connection, run_id)
            if view.lifecycle.intake is Intake.DONE:
                break
            time.sleep(0.2)
        sink.wait_for(BETWEEN)
        times = []
        for _ in range(options.kills):
            engine.send_signal(signal.SIGKILL)
            engine.wait()
            time.sleep(0.5)
            began = time.monotonic()
            engine = started(layout)
            times.append(sink.wait_for(1) - began)
            sink.wait_for(BETWEEN)
        engine.send_signal(signal.SIGKILL)
        engine.wait()
        with reading(layout) as connection:
            books = run_view(connection, run_id).books
    print(f"records {books.records:,}, kills {options.kills}, unknown {books.unknown}")
    told = ", ".join(f"{one:.2f}" for one in times)
    print(f"start to first send, seconds: {told}; at most {max(times):.2f}")


def launched(root: Path, sink: Sink, records: int, permits: int) -> tuple[Layout, str]:
    """Launch the run; return where, and its id."""
    layout = Layout(root / "floor")
    create_workspace(layout, default_workspace_text("ws", "Bench"), AROUND, OWNER)
    upload, campaign = root / "contacts.csv", root / "campaign.toml"
    with upload.open("w") as file:
        file.write("id\n")
        file.writelines(f"C{number:08}\n" for number in range(records))
    campaign.write_text(CAMPAIGN.format(port=sink.port, permits=permits))
    asker = Asker(by="benchmark")
    launch = prepared_launch(layout, campaign, upload, asker, AROUND)
    answer = asyncio.run(
        asked_of_engine(
            layout,
            launch.command,
            AROUND,
            OWNER,
            until=lambda found: found.state == "settled",
            patience_s=60,
        )
    )
    assert answer.state == "settled", answer
    return layout, launch.run_id


def started(layout: Layout) -> subprocess.Popen[bytes]:
    """Start an engine as operators do."""
    command = (sys.executable, "-m", "watchfloor", "engine", "--workspace", layout.root)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
