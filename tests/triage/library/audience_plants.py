"""Sicknesses of the upload, of who is meant, and of the campaign itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply
from tests.triage.library.bed import HOUR_S, Bed, Patient, many, numbers, phones

from watchfloor.domain.regions import RunOutcome
from watchfloor.engine.changes import Transaction


@contextmanager
def everybody_suppressed(bed: Bed) -> Iterator[Patient]:
    """Put nearly everybody of the upload on a list that the campaign obeys."""
    every = ids(40)
    folder = bed.floor.layout.root / "suppression"
    folder.mkdir()
    listed = "\n".join(["id", *every[:38], ""])
    (folder / "all.csv").write_text(listed, encoding="utf-8")
    audience = 'suppression = ["suppression/all.csv"]'
    told = webhook(bed.provider.url, audience=audience)
    with _ended(bed, told, every) as patient:
        yield patient


@contextmanager
def filter_leaves_nobody(bed: Bed) -> Iterator[Patient]:
    """Filter for a spelling that the upload does not have."""
    told = webhook(bed.provider.url, audience="filter = 'first_name = \"Name\"'")
    with _ended(bed, told, ids(40)) as patient:
        yield patient


@contextmanager
def duplicate_rows(bed: Bed) -> Iterator[Patient]:
    """Upload a list in which every contact stands three times."""
    with _ended(bed, webhook(bed.provider.url), 3 * ids(20)) as patient:
        yield patient


@contextmanager
def wrong_region(bed: Bed) -> Iterator[Patient]:
    """Read national German numbers, with the United States as the region."""
    german = [f"030 12345{number}" for number in range(100, 160)]
    told = phones(webhook(bed.provider.url))
    with _ended(bed, told, [*numbers(4), *german]) as patient:
        yield patient


@contextmanager
def wrong_column(bed: Bed) -> Iterator[Patient]:
    """Take the customer's number for the phone number: no row can be used."""
    rows = [f"K{number},name,{phone}" for number, phone in enumerate(numbers(40))]
    told = phones(webhook(bed.provider.url))
    with _ended(bed, told, bed.upload("id,first_name,phone", rows)) as patient:
        yield patient


@contextmanager
def stray_encoding(bed: Bed) -> Iterator[Patient]:
    """Upload two files joined as they were, most rows in another encoding."""
    # The encoding is told by the first quarter of a megabyte.
    long = [f"{one},{'a' * 15_000}" for one in ids(20, "long")]
    path = bed.upload("id,first_name", long)
    others = "".join(f"{one},Zo\u00eb\n" for one in ids(60))
    with path.open("ab") as joined:
        joined.write(others.encode("cp1252"))
    with _ended(bed, webhook(bed.provider.url), path) as patient:
        yield patient


@contextmanager
def secret_missing(bed: Bed) -> Iterator[Patient]:
    """Name a secret in the campaign that the engine's machine does not have."""
    headers = "headers = { Authorization = 'env:NOBODY_SET_THIS_TOKEN' }"
    with _ended(bed, webhook(bed.provider.url, headers), ids(30)) as patient:
        assert bed.floor.view(patient.run_id).lifecycle.outcome is RunOutcome.FAILED
        yield patient


@contextmanager
def upload_gone(bed: Bed) -> Iterator[Patient]:
    """Take the kept upload away between the launch and its reading."""
    run_id = bed.floor.launched(webhook(bed.provider.url), ids(30))
    bed.floor.layout.upload(bed.floor.view(run_id).upload_id).unlink()
    with bed.engine() as engine:
        bed.floor.until_ended(run_id)
        assert bed.floor.view(run_id).lifecycle.outcome is RunOutcome.FAILED
        yield bed.watched(run_id, engine)


@contextmanager
def second_run_live(bed: Bed) -> Iterator[Patient]:
    """Launch the same campaign over the same upload again while the first runs."""
    bed.provider.otherwise = Reply(after_s=0.02)
    told = webhook(bed.provider.url, permits=4)
    bed.floor.launched(told, many())
    run_id = bed.floor.launched(told, many(), allow_twin=True)
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 20)
        yield bed.watched(run_id, engine)


@contextmanager
def second_run_by_accident(bed: Bed) -> Iterator[Patient]:
    """Launch the same again an hour after it was completed, and let it run."""
    told = webhook(bed.provider.url, permits=4)
    every = ids(200)
    with _ended(bed, told, every):
        pass
    bed.floor.clock.ahead_s += HOUR_S
    bed.provider.otherwise = Reply(after_s=0.05)
    run_id = bed.floor.launched(told, every, allow_twin=True)
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 10)
        yield bed.watched(run_id, engine)


@contextmanager
def delivered_twice_despite_dedupe(bed: Bed) -> Iterator[Patient]:
    """Store a second delivery of five records.

    The engine does not do so: their second attempts are written as its defect would.
    """
    with _ended(bed, webhook(bed.provider.url), ids(40), _attempted_again) as patient:
        yield patient


@contextmanager
def permanent_failures_retried(bed: Bed) -> Iterator[Patient]:
    """Store a second attempt at five numbers that do not exist.

    The engine does not do so: their second attempts are written as its defect would.
    """
    for contact in ids(5):
        bed.provider.replies[contact] = [Reply(status=404)]
    with _ended(bed, webhook(bed.provider.url), ids(80), _attempted_again) as patient:
        yield patient


@contextmanager
def books_do_not_add_up(bed: Bed) -> Iterator[Patient]:
    """Lose three records from the counters, as a defect of the engine would."""

    def lose(tx: Transaction) -> None:
        tx.connection.exec_driver_sql("UPDATE books SET delivered = delivered - 3")

    with _ended(bed, webhook(bed.provider.url), ids(40), lose) as patient:
        yield patient


def _attempted_again(tx: Transaction) -> None:
    """Store one more attempt of the first five records, like their last one."""
    tx.connection.exec_driver_sql(
        "INSERT INTO attempt SELECT run_no, seq, number + 1, step, epoch, ending, "
        "started_at_ms + 1000, ended_at_ms + 1000, outcome_class, code, detail, "
        "provider_id, why, next_at_ms FROM attempt WHERE seq <= 5"
    )


@contextmanager
def _ended(
    bed: Bed,
    told: str,
    upload: list[str] | Path,
    spoilt: Callable[[Transaction], None] = lambda _: None,
) -> Iterator[Patient]:
    """Carry a run out, and have something done to its rows afterwards."""
    run_id = bed.floor.launched(told, upload)
    with bed.engine() as engine:
        bed.floor.until_ended(run_id)
        engine.do(spoilt)
        yield bed.watched(run_id, engine)
