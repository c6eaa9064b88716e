"""What the tests of the store share: a workspace's files, and one run in them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import Connection

from watchfloor.domain.actors import Owner
from watchfloor.domain.regions import Lifecycle
from watchfloor.store.layout import Layout
from watchfloor.store.writes.audience import AudienceWriter, Valid
from watchfloor.store.writes.connection import close_writer, open_writer
from watchfloor.store.writes.lease import take
from watchfloor.store.writes.runs import add_run, add_upload

NOW_MS = 1_700_000_000_000
OWNER = Owner(name="test", pid=1, host="here")


def made_layout(root):
    """Return the places of a workspace that nobody has made a store in."""
    made = Layout(root)
    made.root.mkdir()
    made.settings.write_text("", encoding="utf-8")
    return made


@pytest.fixture
def layout(tmp_path):
    return made_layout(tmp_path / "floor")


@pytest.fixture
def writer(layout):
    connection = open_writer(layout)
    yield connection
    close_writer(connection)


@dataclass(frozen=True, slots=True)
class Stored:
    """A run in the store and the one connection that writes."""

    writer: Connection
    run_no: int
    run_id: str
    epoch: int

    def add(self, count: int, *, first: int = 1) -> None:
        """Add records *first* to *first + count - 1*, each of a contact of its own."""
        rows = [valid(seq) for seq in range(first, first + count)]
        audience = AudienceWriter(self.writer)
        with self.writer.begin():
            added, _ = audience.add(self.writer, self.run_no, first, rows)
            seqs = range(first, first + added)
            audience.accept(self.writer, self.run_no, seqs, NOW_MS)


def valid(row_no, contact=None, **values):
    """Return a valid row; equal contacts have equal digests."""
    contact = contact or f"c{row_no}"
    given = {
        "row_no": row_no,
        "contact": contact,
        "digest": contact.encode().ljust(16, b"\0")[:16],
        "values_json": f'["{contact}"]',
        "raw": contact,
    }
    return Valid(**{**given, **values})


def add_a_lease(connection):
    """Let an owner have taken the workspace, in a store of any version."""
    connection.exec_driver_sql(
        "INSERT INTO lease (lease_id, instance, epoch, owner, pid, host, "
        "started_at_ms, heartbeat_at_ms, changes, released) "
        "VALUES (1, 'i', 1, 'test', 1, 'here', ?, ?, 0, 0)",
        (NOW_MS, NOW_MS),
    )


def add_a_run(connection, run_id, **values):
    """Store a run over an upload of its own; return its number."""
    fresh = Lifecycle()
    upload = {
        "upload_id": f"u-{run_id}",
        "name": "upload.csv",
        "sha256": "",
        "bytes": 1,
        "received_at_ms": NOW_MS,
    }
    run = {
        "run_id": run_id,
        "family_id": run_id,
        "campaign_id": "trial",
        "campaign_name": "Trial",
        "campaign_text": "",
        "upload_id": f"u-{run_id}",
        "fingerprint": "",
        "mode": fresh.mode,
        "phase": fresh.phase,
        "gate": fresh.gate,
        "intake": fresh.intake,
        "results": fresh.results,
        "history": fresh.history,
        "created_at_ms": NOW_MS,
        "permits": 10,
        "steps_json": '[["call", "simulator", "idempotent"]]',
    }
    add_upload(connection, upload)
    return add_run(connection, {**run, **values})


def stored_in(writer):
    """Own the store and put one run into it."""
    with writer.begin():
        epoch = take(writer, OWNER, instance="i", now_ms=NOW_MS)
        number = add_a_run(writer, "run-1")
    return Stored(writer, number, "run-1", epoch)


@pytest.fixture
def stored(writer):
    return stored_in(writer)
