"""What each check of a run is based on, line by line."""

from __future__ import annotations

from watchfloor.console.about import term_role, who_asked
from watchfloor.console.figures import (
    counted,
    full_time,
    length,
    near_time,
    percent,
    rate,
    size,
)
from watchfloor.console.holds import hold_lines
from watchfloor.console.labels import outside_window
from watchfloor.console.live_lines import ends_about, pace_words
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import without_contact
from watchfloor.domain.books import STATE_KEYS
from watchfloor.domain.live import Diagnosis, FailureGroup
from watchfloor.domain.progress import ends_later, in_flight, taken_up
from watchfloor.domain.views import EventView

_NAME = 15


def engine_evidence(told: Diagnosis) -> list[Line]:
    """Return who owns the workspace, and its signs of life."""
    engine = told.engine
    how = "let go in good order" if engine.released else "not let go"
    return _facts(
        ("owner", engine.owner or "nobody"),
        ("process", f"pid {engine.pid} on {engine.host or 'this machine'}"),
        ("epoch", f"{engine.epoch:,}, {how}"),
        ("up since", full_time(engine.started_at_ms or None)),
        ("last heartbeat", full_time(engine.heartbeat_at_ms or None)),
        ("now", full_time(told.as_of_ms)),
    )


def health_evidence(told: Diagnosis) -> list[Line]:
    """Return where the run stands, and what keeps it there."""
    live, run, now_ms = told.live, told.live.run, told.as_of_ms
    return _facts(
        ("state", run.label),
        ("health", f"{live.health.value}{', late' if live.is_late else ''}"),
        ("cause", without_contact(run.cause)),
        ("gate", f"{run.lifecycle.gate.value} {who_asked(run.gate_asked)}".strip()),
        ("intake", f"{run.lifecycle.intake.value}, {_read(told)}"),
        ("window", outside_window(run, now_ms)),
        ("last outcome", full_time(run.progress_at_ms)),
        ("oldest in flight", near_time(live.oldest_at_ms, now_ms)),
        ("started", full_time(run.started_at_ms)),
        ("elapsed", length(run.duration_ms(now_ms))),
    )


def hold_evidence(told: Diagnosis) -> list[Line]:
    """Return every reason with its count, and what they come to."""
    return hold_lines(told.live, told.engine, told.as_of_ms)


def outcome_evidence(told: Diagnosis) -> list[Line]:
    """Return the largest groups of failures, then the shares of all records."""
    books, failures = told.live.run.books, told.failures
    lines: list[Line] = []
    if failures.groups:
        known = f"{failures.looked_at:,} of {failures.of:,}"
        part = "all" if failures.looked_at >= failures.of else f"only {known}"
        said = f" failed, unknown and to retry, by why ({part} looked at)"
        lines.append((Piece(said, "dim"),))
    lines += [_group(group) for group in failures.groups]
    if books.records:
        lines.append((Piece(f" of {counted(books.records, 'record')}", "dim"),))
    figures = books.as_dict()
    shares = [
        (key, figures[key], _share(figures[key], books.records)) for key in STATE_KEYS
    ]
    lines += [
        (Piece(f"  {key:<{_NAME}}{count:>11,}  {share}", term_role(key)),)
        for key, count, share in shares
        if count
    ]
    return lines


def upload_evidence(told: Diagnosis) -> list[Line]:
    """Return how the upload's rows became records, and how many did not."""
    run, books = told.live.run, told.live.run.books
    kinds = sorted(told.rejects.items(), key=lambda one: -one[1])
    return _facts(
        ("upload", run.upload_name),
        ("read", _read(told)),
        ("rows", f"{books.extracted:,}"),
        *((kind, f"{n:,}  {_share(n, books.extracted)}") for kind, n in kinds if n),
        ("not judged yet", f"{books.unjudged:,}" if books.unjudged else ""),
        ("records", f"{books.records:,}  {_share(books.records, books.extracted)}"),
    )


def pace_evidence(told: Diagnosis) -> list[Line]:
    """Return how fast it goes, and how long it takes and should take."""
    live, run, now_ms = told.live, told.live.run, told.as_of_ms
    ends = ends_about(live, now_ms)
    spent = ", ".join(f"{name} {length(ms)}" for name, ms in run.spent_ms.items() if ms)
    pace = "no limit" if run.rate_per_s is None else f"{rate(run.rate_per_s)} at most"
    flying = f"{in_flight(run):,} of {run.permits:,} in flight"
    ahead = f", {taken_up(run):,} more taken up" if taken_up(run) else ""
    return _facts(
        ("attempts", pace_words(live.attempts_per_s, run, told.engine, now_ms)),
        ("finished", pace_words(live.done_per_s, run, told.engine, now_ms)),
        ("pace", pace),
        ("permits", f"{flying}{ahead}"),
        ("started", full_time(run.started_at_ms)),
        ("elapsed", length(run.duration_ms(now_ms))),
        ("time spent", spent),
        (
            "ends after" if ends_later(run) else "ends about",
            "" if ends is None else full_time(ends),
        ),
        ("should take", _expected(told)),
    )


def journal_evidence(told: Diagnosis) -> list[Line]:
    """Return the newest entries of the journal, the newest first."""
    return [
        (Piece(f"  {event_words(event, told.as_of_ms)}"),)
        for event in reversed(told.events)
    ]


def event_words(event: EventView, now_ms: int) -> str:
    """Return one entry of the journal, people masked: what, by whom, when and why."""
    by = f" by {event.by}" if event.by else ""
    change = f", {event.before} → {event.after}" if event.before != event.after else ""
    said = " ".join(part for part in (event.why, event.detail) if part)
    why = f": {without_contact(said)}" if said else ""
    return f"{near_time(event.at_ms, now_ms)} {event.event}{by}{change}{why}"


def group_words(group: FailureGroup) -> str:
    """Return why a group of records ended so, and how many they are."""
    return f"{_reason(group)} ({group.records:,})"


def group_name(group: FailureGroup) -> str:
    """Return which records make up a group: their state, why, and at which step."""
    step = f", {group.step}" if group.step else ""
    return f"{group.state.word}: {_reason(group)}{step}"


def _group(group: FailureGroup) -> Line:
    where = f"step {group.step or '-'}, as record {group.example_seq:,}"
    said = f"  {group.state.word:<9}{group.records:>9,}  {_reason(group)}  {where}"
    return (Piece(said),)


def _reason(group: FailureGroup) -> str:
    klass = "" if group.outcome_class is None else f"{group.outcome_class.word} "
    return f"{klass}{without_contact(group.code) or 'no code'}"


def _facts(*facts: tuple[str, str]) -> list[Line]:
    # One look for all of it: each change of colour is sent with every such line.
    return [(Piece(f"  {name:<{_NAME}}  {said}"),) for name, said in facts if said]


def _read(told: Diagnosis) -> str:
    run = told.live.run
    return f"{size(run.bytes_read)} of {size(run.bytes_total)} read"


def _share(number: int, of: int) -> str:
    if 0 < number * 100 < of:
        return "<1%"
    return percent(number / of) if of else ""


def _expected(told: Diagnosis) -> str:
    if told.live.expected_ms is None:
        return "no earlier run tells"
    return f"{length(told.live.expected_ms)}, by earlier runs of its campaign"
