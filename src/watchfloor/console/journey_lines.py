"""One record in words: its entries, its insides, and a healthy record beside it."""

from __future__ import annotations

import re
from typing import NamedTuple

from watchfloor.console.columns import Column, outcome_words, state_role
from watchfloor.console.figures import counted, exact_time, full_time, took
from watchfloor.console.pieces import Line, Piece, measured, spread
from watchfloor.console.privacy import (
    shown_contact,
    shown_field,
    shown_text,
    without_contact,
)
from watchfloor.console.text import wrapped
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import REACHED_BEFORE, RecordState
from watchfloor.domain.views import Journey, JourneyEntry, RecordView, RunView

DIFFERS, SAME, MORE = "differs", "same", "only here"
_MOST_LINES = 2
_NAME = 11
_PROVIDER_ID = re.compile(r"provider id ([^;]+)")


class StepRow(NamedTuple):
    """One entry of a journey; the place in it is its identity.

    Attributes:
        sign: How it compares with the record beside it; empty where none is.
    """

    place: int
    entry: JourneyEntry
    sign: str = ""


def _outcome_role(row: StepRow) -> str:
    word = row.entry.outcome.partition(" ")[0]
    return {
        "delivered": "good",
        "permanent": "bad",
        "ambiguous": "warn",
        "transient": "warn",
        "callback": "warn",
    }.get(word, "")


STEP_COLUMNS: tuple[Column[StepRow], ...] = (
    Column(
        title="TIME UTC",
        width=12,
        text=lambda r: exact_time(r.entry.at_ms),
        role=lambda _: "dim",
        spare=1,
    ),
    Column(title="STEP", width=8, text=lambda r: r.entry.step, spare=2),
    Column(title="EVENT", width=14, text=lambda r: r.entry.event),
    Column(
        title="OUTCOME",
        width=15,
        grow=1,
        text=lambda r: r.entry.outcome,
        role=_outcome_role,
    ),
    Column(title="TOOK", width=9, right=True, text=lambda r: took(r.entry.took_ms)),
    Column(
        title="BESIDE",
        width=9,
        text=lambda r: r.sign,
        role=lambda r: "" if r.sign == SAME else "mark",
        worth=lambda rows: any(row.sign for row in rows),
        marks=False,
    ),
    Column(
        title="DETAIL",
        width=30,
        grow=4,
        least=110,
        text=lambda r: r.entry.detail,
        role=lambda _: "dim",
    ),
)


def step_rows(journey: Journey, other: Journey | None = None) -> list[StepRow]:
    """Return the entries as they may be shown, compared with another record's."""
    contact = journey.record.contact
    first = None if other is None else first_difference(journey, other)
    signs = [""] * len(journey.entries)
    if other is not None:
        signs = [_sign(i, first, len(other.entries)) for i in range(len(signs))]
    return [
        StepRow(place, shown_text(entry, contact), signs[place])
        for place, entry in enumerate(journey.entries)
    ]


def _sign(place: int, first: int | None, others: int) -> str:
    if first is None or place < first:
        return SAME
    if place == first and place < others:
        return DIFFERS
    return MORE if place >= others else ""


def first_difference(one: Journey, other: Journey) -> int | None:
    """Return which entry is the first that differs; None where none does.

    Times, durations and details differ between any two records: they do not count.
    """
    mine, theirs = [_sense(e) for e in one.entries], [_sense(e) for e in other.entries]
    for place in range(max(len(mine), len(theirs))):
        if mine[place : place + 1] != theirs[place : place + 1]:
            return place
    return None


def _sense(entry: JourneyEntry) -> tuple[str, str, str]:
    return (entry.step, entry.event, entry.outcome)


def comparison(mine: Journey, healthy: Journey) -> str:
    """Return in one sentence how a record differs from a healthy one."""
    place = first_difference(mine, healthy)
    spent = f"took {_length(mine)} here, {_length(healthy)} there"
    if place is None:
        return f"No entry differs from record {healthy.record.seq:,}; {spent}."
    here, there = _told(mine, place), _told(healthy, place)
    return f"Entry {place + 1} differs: {here} here, {there} there; {spent}."


def _told(journey: Journey, place: int) -> str:
    if place >= len(journey.entries):
        return "nothing"
    entry = shown_text(journey.entries[place], journey.record.contact)
    return f"{entry.event} {entry.outcome}".strip()


def _length(journey: Journey) -> str:
    spent = [entry.took_ms for entry in journey.entries if entry.took_ms is not None]
    return f"{took(sum(spent))} in {counted(len(spent), 'attempt')}"


def inside(
    journey: Journey,
    run: RunView,
    row: StepRow | None,
    width: int,
    *,
    beside: str = "",
) -> tuple[Line, ...]:
    """Return why a record stands where it stands, and its insides, kind by kind.

    Args:
        journey: Which record.
        run: Whose it is.
        row: The entry under the cursor, or None.
        width: In cells.
        beside: How it differs from a healthy record, or empty.
    """
    record = journey.record
    lines: list[Line] = [*_block("why", why(record), width)]
    if beside:
        lines += _block("BESIDE", beside, width, _MOST_LINES + 1)
    lines += _block("INPUTS", _inputs(journey), width)
    lines += _block("OUTCOME", _outcome(record), width)
    if row is not None:
        at = exact_time(row.entry.at_ms)
        said = f"{at} {row.entry.event}: {row.entry.detail or 'no detail'}"
        lines += _block("  entry", said, width)
    lines += _block("INTERNALS", _keys(journey), width)
    lines += _block("", _internals(journey, run), width)
    return tuple(lines)


def _inputs(journey: Journey) -> str:
    contact = journey.record.contact
    fields = [
        f"{name}={shown_field(value, contact)}"
        for name, value in journey.fields.items()
    ]
    return "  ".join(fields) or ("none" if contact else "purged")


