"""Within a transaction: who is attempted next, and who is put aside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from zoneinfo import ZoneInfo

from tests.simulation.core.booking import Intent
from tests.simulation.core.rows import Record, Run, Shelf

from watchfloor.domain.approval import attempts_before_approval
from watchfloor.domain.lifecycle import may_call_back, may_dispatch
from watchfloor.domain.permits import retry_quota, window
from watchfloor.domain.records import RecordState, dropped, too_late
from watchfloor.domain.windows import opening

Zones: TypeAlias = Callable[[Run, Record], tuple[ZoneInfo, ...]]
#: Of a paced run so many intents wait for their time.
_AHEAD = 2


class Claiming:
    """What one transaction takes up.

    Attributes:
        has_put_aside: Somebody was, so another round may find others.
    """

    def __init__(self, tx: Shelf, now_ms: int, zones: Zones) -> None:
        self._tx = tx
        self._now_ms = now_ms
        self._zones = zones
        self.has_put_aside = False

    def claim(self, number: int, flying: int) -> list[Intent]:
        """Store intents for whoever may be attempted now; return them.

        Args:
            number: Of a run whose gate is open.
            flying: Its attempts that are with the provider.
        """
        run = self._tx.runs[number]
        records = self._tx.of_run(number)
        unfinished = sum(one.state is RecordState.ATTEMPTING for one in records)
        room = window(run.permits, run.strictest) - unfinished
        if run.plan.rate_per_s is not None:
            room = min(room, _AHEAD - unfinished + flying)
        left = attempts_before_approval(
            run.plan.approve_after, run.approved_at_ms, run.started
        )
        room = room if left is None else min(room, left)
        if room <= 0 or run.is_doomed:
            return []
        fit: list[Record] = []
        for record in self._looked_at(run, records, room):
            fate = self._fate(run, record)
            if fate is None:
                fit.append(record)
            else:
                self._tx.records[number, record.seq] = fate
                self.has_put_aside = True
        return [self._intend(number, record) for record in fit]

    def _looked_at(self, run: Run, records: list[Record], room: int) -> list[Record]:
        due = [one for one in records if one.is_due(self._now_ms)]
        found: list[Record] = []
        if may_call_back(run.lifecycle):
            found += [one for one in due if one.state is RecordState.CALLBACK]
        if not may_dispatch(run.lifecycle):
            return found[:room]
        pending = [one for one in due if one.state is RecordState.PENDING]
        left = room - len(found)
        if left > 0:
            share = run.plan.retry_share
            quota = retry_quota(left, share, others_pending=bool(pending))
            retries = [one for one in due if one.state is RecordState.RETRY]
            found += retries[:quota]
        if run.released_seq is not None:
            pending = [one for one in pending if one.seq <= run.released_seq]
        return [*found, *pending][:room]

    def _fate(self, run: Run, record: Record) -> Record | None:
        """Return what becomes of a record that may not be attempted now."""
        earlier, in_doubt = record.earlier, record.doubts > 0
        if record.contact in self._tx.opted_out:
            into = dropped(record.state, earlier=earlier, in_doubt=in_doubt)
            return record.over(into, "suppressed")
        if record.expires_at_ms is not None and record.expires_at_ms <= self._now_ms:
            into = too_late(earlier=earlier, in_doubt=in_doubt)
            return record.over(into, "callback_expired")
        if run.plan.window is None:
            return None
        found = opening(run.plan.window, self._zones(run, record), self._now_ms)
        if found.is_open:
            return None
        assert found.until_ms is not None, "every window of the world opens"
        return record._replace(held=True, next_at_ms=found.until_ms)

    def _intend(self, number: int, before: Record) -> Intent:
        record = before._replace(
            state=RecordState.ATTEMPTING,
            attempts=before.attempts + 1,
            first_at_ms=before.first_at_ms or self._now_ms,
            held=False,
        )
        self._tx.records[number, before.seq] = record
        run = self._tx.runs[number]
        self._tx.runs[number] = run._replace(started=run.started + 1)
        return Intent(number, before, record)
