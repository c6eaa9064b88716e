"""Evidence gathered from a workspace, in short reads beside a running engine."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from watchfloor import __version__
from watchfloor.domain.calendar_months import month_of
from watchfloor.domain.campaign import Campaign
from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.domain.evidence import (
    Counters,
    Evidence,
    Neighbour,
    PlanState,
    Readings,
    Relative,
    Setup,
    StepSetup,
    Waiting,
)
from watchfloor.domain.progress import expected_by
from watchfloor.domain.records import RecordState
from watchfloor.domain.sharing import filed_limits
from watchfloor.domain.views import RunView
from watchfloor.domain.workspace import Workspace
from watchfloor.intake.campaign_file import parse_campaign
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.intake.workspace_file import parse_workspace
from watchfloor.store.handle import Handle
from watchfloor.store.inbox import Inbox
from watchfloor.store.layout import Layout
from watchfloor.store.reads import neighbours, samples
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.failures import failures
from watchfloor.store.reads.healthy import healthy_share
from watchfloor.store.reads.journal import events
from watchfloor.store.reads.live import known_paces
from watchfloor.store.reads.progress import recent_rates
from watchfloor.store.reads.quota import used
from watchfloor.store.reads.results import result_counts
from watchfloor.store.reads.runs import (
    campaign_text,
    run_number,
    run_view,
    step_names,
)
from watchfloor.store.reads.situations import situation
from watchfloor.triage.other_regions import readings_of
from watchfloor.triage.sampling import attempt_sample, record_tallies, reject_tallies

#: So much of the journal is told.
_EVENTS: Final = 40
#: The newest attempts are so many, by when they ended.
_RECENT: Final = 200
#: So many contacts are looked for in other runs, of so many runs.
_LOOKED_UP: Final = 200
_LOOKED_INTO: Final = 5
#: Runs that ended so long ago are no accident of today.
_RECENT_RUNS_MS: Final = 24 * 3_600_000
_DAYS: Final = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def evidence_of(
    connection: Handle, run_id: str, now_ms: int, layout: Layout, workspace: Workspace
) -> Evidence:
    """Return what the store knows of a run, but for samples of its records.

    Args:
        connection: Any.
        run_id: Which run.
        now_ms: The moment.
        layout: Where the workspace is: a silent owner's lock tells more.
        workspace: As its file says.

    Raises:
        NotFoundError: No run has this id.
    """
    run = run_view(connection, run_id)
    number = run_number(connection, run_id)
    steps = step_names(connection, run_id)
    rates = recent_rates(connection, now_ms).get(run_id, (0.0, 0.0))
    return Evidence(
        version=__version__,
        as_of_ms=now_ms,
        engine=engine_view(connection),
        run=run,
        situation=situation(
            connection,
            run_id,
            now_ms,
            layout=layout,
            shared=filed_limits(workspace),
        ),
        workspace_id=workspace.workspace_id,
        workspace_name=workspace.name,
        plan=plan_of(connection, workspace, now_ms),
        attempts_per_s=rates[0],
        done_per_s=rates[1],
        expected_ms=expected_by(run, known_paces(connection, {run.campaign_id})),
        setup=_setup(campaign_text(connection, run_id), steps),
        upload_sha256=neighbours.upload_sha256(connection, run.upload_id),
        failures=failures(connection, run_id),
        baseline_transient=healthy_share(connection, number),
        events=events(connection, run_id, limit=_EVENTS),
        results={str(kind): n for kind, n in result_counts(connection, number).items()},
    )


def counters_of(connection: Handle, run_id: str, now_ms: int) -> Counters:
    """Return a run's counters as they are now; some rows.

    Raises:
        NotFoundError: No run has this id.
    """
    run, engine = run_view(connection, run_id), engine_view(connection)
    return Counters(
        at_ms=now_ms,
        books=run.books,
        bytes_read=run.bytes_read,
        progress_at_ms=run.progress_at_ms,
        heartbeat_at_ms=engine.heartbeat_at_ms,
    )


def with_surroundings(gathered: Evidence, layout: Layout) -> Evidence:
    """Add what stands beside the store: room and the inbox, as far as they are told."""
    return replace(gathered, waiting=_waiting(layout), free_bytes=_free_bytes(layout))


def plan_of(connection: Handle, workspace: Workspace, now_ms: int) -> PlanState:
    """Return what the month's plan allows, and what is reserved of it."""
    month = month_of(now_ms, ZoneInfo(workspace.zone))
    reserved = used(connection, month)
    return PlanState(
        month=month,
        runs=reserved.runs,
        most_runs=workspace.plan.monthly_runs,
        records=reserved.records,
        most_records=workspace.plan.monthly_records,
    )


def workspace_of(layout: Layout) -> Workspace:
    """Return the workspace as its file says; a nameless one where it cannot be read."""
    try:
        text = read_toml_text(layout.settings)
        return parse_workspace(text, layout.settings.name)
    except ConfigError:
        return Workspace(workspace_id="", name="")