def _outcome(record: RecordView) -> str:
    words = without_contact(outcome_words(record), record.contact)
    said = f"{words}, {full_time(record.updated_at_ms)}"
    if record.result:
        said += f"; result {record.result}, as the provider reported"
    return said


def _internals(journey: Journey, run: RunView) -> str:
    record = journey.record
    said = [
        f"row {record.row_no:,} of {run.upload_name}",
        counted(record.attempts, "attempt"),
    ]
    if record.next_at_ms is not None and not record.state.is_final:
        said.append(f"next {full_time(record.next_at_ms)}")
    if record.is_held or run.shut_until_ms is not None:
        opens = record.next_at_ms if record.is_held else run.shut_until_ms
        said.append(f"window closed until {full_time(opens)}")
    return ", ".join(said)


def _keys(journey: Journey) -> str:
    ids = [
        found[1]
        for entry in journey.entries
        if (found := _PROVIDER_ID.match(entry.detail)) is not None
    ]
    key = f"key {journey.key or 'none yet'}"
    if not ids:
        return key
    return f"{key}, provider id {without_contact(ids[-1], journey.record.contact)}"


def _named(name: str, text: str) -> Line:
    role = "key" if name.isupper() else "dim"
    return (Piece(f" {name:<{_NAME}}", role), Piece(text))


def _block(name: str, text: str, width: int, most: int = _MOST_LINES) -> list[Line]:
    parts = wrapped(text, max(10, width - _NAME - 2), most)
    return [_named("" if i else name, part) for i, part in enumerate(parts)]


def heading(
    shown: Journey | None,
    healthy: Journey | None,
    run: RunView,
    read: tuple[int, str, str],
    width: int,
) -> Line:
    """Return which record is shown, beside which one, and how old it is.

    Args:
        shown: The record in the list; None before it is read.
        healthy: The one beside it, or in its place; or None.
        run: Whose they are.
        read: The record that is wanted, and the age of what stands there, at length
            and in short.
        width: In cells; what does not fit is left out, the campaign's name first.
    """
    seq, age, short = read
    if shown is None:
        left: Line = (Piece(" Journey ", "key"), Piece(f" record {seq:,}", "strong"))
    else:
        is_other = shown is healthy
        left = _record_pieces(shown, "Beside" if is_other else "Journey")
        if is_other:
            left = (*left, Piece(f"  beside record {seq:,}", "warn"))
        elif healthy is not None:
            left = (*left, Piece(f"  beside record {healthy.record.seq:,}", "warn"))
    named: Line = (*left, Piece(f"  {run.campaign_name}", "dim"))
    for start, said in ((named, age), (left, age), (left, short)):
        end: Line = (Piece(f"{said} ", "dim"),)
        if measured(start) + measured(end) < width:
            return spread(start, end, width)
    return left


def _record_pieces(journey: Journey, name: str) -> Line:
    record = journey.record
    return (
        Piece(f" {name} ", "key"),
        Piece(f" record {record.seq:,}", "strong"),
        Piece(f"  {shown_contact(record.contact)}"),
        Piece(f"  {record.state.word}", state_role(record.state)),
        Piece(f"  attempts {record.attempts}", "dim"),
    )


_WHY = {
    RecordState.PENDING: "not attempted yet; the run's line says what it waits for",
    RecordState.CLAIMED: "taken up by the engine, not attempted yet",
    RecordState.ATTEMPTING: "an attempt is in flight; its outcome will be stored",
    RecordState.WAITING: "waits for an external or human step",
    RecordState.DELIVERED: "delivered; never attempted again",
    RecordState.UNKNOWN: (
        "may have been delivered; nobody knows: ask the provider by the key"
    ),
    RecordState.NOT_ATTEMPTED: "the run was stopped or cancelled first",
    RecordState.EXPIRED: "its window closed for good",
    RecordState.ABANDONED: "its promise was dropped by a stop or a cancel",
}


#: Why a record is not attempted whose run did not have to end for it, by its code too.
_LEFT_OUT = {
    (RecordState.NOT_ATTEMPTED, "suppressed"): "its contact must not be contacted",
    (RecordState.NOT_ATTEMPTED, REACHED_BEFORE): (
        "an earlier attempt reached the contact, as the provider reported"
    ),
    (RecordState.UNKNOWN, REACHED_BEFORE): (
        "not tried again: the provider reported that it arrived; resolve it so"
    ),
}


def why(record: RecordView) -> str:
    """Return in one sentence why a record stands where it stands."""
    if record.is_held and not record.state.is_final:
        opens = full_time(record.next_at_ms)
        return f"{_held(record)}; its window is closed and opens at {opens}"
    match record.state:
        case RecordState.RETRY:
            return f"will be tried again at {full_time(record.next_at_ms)}"
        case RecordState.CALLBACK:
            return _promised(record)
        case RecordState.FAILED:
            return _failed(record)
        case state:
            return _LEFT_OUT.get((state, record.code)) or _WHY[state]


def _failed(record: RecordView) -> str:
    if record.outcome_class is OutcomeClass.PERMANENT:
        return "permanent: never retried"
    if record.code.endswith("_not_delivered"):
        return "known not to have been delivered; a retry may take it"
    return "every retry the campaign allows was made, or none was allowed"


def _promised(record: RecordView) -> str:
    due_at_ms = record.next_at_ms if record.due_at_ms is None else record.due_at_ms
    said = f"promised for {full_time(due_at_ms)}"
    if record.expires_at_ms is not None:
        said += f", too late from {full_time(record.expires_at_ms)}"
    return said


def _held(record: RecordView) -> str:
    if record.state is RecordState.CALLBACK:
        return _promised(record)
    return "outside window"
