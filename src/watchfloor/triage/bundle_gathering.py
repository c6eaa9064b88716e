"""What a bundle is made from: read from the store in short transactions, unscrubbed.

Nothing in here has passed the door out; see ``bundle_content``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, Final

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.failing import Failures
from watchfloor.domain.identity import contact_digest
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import EngineView, EventView, PageKey, RecordView, RunView
from watchfloor.domain.workspace import Workspace
from watchfloor.intake.normalise import UnfitContactError, identifier
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.intake.workspace_file import parse_workspace
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads import journal, runs
from watchfloor.store.reads.attempts import attempts_of
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.failures import failures
from watchfloor.store.reads.families import family_run_ids
from watchfloor.store.reads.limits import SharedLimit, shared_limits
from watchfloor.store.reads.records import (
    one_record,
    record_page,
    record_view,
    values_of,
)
from watchfloor.store.reads.results import Reported, result_counts, results_of
from watchfloor.store.reads.uploads import Upload, known_digests, upload_of
from watchfloor.store.schema import schema_version

#: Entries of the journal, the newest ones.
MOST_EVENTS: Final = 400
#: Records whose journey is told, and of each kind among them.
MOST_SAMPLES: Final = 60
MOST_ALIKE: Final = 5
#: Records of a state that samples are chosen from, at either end of the run.
_CHOSEN_FROM = 200
#: Journeys of one read transaction.
_AT_ONCE = 10
#: Whose journeys say most stands first.
SAMPLED: Final = (
    RecordState.FAILED,
    RecordState.UNKNOWN,
    RecordState.RETRY,
    RecordState.DELIVERED,
    RecordState.ATTEMPTING,
    RecordState.CALLBACK,
    RecordState.WAITING,
    RecordState.EXPIRED,
    RecordState.ABANDONED,
)
#: Words in free text that may be a contact's id.
_MOST_WORDS = 20_000
_WORD = re.compile(r"[^\s\"'<>(){}\[\],;]+")

#: What is being done, how much of it, of how much.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One record with everything that happened to it, as it stands in the store."""

    record: RecordView
    values: tuple[str, ...]
    attempts: tuple[Mapping[str, Any], ...]
    results: tuple[Reported, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that a bundle is made from.

    Attributes:
        workspace: None where its file cannot be used.
        zone: In which its people read times.
        examples: Contact and cells of the example of each failure group, by seq.
        named: Words of free texts that are contacts of the run.
        events_left_out: Whether the journal has older entries within the time.
    """

    run: RunView
    upload: Upload
    steps: tuple[str, ...]
    family: tuple[str, ...]
    campaign_text: str
    workspace: Workspace | None
    zone: str
    limits: tuple[SharedLimit, ...]
    engine: EngineView
    schema: str
    events: tuple[EventView, ...]
    events_left_out: bool
    failures: Failures
    examples: Mapping[int, tuple[str, tuple[str, ...]]]
    results: Mapping[str, int]
    samples: tuple[Sample, ...]
    named: frozenset[str]
    since_ms: int
    until_ms: int


def gathered(
    layout: Layout,
    run_id: str,
    now_ms: int,
    since_ms: int | None = None,
    progress: Progress = lambda *_: None,
) -> Material:
    """Return what a run's bundle is made from.

    Args:
        layout: Of the workspace.
        run_id: Which run.
        now_ms: Milliseconds since 1970, UTC.
        since_ms: From when on the journal is told; None from the run's beginning.
        progress: Told how far it is.

    Raises:
        NotFoundError: No run has this id.
        StoreError: The store cannot be read.
    """
    with reading(layout) as connection:
        run = runs.run_view(connection, run_id)
        number = runs.run_number(connection, run_id)
        steps = runs.step_names(connection, run_id)
        family = family_run_ids(connection, runs.family_id(connection, run_id))
        text = runs.campaign_text(connection, run_id)
        upload = upload_of(connection, run_id)
        limits = shared_limits(connection)
        engine = engine_view(connection)
        schema = schema_version(connection)
        results = {
            str(kind): count
            for kind, count in result_counts(connection, number).items()
        }
        newest = journal.events(connection, run_id, limit=MOST_EVENTS + 1)
    first_ms = run.created_at_ms if since_ms is None else since_ms
    events = tuple(one for one in newest if one.at_ms >= first_ms)
    with reading(layout) as connection:
        failed = failures(connection, run_id)
    examples = dict(_examples(layout, run_id, failed))
    samples = tuple(_samples(layout, run_id, steps, failed, progress))
    workspace = _workspace(layout)
    kept = events[-MOST_EVENTS:]
    said = [
        *(text for one in kept for text in (one.why, one.detail)),
        run.cause,
        *(str(row["detail"]) for one in samples for row in one.attempts),
    ]
    return Material(
        run=run,
        upload=upload,
        steps=steps,
        family=tuple(family),
        campaign_text=text,
        workspace=workspace,
        zone=workspace.zone if workspace else "UTC",
        limits=limits,
        engine=engine,
        schema=str(schema),
        events=kept,
        events_left_out=len(events) > len(kept),
        failures=failed,
        examples=examples,
        results=results,
        samples=samples,
        named=_named(layout, run_id, said),
        since_ms=first_ms,
        until_ms=now_ms,
    )


def stratified(
    records: Iterable[RecordView], most: int = MOST_SAMPLES, alike: int = MOST_ALIKE
) -> list[RecordView]:
    """Return up to *most* records, every kind of them before a second of any kind.

    Of one kind are those in the same state, on the same step, with the same code.
    """
    kinds: dict[RecordState, dict[tuple[object, ...], list[RecordView]]] = {}
    seen: set[int] = set()
    for one in records:
        of_state = kinds.setdefault(one.state, {})
        alikes = of_state.setdefault((one.step, one.outcome_class, one.code), [])
        if one.seq not in seen and len(alikes) < alike:
            alikes.append(one)
            seen.add(one.seq)
    # A state of very many codes must not crowd the others out.
    turns = zip_longest(*(of_state.values() for of_state in kinds.values()))
    each = [kind for turn in turns for kind in turn if kind is not None]
    chosen = (kind[turn] for turn in range(alike) for kind in each if kind[turn:])
    return list(islice(chosen, most))


def _workspace(layout: Layout) -> Workspace | None:
    try:
        text = read_toml_text(layout.settings)
        return parse_workspace(text, layout.settings.name)
    except ConfigError:
        return None  # doctor tells what is wrong with it


def _examples(
    layout: Layout, run_id: str, failed: Failures
) -> Iterator[tuple[int, tuple[str, tuple[str, ...]]]]:
    with reading(layout) as connection:
        for group in failed.groups:
            row = one_record(connection, run_id, group.example_seq)
            yield group.example_seq, (row["contact"], tuple(values_of(row)))


def _samples(
    layout: Layout,
    run_id: str,
    steps: tuple[str, ...],
    failed: Failures,
    progress: Progress,
) -> Iterator[Sample]:
    found: list[RecordView] = []
    with reading(layout) as connection:
        # Rare codes stand among the examples alone.
        examples = [
            one_record(connection, run_id, g.example_seq) for g in failed.groups
        ]
        found += (record_view(row, steps) for row in examples)
    for state in SAMPLED:
        for place in ({"before": 0}, {"after": None}):
            wanted = PageKey(state=state, size=_CHOSEN_FROM, **place)
            with reading(layout) as connection:
                page = record_page(connection, run_id, steps, wanted)
            found += page.records
    chosen = stratified(_by_turns(found))
    for first in range(0, len(chosen), _AT_ONCE):
        progress("journeys", first, len(chosen))
        with reading(layout) as connection:
            for one in chosen[first : first + _AT_ONCE]:
                yield _sample(connection, run_id, one.seq, steps)


def _by_turns(records: Sequence[RecordView]) -> list[RecordView]:
    """Return records with the states in their order, as they stand within each."""
    place = {state: at for at, state in enumerate(SAMPLED)}
    return sorted(records, key=lambda one: place.get(one.state, len(place)))


def _sample(
    connection: Handle, run_id: str, seq: int, steps: tuple[str, ...]
) -> Sample:
    row = one_record(connection, run_id, seq)
    number = row["run_no"]
    return Sample(
        record=record_view(row, steps),
        values=tuple(values_of(row)),
        attempts=tuple(dict(one) for one in attempts_of(connection, number, seq)),
        results=results_of(connection, number, seq, most=50),
    )


def _named(layout: Layout, run_id: str, said: Iterable[str]) -> frozenset[str]:
    """Return which words of free texts are ids of the run's contacts.

    Numbers and addresses are known by how they are written; an id may be any word.
    """
    digests: dict[bytes, str] = {}
    for word in islice(
        (word for text in said for word in _WORD.findall(text)), _MOST_WORDS
    ):
        for form in {word, word.strip(".:!?")}:
            try:
                digests[contact_digest("id", identifier(form))] = form
            except UnfitContactError:
                continue
    with reading(layout) as connection:
        known = known_digests(connection, run_id, digests)
    return frozenset(digests[one] for one in known)
