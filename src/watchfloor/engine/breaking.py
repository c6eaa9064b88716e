"""Breakers that opened, and every run of their targets."""

from __future__ import annotations

from collections.abc import Mapping

from watchfloor.engine.changes import Transaction, pause_itself
from watchfloor.engine.shares import Lane


def obey_breakers(tx: Transaction, lanes: Mapping[str, Lane]) -> None:
    """Pause every run that goes through what no longer answers."""
    if not tx.opened_breakers:
        return
    for lane in list(lanes.values()):
        ledger = tx.ledgers.get(lane.run_id)
        for breaker in lane.rules.breakers:
            why = tx.opened_breakers.get(breaker)
            if why and ledger is not None and lane.rules.breaker_after:
                pause_itself(tx, ledger, why)
