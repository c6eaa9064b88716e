"""Small jobs of the engine's duties, each done in one round of the committer."""

from __future__ import annotations

from watchfloor.domain.regions import Fact
from watchfloor.engine.changes import (
    Transaction,
    adopt,
    doom,
    pause_itself,
    tell,
)
from watchfloor.store.reads.runs import collected_until
from watchfloor.store.writes import lease


def beat(tx: Transaction) -> None:
    """Say that the owner lives, and book what every run's time was spent on."""
    lease.beat(tx.connection, tx.now_ms)
    for ledger in tx.ledgers.values():
        ledger.look(tx.now_ms)


def let_go(tx: Transaction) -> None:
    """Say that the owner lets go in good order."""
    lease.release(tx.connection, tx.now_ms)


def close_results(tx: Transaction) -> None:
    """Close the results of every run whose collecting window is over."""
    for run_id in collected_until(tx.connection, tx.now_ms):
        # The round forgets the run again: it has ended and its history is written.
        ledger = tx.ledgers.get(run_id) or adopt(tx, run_id)
        tell(tx, ledger, Fact.RESULTS_CLOSED)


class MarkReady:
    """The job that says a run's channel is open: it may be launched."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def __call__(self, tx: Transaction) -> None:
        """Say so."""
        ledger = tx.ledgers.get(self._run_id)
        if ledger is not None:
            ledger.ready = True
            ledger.is_unsettled = True


class PauseItself:
    """The job that pauses a run on the engine's own behalf."""

    def __init__(self, run_id: str, why: str) -> None:
        self._run_id = run_id
        self._why = why

    def __call__(self, tx: Transaction) -> None:
        """Pause it."""
        ledger = tx.ledgers.get(self._run_id)
        if ledger is not None:
            pause_itself(tx, ledger, self._why)


class Doom:
    """The job that stores a fault of the run itself."""

    def __init__(self, run_id: str, cause: str) -> None:
        self._run_id = run_id
        self._cause = cause

    def __call__(self, tx: Transaction) -> bool:
        """Store it."""
        ledger = tx.ledgers.get(self._run_id)
        if ledger is not None:
            doom(tx, ledger, self._cause)
        return True
