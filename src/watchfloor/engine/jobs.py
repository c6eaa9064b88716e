"""Small jobs of the engine's duties, each done in one round of the committer."""

from __future__ import annotations

from collections.abc import Iterable

from watchfloor.domain.handover import ENDED, STARTED
from watchfloor.domain.leaving import Leaving
from watchfloor.domain.progress import Gain, span_at
from watchfloor.domain.regions import Fact
from watchfloor.engine.changes import (
    Transaction,
    adopt,
    doom,
    pause_itself,
    tell,
)
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.restored_runs import is_kept, keep
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.progress import sampled
from watchfloor.store.reads.runs import collected_until
from watchfloor.store.writes import lease
from watchfloor.store.writes.progress import add_gains
from watchfloor.store.writes.runs import add_entry


def beat(tx: Transaction) -> None:
    """Say that the owner lives, and book how every run got on."""
    lease.beat(tx.connection, tx.now_ms)
    for ledger in tx.ledgers.values():
        ledger.look(tx.now_ms)
    sample(tx, tx.ledgers.values())


def begin(tx: Transaction) -> None:
    """Enter in the journal that an engine has started, and whose."""
    owner = engine_view(tx.connection)
    detail = f"{owner.owner}, pid {owner.pid} on {owner.host}"
    _enter_engine(tx, STARTED, detail)


class End:
    """The job with which an engine lets go, and enters why in the journal."""

    def __init__(self, why: Leaving, *, drained: bool) -> None:
        self._why = why
        self._drained = drained

    def __call__(self, tx: Transaction) -> None:
        """Let go."""
        told = "in good order" if self._drained else "with attempts in flight"
        _enter_engine(tx, ENDED, f"{told}: {self._why}")
        lease.leave(tx.connection, self._why, tx.now_ms)
        let_go(tx)


def _enter_engine(tx: Transaction, event: str, detail: str) -> None:
    add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": "",
            "event": event,
            "by": "engine",
            "detail": detail,
            "epoch": tx.epoch,
        },
    )


def let_go(tx: Transaction) -> None:
    """Say that the owner lets go in good order."""
    sample(tx, tx.ledgers.values())
    lease.release(tx.connection, tx.now_ms)


def sample(tx: Transaction, ledgers: Iterable[Ledger]) -> None:
    """Add what runs gained since their last samples to those of the span of now.

    What a crash kept from being sampled is among it. A run that ended in an earlier
    transaction has its last sample, or is older than samples are: none is added.
    """
    open_ones = [one for one in ledgers if one.ended_at_ms in (None, tx.now_ms)]
    if not open_ones:
        return
    unasked = [one.run_no for one in open_ones if one.sampled is None]
    known = sampled(tx.connection, unasked) if unasked else {}
    gains: dict[int, Gain] = {}
    for ledger in open_ones:
        before = ledger.sampled
        if before is None:
            before = known.get(ledger.run_no, Gain())
        ledger.sampled = ledger.gained
        if ledger.sampled != before:
            gains[ledger.run_no] = ledger.sampled.since(before)
    add_gains(tx.connection, span_at(tx.now_ms), gains)


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


class Unopened:
    """The job that stores that a run has no channel to go through.

    It ends a run that is not launched, unless that came back from a backup; one that
    is launched is paused with the reason, so that nobody is left out.
    """

    def __init__(self, run_id: str, why: str) -> None:
        self._run_id = run_id
        self._why = why

    def __call__(self, tx: Transaction) -> None:
        """Store it."""
        ledger = tx.ledgers.get(self._run_id)
        if ledger is None:
            return
        if ledger.lifecycle.launched:
            pause_itself(tx, ledger, f"the channel cannot open: {self._why}")
        elif is_kept(tx, ledger):
            keep(tx, ledger, f"the channel cannot open: {self._why}")
        else:
            doom(tx, ledger, f"channel refused its configuration: {self._why}")
