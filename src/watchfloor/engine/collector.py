"""Taking what providers report after the attempt: stored, matched, counted, obeyed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.regions import Fact, Results
from watchfloor.domain.results import (
    ResultEvent,
    ResultKind,
    events_digest,
    parse_event,
    suppresses,
)
from watchfloor.domain.text import clean
from watchfloor.engine.changes import Transaction, adopt, tell
from watchfloor.engine.sparing import spare
from watchfloor.intake.campaign_file import parse_campaign
from watchfloor.store.inbox import Command
from watchfloor.store.reads import results as reads
from watchfloor.store.reads.rows import (
    Found,
    keys_at_once,
    records_by_key,
    records_by_provider,
)
from watchfloor.store.reads.runs import campaign_text, ledger_rows
from watchfloor.store.writes import results as writes
from watchfloor.store.writes.results import Placed
from watchfloor.store.writes.runs import add_entry
from watchfloor.store.writes.suppression import Suppressed
from watchfloor.store.writes.suppression import add as add_suppressed

#: Events of one command; a file is asked for in several.
MOST_EVENTS = 1_000
#: Parked events that one call looks at again.
PARKED_AT_ONCE = 1_000
#: How long a parked event is looked at again, and kept as it came. The latest that its
#: record can become known is the outcome of an attempt that was in flight.
PARKED_MS = 2 * 86_400_000

_SOURCE_CHARS = 200

NoteSuppressed = Callable[[list[bytes]], None]


def nobody_is_told(_: list[bytes]) -> None:
    """Leave dispatch unaware until the next start; for an owner that sends nothing."""


class Summary(NamedTuple):
    """What became of a batch of events.

    Attributes:
        applied: Matched, and counted for their run.
        repeated: Known already; they changed nothing.
        parked: Without a record that is known yet.
        late: Matched, after their run's results were closed; kept, not counted.
        suppressed: The contacts that were not suppressed before, and why they are now.
    """

    applied: int = 0
    repeated: int = 0
    parked: int = 0
    late: int = 0
    suppressed: tuple[tuple[bytes, str], ...] = ()

    def as_dict(self) -> dict[str, int]:
        """Return the figures; of the contacts only how many."""
        return {**self._asdict(), "suppressed": len(self.suppressed)}

    def plus(self, other: Summary) -> Summary:
        """Return both batches as one."""
        return Summary(
            self.applied + other.applied,
            self.repeated + other.repeated,
            self.parked + other.parked,
            self.late + other.late,
            self.suppressed + other.suppressed,
        )


class TakeResults:
    """The job that stores events and does what they ask for.

    Args:
        events: Of any order; one may come twice, and before its record is known.
        source: How they came in, for the journey.
        on_suppressed: Gets the digests of contacts that must not be contacted any more,
            on the committing thread and before the commit: dispatch may be stricter
            than the store for a moment, never the other way round.
    """

    needs_room = True

    def __init__(
        self,
        events: Sequence[ResultEvent],
        source: str,
        on_suppressed: NoteSuppressed = nobody_is_told,
    ) -> None:
        self._events = events
        self._source = clean(source, _SOURCE_CHARS)
        self._on_suppressed = on_suppressed

    def __call__(self, tx: Transaction) -> Summary:
        """Take them; return what became of them."""
        first: dict[str, ResultEvent] = {}
        for event in self._events:
            first.setdefault(event.event_id, event)
        known = reads.known_events(tx.connection, first)
        fresh = [event for event in first.values() if event.event_id not in known]
        found = _matched(tx, fresh, thorough=False)
        places = _placed(tx, fresh, found)
        obeyed = _obeyed(tx, places, found, self._source, self._on_suppressed)
        spare(tx, places, self._source)
        # Counted before they are stored, or each would be known already.
        _count(tx, places)
        writes.add(tx.connection, places, self._source, tx.now_ms)
        return _summary(places, len(self._events) - len(fresh), obeyed)


class MatchParked:
    """The job that looks again for the records of parked events.

    Use one for as long as the engine runs: each call goes on where the last one
    stopped, oldest first and then from the beginning, so that events which never find
    their record take no turn from others. Whom those are about that are not looked at
    any more is forgotten: no purge of a run could find them.
    """

    def __init__(self, on_suppressed: NoteSuppressed = nobody_is_told) -> None:
        self._on_suppressed = on_suppressed
        self._after = (0, "")
        self._forgotten = (0, "")

    def __call__(self, tx: Transaction) -> Summary:
        """Look at some; ``parked`` counts those of them that stay so."""
        most = min(PARKED_AT_ONCE, keys_at_once(tx.connection))
        since_ms = tx.now_ms - PARKED_MS
        self._forgotten = writes.forget(tx.connection, self._forgotten, since_ms, most)
        after = max(self._after, (since_ms, ""))
        rows = reads.waiting(tx.connection, after, most)
        self._after = rows[-1][:2] if len(rows) == most else (0, "")
        events = [row.event for row in rows]
        found = _matched(tx, events, thorough=True)
        places = _placed(tx, events, found)
        source_of = {row.event_id: row.source for row in rows}
        obeyed: list[tuple[bytes, str]] = []
        for source, some in _by(places, lambda one: source_of[one.event.event_id]):
            obeyed += _obeyed(tx, some, found, source, self._on_suppressed)
            spare(tx, some, source)
        _count(tx, places)
        writes.place(tx.connection, [one for one in places if one.run_no is not None])
        return _summary(places, 0, obeyed)


def take_results_command(
    tx: Transaction,
    payload: Mapping[str, Any],
    on_suppressed: NoteSuppressed = nobody_is_told,
) -> dict[str, Any]:
    """Take the events that a command asks for.

    Args:
        tx: Open.
        payload: ``events``, as ``ResultEvent.as_dict`` writes them, and ``source``.
        on_suppressed: As of ``TakeResults``.

    Returns:
        The figures of ``Summary``, under ``mistakes`` what cannot be used, as [place
        in the list from 1, why], and under ``digest`` which events they were.

    Raises:
        ValueError: There is no list of at most ``MOST_EVENTS`` events; nothing was
            taken.
    """
    asked = payload.get("events")
    if not isinstance(asked, list) or len(asked) > MOST_EVENTS:
        msg = f"events is no list of at most {MOST_EVENTS:,}; no result was taken"
        raise ValueError(msg)
    events, mistakes = judged(asked, tx.now_ms)
    source = str(payload.get("source") or "a command")
    summary = TakeResults(events, source, on_suppressed)(tx)
    told = {"mistakes": mistakes, "digest": events_digest(asked)}
    return {**summary.as_dict(), **told}


def judged(
    raw: Iterable[object], now_ms: int
) -> tuple[list[ResultEvent], list[tuple[int, str]]]:
    """Return the events that can be used, and of the others the place and why."""
    events: list[ResultEvent] = []
    mistakes: list[tuple[int, str]] = []
    for place, one in enumerate(raw, 1):
        try:
            events.append(parse_event(one, now_ms))
        except ValueError as error:
            mistakes.append((place, str(error)))
    return events, mistakes


def close_results_command(tx: Transaction, command: Command) -> None:
    """Close a run's results before their time, by a person's word.

    Raises:
        ConfigError: The run is not collecting; nothing was changed.
        ValueError: No run has this id.
    """
    run_id = command.run_id
    ledger = tx.ledgers.get(run_id)
    if ledger is None:
        if not ledger_rows(tx.connection, run_id):
            msg = f"no run is called {run_id!r}"
            raise ValueError(msg)
        # The round forgets the run again, as after ``jobs.close_results``.
        ledger = adopt(tx, run_id)
    if ledger.lifecycle.results is not Results.COLLECTING:
        state = ledger.lifecycle.results
        why = "closed already" if state is Results.CLOSED else "collected after its end"
        msg = f"the results of run {run_id} are {why}; nothing was changed"
        raise ConfigError(msg)
    told = "; ".join(part for part in (f"by {command.by}", command.why) if part)
    tell(tx, ledger, Fact.RESULTS_CLOSED, detail=told)


def _matched(
    tx: Transaction, events: Sequence[ResultEvent], *, thorough: bool
) -> dict[str, Found]:
    """Return the record of each event that has one, by event id.

    The key goes first: it names one record, a provider's id what the provider likes.
    """
    by_key = records_by_key(
        tx.connection, {one.key for one in events if one.key}, thorough=thorough
    )
    left = [one for one in events if one.key not in by_key]
    by_id = records_by_provider(tx.connection, (one.provider_id for one in left))
    places = (
        (e.event_id, by_key.get(e.key) or by_id.get(e.provider_id)) for e in events
    )
    return {event_id: place for event_id, place in places if place is not None}


def _placed(
    tx: Transaction, events: Sequence[ResultEvent], found: Mapping[str, Found]
) -> list[Placed]:
    runs = reads.collecting(tx.connection, {place.run_no for place in found.values()})
    places = []
    for event in events:
        place = found.get(event.event_id)
        if place is None:
            places.append(Placed(event, "parked"))
            continue
        is_open = runs[place.run_no].is_open(tx.now_ms)
        state = "applied" if is_open else "late"
        places.append(Placed(event, state, place.run_no, place.seq, place.step))
    return places


def _count(tx: Transaction, places: Iterable[Placed]) -> None:
    """Raise the counts by the records of which a kind is new."""
    applied = (one for one in places if one.state == "applied")
    for run_no, some in _by(applied, lambda one: one.run_no):
        pairs = {(one.seq, one.event.kind) for one in some if one.seq is not None}
        known = reads.known_kinds(tx.connection, run_no, {seq for seq, _ in pairs})
        counts: dict[ResultKind, int] = {}
        for _, kind in sorted(pairs - known):
            counts[kind] = counts.get(kind, 0) + 1
        writes.count(tx.connection, run_no, counts)


def _obeyed(
    tx: Transaction,
    places: Sequence[Placed],
    found: Mapping[str, Found],
    source: str,
    on_suppressed: NoteSuppressed,
) -> list[tuple[bytes, str]]:
    """Suppress who must not be contacted again, whatever became of the run."""
    obeyed: list[tuple[bytes, str]] = []
    asked = (
        one
        for one in places
        if suppresses(one.event.kind, one.event.detail)
        # Of a purged contact nothing is left to know it by.
        and one.run_no is not None
        and found[one.event.event_id].digest
    )
    for run_no, some in _by(asked, lambda one: one.run_no):
        run_id = reads.collecting(tx.connection, [run_no])[run_no].run_id
        kind = _contact_kind(tx, run_id)
        rows: dict[bytes, tuple[Suppressed, Placed]] = {}
        for one in some:
            digest = found[one.event.event_id].digest
            reason = one.event.kind.value
            row = Suppressed(digest, kind, reason, f"run {run_id}", source, tx.now_ms)
            rows.setdefault(digest, (row, one))
        fresh = add_suppressed(tx.connection, [row for row, _ in rows.values()])
        for digest in fresh:
            row, one = rows[digest]
            _enter_opt_out(tx, run_id, one, source)
            obeyed.append((digest, row.reason))
        # Also those that are known: what is in mind may have forgotten one.
        on_suppressed(list(rows))
    return obeyed


def _enter_opt_out(tx: Transaction, run_id: str, one: Placed, source: str) -> None:
    told = f"record {one.seq}, {one.event.kind.value} by {source}"
    add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": run_id,
            "event": "opted out",
            "detail": f"{told}; no run contacts this contact any more",
            "epoch": tx.epoch,
        },
    )


def _contact_kind(tx: Transaction, run_id: str) -> str:
    # Without it the suppression still holds: the digest is made with the kind.
    with suppress(ConfigError):
        text = campaign_text(tx.connection, run_id)
        return parse_campaign(text, "campaign").audience.kind
    return ""


def _by(
    places: Iterable[Placed], part: Callable[[Placed], Any]
) -> Iterator[tuple[Any, list[Placed]]]:
    parts: dict[Any, list[Placed]] = {}
    for one in places:
        parts.setdefault(part(one), []).append(one)
    return iter(parts.items())


def _summary(
    places: Sequence[Placed], repeated: int, obeyed: Sequence[tuple[bytes, str]]
) -> Summary:
    states = [one.state for one in places]
    return Summary(
        applied=states.count("applied"),
        repeated=repeated,
        parked=states.count("parked"),
        late=states.count("late"),
        suppressed=tuple(obeyed),
    )
