"""A triage as text that is ready to be handed on (1.26): plain lines, times in UTC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from watchfloor.domain.evidence import Evidence
from watchfloor.domain.failing import failing
from watchfloor.domain.health import health
from watchfloor.domain.progress import is_rated
from watchfloor.domain.runbook import Finding, Sign, Symptom, Triage, Verdict
from watchfloor.domain.sentences import Told, sentence
from watchfloor.store.reads.failures import MOST_LOOKED_AT
from watchfloor.triage.checks import findings
from watchfloor.triage.judging import SECOND_MS, latest, watched_ms
from watchfloor.triage.origins import common_origin, failing_lines
from watchfloor.triage.verdict import verdict

#: What an operator would say to see each symptom.
SYMPTOMS: Final = {
    Symptom.STUCK: "running, and no attempt completes",
    Symptom.FEW: "far fewer deliveries than expected",
    Symptom.FAILING: "failures again and again for a large segment",
    Symptom.DUPLICATES: "somebody may be contacted twice",
}
_WHO: Final = {0: "nobody", 1: "operator", 2: "assisted", 3: "engineering"}


def triage(told: Evidence, wanted: Symptom | None = None) -> Triage:
    """Return evidence judged, and said.

    Args:
        told: Of a run here, or from elsewhere.
        wanted: The symptom that somebody sees; None to find it.
    """
    found = findings(told)
    judged = verdict(told, found, wanted)
    return Triage(
        run=told.run,
        as_of_ms=told.now_ms,
        sampled_ms=watched_ms(told),
        findings=found,
        verdict=judged,
        text=tuple(_lines(told, found, judged)),
        sentence=in_short(told),
    )


def in_short(told: Evidence) -> str:
    """Return how the run does, in one sentence."""
    run, now_ms = told.run, told.now_ms
    return sentence(
        Told(
            run=run,
            now=told.situation,
            health=health(run, told.situation, now_ms),
            now_ms=now_ms,
            per_s=told.done_per_s,
            is_rated=is_rated(run.started_at_ms, told.engine.started_at_ms, now_ms),
            failing=failing(
                run.books,
                told.failures.groups,
                MOST_LOOKED_AT,
                partial(common_origin, told),
            ),
        )
    )


def _lines(told: Evidence, found: Sequence[Finding], judged: Verdict) -> Iterator[str]:
    run, books = told.run, latest(told).books
    yield f"Triage of run {run.run_id}, {moment(told.now_ms)}"
    yield ""
    who = f"level {judged.level} ({_WHO[judged.level]})"
    yield f"In short   {in_short(told)}"
    yield f"Verdict    {'healthy' if judged.is_well else who}: {judged.summary}"
    if judged.cause:
        yield f"Cause      {judged.cause}"
    if judged.consequences:
        yield f"Also       {', '.join(judged.consequences)}"
    if not judged.is_well:
        yield f"Level      {judged.level}: {judged.why_level}"
    yield f"Next       {judged.next_action}"
    yield f"ETA        {judged.eta}"
    if judged.symptom is not None:
        yield f"Symptom    {SYMPTOMS[judged.symptom]}"
    if judged.fix is not None:
        yield f"Fix        {judged.fix.cause} -> {judged.fix.fix}"
    yield ""
    name = f" ({told.workspace_name})" if told.workspace_name else ""
    yield f"Workspace  {told.workspace_id or 'not known'}{name}"
    yield f"Campaign   {run.campaign_id} ({run.campaign_name})"
    yield f"Run        {run.run_id}, {run.label}"
    yield f"Launch id  {run.launch_id or 'not launched'}"
    checksum = f", sha256 {told.upload_sha256[:12]}" if told.upload_sha256 else ""
    yield f"Upload     {run.upload_id} ({run.upload_name}{checksum})"
    yield f"Window     {_window(told)}"
    yield (
        f"Counts     {books.delivered:,} delivered, {books.failed:,} failed, "
        f"{books.unknown:,} unknown, {books.remaining:,} left of {books.records:,}"
    )
    yield from failing_lines(told, "Fails      ")
    yield f"Sampled    {_sampled(told)}"
    section = None
    for one in found:
        if one.section is not section:
            section = one.section
            yield ""
            yield section.value
        yield f"  {sign_word(one.sign):<6} {one.check:<12} {one.finding}"


def sign_word(sign: Sign) -> str:
    """Return a sign as a list shows it: what fails is in capitals."""
    return sign.value.upper() if sign is Sign.FAIL else sign.value


def moment(at_ms: int) -> str:
    """Return a time with its zone."""
    then = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return f"{then:%Y-%m-%d %H:%M:%S} UTC"


def _window(told: Evidence) -> str:
    run = told.run
    since_ms = run.started_at_ms or run.created_at_ms
    until_ms = run.ended_at_ms or told.now_ms
    contacts = f"; contacts {told.setup.window}" if told.setup.window else ""
    return f"{moment(since_ms)} to {moment(until_ms)}{contacts}"


def _sampled(told: Evidence) -> str:
    if told.again is None:
        return "counters read once"
    return f"counters read twice, {watched_ms(told) / SECOND_MS:.1f} s apart"