def with_samples(connection: Handle, gathered: Evidence) -> Evidence:
    """Add samples of a run's records and attempts, and the runs beside it."""
    run_id = gathered.run.run_id
    number, steps = run_number(connection, run_id), step_names(connection, run_id)
    strewn = samples.strewn(connection, number)
    records = samples.records_in(connection, number, strewn)
    whole = samples.attempts_in(connection, number, strewn)
    ends = samples.newest(connection, number)
    last = samples.attempts_in(connection, number, ends)
    newest = sorted(last, key=lambda one: one.ended_at_ms)[-_RECENT:]
    newest.sort(key=lambda one: (one.seq, one.number))
    of_newest = samples.records_in(connection, number, ends)
    rejected = samples.rejects_at_the_ends(connection, number)
    digests = [one.digest for one in records[:: max(1, len(records) // _LOOKED_UP)]]
    delivered = [
        one.digest
        for one in records
        if one.state is RecordState.DELIVERED and not one.generation
    ]
    run = gathered.run
    return replace(
        gathered,
        recent=attempt_sample(newest, of_newest, steps),
        whole=attempt_sample(whole, records, steps),
        records=record_tallies(records, steps),
        rejects=reject_tallies(rejected),
        rejects_seen=len(rejected),
        readings=_readings(gathered.setup, rejected),
        reads=neighbours.run_being_read(connection),
        neighbours=_neighbours(
            connection, run, digests[:_LOOKED_UP], gathered.as_of_ms
        ),
        relatives=_relatives(connection, run, delivered[:_LOOKED_UP]),
    )


def _readings(setup: Setup, rejected: Sequence[samples.SampledReject]) -> Readings:
    return readings_of(rejected, setup.region) if setup.kind == "phone" else Readings()


def _neighbours(
    connection: Handle, run: RunView, digests: Sequence[bytes], now_ms: int
) -> tuple[Neighbour, ...]:
    since_ms = (run.ended_at_ms or now_ms) - _RECENT_RUNS_MS
    beside = neighbours.runs_beside(connection, run.run_id, ended_after_ms=since_ms)
    return tuple(
        Neighbour(
            run_id=one.run.run_id,
            campaign_name=one.run.campaign_name,
            label=one.run.label,
            is_live=not one.run.lifecycle.is_ended,
            created_at_ms=one.run.created_at_ms,
            ended_at_ms=one.run.ended_at_ms,
            same_campaign=one.same_campaign,
            same_upload=one.same_upload,
            same_fingerprint=one.same_fingerprint,
            looked_up=len(digests) if place < _LOOKED_INTO else 0,
            shared=len(samples.shared_with(connection, one.run_no, digests))
            if place < _LOOKED_INTO
            else 0,
        )
        for place, one in enumerate(beside)
    )


def _relatives(
    connection: Handle, run: RunView, digests: Sequence[bytes]
) -> tuple[Relative, ...]:
    return tuple(
        Relative(
            run_id=one.run_id,
            label=one.label,
            is_child=one.parent_id == run.run_id,
            outcome=one.lifecycle.outcome,
            books=one.books,
            looked_up=len(digests) if place < _LOOKED_INTO else 0,
            delivered_too=samples.delivered_by(connection, number, digests)
            if place < _LOOKED_INTO
            else 0,
        )
        for place, (number, one) in enumerate(
            neighbours.relatives(connection, run.run_id)
        )
    )


def _setup(text: str, steps: Sequence[str]) -> Setup:
    """Return what a frozen campaign asks for; its fault where it cannot be read."""
    try:
        campaign = parse_campaign(text, "the run's campaign")
    except ConfigError as error:
        named = tuple(StepSetup(name, "") for name in steps)
        return Setup(steps=named, fault=error.mistakes[0])
    return Setup(
        steps=tuple(
            StepSetup(step.name, step.channel, step.retry.attempts)
            for step in campaign.steps
        ),
        kind=campaign.audience.kind,
        region=_region(campaign),
        retry_share=campaign.limits.retry_share,
        window=_window(campaign),
        filter=campaign.audience.filter,
        breaker_after=campaign.guard.breaker_after,
    )


def _region(campaign: Campaign) -> str:
    """Return by what region numbers are read, in words."""
    audience = campaign.audience
    if audience.region_column:
        return f"the region in column {audience.region_column}"
    return audience.region


def _window(campaign: Campaign) -> str:
    window = campaign.window
    if window is None:
        return ""
    opens, closes = (
        f"{minute // 60:02}:{minute % 60:02}"
        for minute in (window.open_minute, window.close_minute)
    )
    days = " ".join(name for day, name in enumerate(_DAYS) if day in window.days)
    return f"{days} {opens} to {closes}, zone {window.zone}"


def _waiting(layout: Layout) -> Waiting:
    # Looking must not make a file that is gone.
    if not layout.inbox.is_file():
        return Waiting()
    inbox = Inbox(layout)
    try:
        found = inbox.waiting()
    except StoreError:
        return Waiting()
    finally:
        inbox.close()
    oldest = min((one.at_ms for one in found), default=None)
    return Waiting(commands=len(found), oldest_at_ms=oldest)


def _free_bytes(layout: Layout) -> int | None:
    try:
        return shutil.disk_usage(layout.root).free
    except OSError:
        return None
