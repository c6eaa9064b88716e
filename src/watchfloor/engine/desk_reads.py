"""What the desk is asked, each answered from one snapshot of the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

from watchfloor.domain import resolutions
from watchfloor.domain.canary import StageState
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.health import Health
from watchfloor.domain.live import Pulse, Unknown, UnknownPage
from watchfloor.domain.previews import DOUBTS_COUNTED, PROMISES_NAMED, Preview, preview
from watchfloor.domain.regions import Verb
from watchfloor.domain.resolutions import ResolveAs, ResolvePreview, only_unknown
from watchfloor.domain.views import Overview, RecordView
from watchfloor.domain.workspace import Shared
from watchfloor.engine.live_ops import live_ops
from watchfloor.engine.record_pages import callback_page_of, with_results
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reader import number_of
from watchfloor.store.reads.alerts import newest_told
from watchfloor.store.reads.canaries import canary_view
from watchfloor.store.reads.cards import cards
from watchfloor.store.reads.engine import seen_engine
from watchfloor.store.reads.progress import recent_rates
from watchfloor.store.reads.resolutions import counted, promises
from watchfloor.store.reads.results import result_counts
from watchfloor.store.reads.retries import taken_up_of
from watchfloor.store.reads.runs import doubtful_retries, run_number, run_page, run_view
from watchfloor.store.reads.unknowns import unknown_page


def overview(
    connection: Handle,
    now_ms: int,
    shared: Mapping[str, Shared] | None = None,
    layout: Layout | None = None,
) -> Overview:
    """Return the newest runs, newest first, and who owns the workspace."""
    rates = recent_rates(connection, now_ms)
    live = live_ops(connection, now_ms, shared or {}, layout).runs
    sick = (Health.STALLED, Health.SLOW)
    unwell = [one for one in live if one.health in sick or one.failing is not None]
    return Overview(
        runs=run_page(connection),
        done_per_s={run_id: done for run_id, (_, done) in rates.items() if done > 0},
        said={one.run.run_id: one.sentence for one in live},
        unwell=frozenset(one.run.run_id for one in unwell),
        engine=seen_engine(connection, now_ms, layout),
        as_of_ms=now_ms,
        store=number_of(connection),
    )


def pulse(connection: Handle, now_ms: int, layout: Layout | None = None) -> Pulse:
    """Return the owner, the number of changes, the cards and the newest alert."""
    return Pulse(
        engine=seen_engine(connection, now_ms, layout),
        cards=cards(connection, now_ms),
        alert=newest_told(connection),
        store=number_of(connection),
    )


def unknowns(
    connection: Handle, run_id: str, after: tuple[str, int] | None, size: int
) -> UnknownPage:
    """Return a page of unknown records with what was reported of them since."""
    page = unknown_page(connection, run_id, after, size)
    told: list[Unknown] = []
    for whose, group in groupby(page.unknowns, key=attrgetter("run_id")):
        ones = list(group)
        records = with_results(connection, whose, [one.record for one in ones])
        told += [
            replace(one, record=record)
            for one, record in zip(ones, records, strict=True)
        ]
    return replace(page, unknowns=tuple(told))


def resolve_preview_of(
    connection: Handle, run_id: str, selection: Selection, resolve_as: ResolveAs
) -> ResolvePreview:
    """Return what resolving would do to the unknown records of a selection.

    Raises:
        NotFoundError: No run has this id.
    """
    run = run_view(connection, run_id)
    records, others = counted(connection, run_id, selection, run.books.unknown)
    taken = taken_up_of(connection, run_id, only_unknown(selection))
    delivery, steps = promises(connection, run_id)
    return resolutions.preview(
        run,
        resolve_as,
        only_unknown(selection),
        records=records - sum(one.records for one in taken.values()),
        others=others,
        steps=steps,
        delivery=delivery,
        taken=taken,
    )


def results_by_kind(connection: Handle, run_id: str) -> Mapping[str, int]:
    """Return of how many records each kind of result was reported."""
    number = run_number(connection, run_id)
    return {str(kind): n for kind, n in result_counts(connection, number).items()}


def preview_of(connection: Handle, verb: Verb, run_id: str) -> Preview:
    """Return what a verb would do, with the promises it would drop by name.

    An end also tells how many retries may have arrived already.
    """
    run = run_view(connection, run_id)
    if verb is Verb.RESUME and run.released_seq is not None:
        found = preview(run, verb)
        told = _overruling(connection, run_id)
        return replace(found, lines=(*told, *found.lines), overrules=bool(told))
    if verb not in (Verb.STOP, Verb.CANCEL):
        return preview(run, verb)
    promised: tuple[RecordView, ...] = ()
    doubtful = 0
    if run.books.callback:
        promised = callback_page_of(connection, run_id, None, PROMISES_NAMED).callbacks
    if run.books.retry:
        number = run_number(connection, run_id)
        doubtful = doubtful_retries(connection, number, DOUBTS_COUNTED)
    return preview(run, verb, promised, doubtful)


def _overruling(connection: Handle, run_id: str) -> tuple[str, ...]:
    """Return what a resume overrules, where a canary holds the run for a person."""
    canary = canary_view(connection, run_id)
    if canary is None or not canary.is_stopped:
        return ()
    stage = next(one for one in canary.stages if one.state is StageState.STOPPED)
    after = canary.stages[stage.number]
    told = f"stage {after.number}, {after.records:,} records"
    return (
        f"Overrules the canary and releases {told}.",
        *(f"Stage {stage.number}: {told}." for told in stage.evidence),
    )
