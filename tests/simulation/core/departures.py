"""What must hold of a core world at the moment a request leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.simulation.core.people import REFUSED, Arrival
from tests.simulation.core.rows import Record, Run
from tests.simulation.invariants import expect

from watchfloor.domain.outcomes import Delivery, OutcomeClass
from watchfloor.domain.regions import Phase

if TYPE_CHECKING:
    from tests.simulation.core.owner import Owner
    from tests.simulation.core.world import World

_FINAL = frozenset({OutcomeClass.DELIVERED, OutcomeClass.PERMANENT})
_DROPS = frozenset({Phase.STOPPING, Phase.CANCELLING, Phase.ENDED})
#: After these it is known that the contact was not reached, or was reached before.
_KNOWN = REFUSED | {"again", "callback"}


class Departures:
    """Looks at every request of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys: dict[str, tuple[int, str, int]] = {}
        self._sent: dict[tuple[int, int], list[float]] = {}

    def look(self, owner: Owner, arrival: Arrival) -> None:
        """Hold a request to what is committed; an owner that was replaced to less.

        Such a one may still send what it had stored before, with the key.
        """
        run = self._world.shelf.runs[arrival.run]
        self._the_key_is_constant(arrival)
        self._at_most_once_is_kept(run, arrival)
        launched = run.lifecycle.launched
        expect(16, launched, run.number, "is not launched and sends", arrival)
        if owner is self._world.owner:
            self._it_is_stored(arrival)
            self._the_run_lets_it(run, arrival)
            here = sum(one[0] == arrival.run for one in owner.flying)
            expect(19, here <= run.permits, here, "in flight of", run.permits)
            opted_out = arrival.record.contact in self._world.shelf.opted_out
            expect(20, not opted_out, arrival, "opted out")
            self._the_window_is_open(run, arrival.record)
            self._the_pace_is_kept(run, owner)

    def _it_is_stored(self, arrival: Arrival) -> None:
        """6 and 9: the intent is committed, and nothing final is but by a word."""
        record, shelf = arrival.record, self._world.shelf
        place = (arrival.run, record.seq)
        stored = shelf.records[place]
        expect(6, stored == record, place, "left, and stored is", stored)
        closed = shelf.attempts.get(place, ())
        final = [
            one
            for one in closed
            if one.step == record.step
            and one.outcome_class in _FINAL
            and (*place, one.number) not in shelf.words
        ]
        expect(9, not final, place, "was", final, "and is sent again")

    def _the_run_lets_it(self, run: Run, arrival: Arrival) -> None:
        """14 and 17: the gate, the end, a person's word and a canary are obeyed."""
        life, told = run.lifecycle, (arrival, "is sent, and its run is", run)
        expect(14, run.is_open and life.intent is None, *told)
        expect(17, life.phase not in _DROPS, *told)
        limit = run.plan.approve_after
        agreed = limit is None or run.approved_at_ms or run.started <= limit
        expect(14, agreed, *told)
        released = run.released_seq
        expect(14, released is None or arrival.record.seq <= released, *told)

    def _the_key_is_constant(self, arrival: Arrival) -> None:
        """8: one key means one record's step, and the other way round."""
        record = arrival.record
        meant = (arrival.run, record.contact, record.step)
        known = self._keys.setdefault(arrival.key, meant)
        expect(8, known == meant, arrival.key, "is of", known, "and", meant)
        keys = [key for key, one in self._keys.items() if one == meant]
        expect(8, len(keys) == 1, meant, "has the keys", keys)

    def _at_most_once_is_kept(self, run: Run, arrival: Arrival) -> None:
        """7: what may have reached a contact is never sent again by itself."""
        record, place = arrival.record, (arrival.run, arrival.record.seq)
        if run.plan.steps[record.step].delivery is not Delivery.AT_MOST_ONCE:
            return
        reached = [
            one
            for one in self._world.provider.arrivals.get(place, ())
            if one.record.step == record.step and one.kind not in _KNOWN
        ]
        words = sum(one[:2] == place for one in self._world.shelf.words)
        expect(7, len(reached) <= words, place, len(reached), "may have reached")

    def _the_window_is_open(self, run: Run, record: Record) -> None:
        window = run.plan.window
        if window is None:
            return
        (zone,) = self._world.zones(run, record)
        at = datetime.fromtimestamp(self._world.wall_ms() / 1_000, UTC).astimezone(zone)
        minute = at.hour * 60 + at.minute
        is_open = window.open_minute <= minute < window.close_minute
        expect(20, is_open, record, "is sent at", at)

    def _the_pace_is_kept(self, run: Run, owner: Owner) -> None:
        """19: sends in any window <= rate x window + burst, for each engine."""
        rate = run.plan.rate_per_s
        if rate is None:
            return
        times = self._sent.setdefault((owner.epoch, run.number), [])
        now_s = self._world.now_s
        times.append(now_s)
        burst = max(1.0, rate / 10)
        for count, at_s in enumerate(reversed(times), 1):
            most = rate * (now_s - at_s) + burst + 1e-3
            expect(19, count <= most, count, "sent in", now_s - at_s, "s")
