"""A bundle's members: what was gathered, key by key, through the one door out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from watchfloor.domain.failing import FailureGroup
from watchfloor.domain.masking import PURGED
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.views import EventView
from watchfloor.triage import bundle_form as form
from watchfloor.triage.bundle_around import Around, Judged
from watchfloor.triage.bundle_gathering import Material, Sample
from watchfloor.triage.bundle_packing import as_json
from watchfloor.triage.bundle_summary import iso, summary, there
from watchfloor.triage.bundled_evidence import (
    CODE,
    SHARED_BY,
    codes_of_somebody,
)
from watchfloor.triage.bundled_settings import (
    campaign_told,
    contact_kind,
    shared_told,
    workspace_told,
)
from watchfloor.triage.evidence_file import evidence_from_json
from watchfloor.triage.origins import origins_of
from watchfloor.triage.scrubbing import SECRET, UPLOAD, Scrubber

#: A shorter cell may stand in a code by chance.
_LEAST_IN_CODE = 4
_MOST_SYMPTOM = 2_000
#: As much of a checksum as a report shows.
_SHORT_SHA = 12
_MOST_LINES = 2_000
#: A shorter secret is a word that means something else as well.
_LEAST_SECRET = 6
#: Among our own words and checksums a shorter one may stand by chance.
_LEAST_LOOKED_FOR = 10


def scrubber_of(
    key: bytes, material: Material, secrets: Iterable[str], evidence: Mapping[str, Any]
) -> Scrubber:
    """Return the door out for a run.

    Args:
        key: Random, for this bundle alone, and kept nowhere.
        material: What was gathered.
        secrets: The values of secrets that campaign and workspace refer to.
        evidence: As JSON has it; its codes are looked at.
    """
    contacts = {
        *(one.record.contact for one in material.samples),
        *(contact for contact, _ in material.examples.values()),
        *material.named,
    }
    contacts = {one for one in contacts if one != PURGED}
    hidden = dict.fromkeys(_long(secrets, _LEAST_SECRET), SECRET)
    if "." in material.upload.name or len(material.upload.name) >= _LEAST_SECRET:
        hidden[material.upload.name] = UPLOAD
    first = Scrubber(key, contacts=contacts, secrets=hidden)
    for group in material.failures.groups:
        told = _code_told(first, group, material)
        if told != group.code:
            hidden[group.code] = told
    examined = {group.code for group in material.failures.groups}
    strangers = codes_of_somebody(
        evidence, contact_kind(material.campaign_text), examined
    )
    hidden |= dict.fromkeys(strangers, CODE)
    return Scrubber(key, keep=_ids(material), contacts=contacts, secrets=hidden)


def never_told(material: Material, secrets: Iterable[str]) -> frozenset[str]:
    """Return what must not stand in any member: for the last look."""
    people = {
        *(one.record.contact for one in material.samples),
        *(contact for contact, _ in material.examples.values()),
    }
    # An id may be a word that stands anywhere.
    known = {one for one in people if one.startswith("+") or "@" in one}
    return frozenset(known | _long(secrets, _LEAST_LOOKED_FOR))


def _long(texts: Iterable[str], least: int) -> set[str]:
    return {one for one in texts if len(one) >= least}


def members(
    material: Material, scrubber: Scrubber, judged: Judged, around: Around
) -> dict[str, bytes]:
    """Return the members of a bundle by name, without the manifest."""
    tell = scrubber.tree
    documents: dict[str, object] = {
        form.RUN: _run(material, scrubber, judged, around),
        form.TRIAGE: tell(judged.verdict, 2_000),
        form.EVIDENCE: judged.evidence,
        form.FAILURES: _failures(material, scrubber, judged),
        form.JOURNAL: {
            "left_out": material.events_left_out,
            "entries": [_event(one, scrubber) for one in material.events],
        },
        form.JOURNEYS: {
            "of": material.run.books.records,
            "records": [_journey(one, material, scrubber) for one in material.samples],
        },
        form.CONFIGURATION: tell(_configuration(material), 2_000),
        form.VERSIONS: tell({**around.versions, "store": material.schema}),
    }
    texts = {
        form.SUMMARY: _lines(summary(material, judged, around), scrubber),
        form.TRIAGE_TEXT: _lines(judged.report.splitlines(), scrubber),
    }
    found = {name: as_json(document) for name, document in documents.items()}
    found |= {name: text.encode() for name, text in texts.items()}
    if around.screen is not None:
        found[form.SCREEN] = around.screen.svg.encode()
        found[form.SCREEN_TEXT] = around.screen.text.encode()
    return {one.name: found[one.name] for one in form.MEMBERS if one.name in found}


def about(material: Material, version: str) -> dict[str, object]:
    """Return what the manifest says beside its form and the members' hashes."""
    return {
        "watchfloor": version,
        "made_at": iso(material.until_ms),
        "run": material.run.run_id,
    }


def _run(
    material: Material, scrubber: Scrubber, judged: Judged, around: Around
) -> dict[str, object]:
    run, life, text = material.run, material.run.lifecycle, scrubber.text
    workspace, books = material.workspace, material.run.books
    counts = books.as_dict()
    attempts = counts.pop("attempts")
    return {
        "workspace": {
            "id": text(workspace.workspace_id) if workspace else None,
            "name": text(workspace.name) if workspace else None,
        },
        "campaign": {"id": text(run.campaign_id), "name": text(run.campaign_name)},
        "run": text(run.run_id),
        "launch_id": text(run.launch_id) if run.launch_id else None,
        "parent": text(run.parent_id) or None,
        "family": [text(one) for one in material.family],
        "upload": {
            "id": text(material.upload.upload_id),
            "sha256": material.upload.sha256,
            "bytes": material.upload.bytes,
            "received_at": iso(material.upload.received_at_ms),
        },
        "time": {
            "since": iso(material.since_ms),
            "until": iso(material.until_ms),
            "zone": text(material.zone),
            "since_there": there(material.since_ms, material.zone),
            "until_there": there(material.until_ms, material.zone),
        },
        "symptom": {
            "said": text(around.symptom, _MOST_SYMPTOM),
            "found": text(judged.sentence, _MOST_SYMPTOM),
        },
        "counts": {
            "failed": books.failed,
            "delivered": books.delivered,
            "unknown": books.unknown,
            "attempts": attempts,
            "results": dict(material.results),
        },
        "books": counts,
        "balanced": not books.imbalance,
        "label": run.label,
        "phase": life.phase,
        "gate": life.gate,
        "intake": life.intake,
        "results": life.results,
        "history": life.history,
        "mode": life.mode,
        "outcome": life.outcome,
        "intent": life.intent,
        "cause": text(run.cause) or None,
        "asked": {
            "by": _actor(run.gate_asked.by, scrubber),
            "why": text(run.gate_asked.why),
        },
        "version": run.version,
        "created_at": iso(run.created_at_ms),
        "started_at": iso(run.started_at_ms),
        "ended_at": iso(run.ended_at_ms),
        "progress_at": iso(run.progress_at_ms),
        "next_retry_at": iso(run.next_retry_at_ms),
        "next_callback_at": iso(run.next_callback_at_ms),
        "window_opens_at": iso(run.shut_until_ms),
        "outside_window": run.held,
        "permits": run.permits,
        "rate_per_s": run.rate_per_s,
        "approve_after": run.approve_after,
        "awaits_approval": run.awaits_approval,
        "spent_ms": dict(run.spent_ms),
        "engine": {
            "alive": material.engine.is_alive(material.until_ms),
            "started_at": iso(material.engine.started_at_ms or None),
            "heartbeat_at": iso(material.engine.heartbeat_at_ms or None),
            "released": bool(material.engine.released),
            "epoch": material.engine.epoch,
        },
        "screen": None if around.screen else text(around.no_screen) or "none was drawn",
    }


def _failures(
    material: Material, scrubber: Scrubber, judged: Judged
) -> dict[str, object]:
    """Return why records fail; their origins as the scrubbed evidence has them."""
    told = evidence_from_json(judged.evidence)

    def origins(group: FailureGroup) -> dict[str, int]:
        code, step = scrubber.text(group.code), scrubber.text(group.step)
        return origins_of(told, group._replace(code=code, step=step))

    return {
        "looked_at": material.failures.looked_at,
        "of": material.failures.of,
        "groups": [
            {
                "state": group.state.word,
                "outcome_class": group.outcome_class and group.outcome_class.word,
                "code": scrubber.text(group.code),
                "step": scrubber.text(group.step),
                "records": group.records,
                "example": group.example_seq,
                "origins": origins(group),
            }
            for group in material.failures.groups
        ],
    }


def _code_told(scrubber: Scrubber, group: FailureGroup, material: Material) -> str:
    contact, values = material.examples.get(group.example_seq, ("", ()))
    own = () if group.records >= SHARED_BY else values
    long = [one for one in own if len(one.strip()) >= _LEAST_IN_CODE]
    return scrubber.of_record(group.code, contact, long)


def _event(event: EventView, scrubber: Scrubber) -> dict[str, object]:
    text = scrubber.text
    return {
        "at": iso(event.at_ms),
        "event": text(event.event),
        "before": text(event.before) or None,
        "after": text(event.after) or None,
        "by": _actor(event.by, scrubber) or None,
        "why": text(event.why) or None,
        "detail": text(event.detail) or None,
    }


def _journey(
    sample: Sample, material: Material, scrubber: Scrubber
) -> dict[str, object]:
    record, steps = sample.record, material.steps

    def told(said: str) -> str | None:
        return scrubber.of_record(said, record.contact, sample.values) or None

    def code(said: str) -> str | None:
        long = [one for one in sample.values if len(one.strip()) >= _LEAST_IN_CODE]
        return scrubber.of_record(said, record.contact, long) or None

    attempts = [
        {
            "at": iso(row["started_at_ms"]),
            "step": _step(row["step"], steps, scrubber),
            "number": row["number"],
            "ending": row["ending"],
            "outcome_class": _class(row["outcome_class"]),
            "code": code(row["code"]),
            "took_ms": row["ended_at_ms"] - row["started_at_ms"],
            "detail": told(row["detail"]),
            "why": told(row["why"]),
            "next_at": iso(row["next_at_ms"]),
        }
        for row in sample.attempts
    ]
    results = [
        {
            "at": iso(one.at_ms),
            "received_at": iso(one.received_at_ms),
            "kind": one.kind,
            "state": one.state,
            "detail": told(one.detail),
        }
        for one in sample.results
    ]
    return {
        "record": record.seq,
        "person": scrubber.person(record.contact),
        "state": record.state.word,
        "step": scrubber.text(record.step),
        "attempts_made": record.attempts,
        "outcome_class": record.outcome_class and record.outcome_class.word,
        "code": code(record.code),
        "updated_at": iso(record.updated_at_ms),
        "next_at": iso(record.next_at_ms),
        "due_at": iso(record.due_at_ms),
        "expires_at": iso(record.expires_at_ms),
        "outside_window": record.is_held,
        "attempts": attempts,
        "results": results,
    }


def _configuration(material: Material) -> dict[str, object]:
    workspace = material.workspace
    return {
        "campaign": campaign_told(material.campaign_text),
        "workspace": workspace_told(workspace) if workspace else {"unreadable": True},
        "set_by_operators": [
            {
                "scope": one.scope,
                **shared_told(one.shared),
                "by": one.by,
                "at": iso(one.at_ms),
            }
            for one in material.limits
        ],
    }


def _lines(lines: Iterable[str], scrubber: Scrubber) -> str:
    told = [scrubber.text(line, 2_000) for line in lines][:_MOST_LINES]
    return "\n".join(told) + "\n"


def _actor(name: str, scrubber: Scrubber) -> str:
    """Return who did something: the audit needs the system's name of an operator."""
    return scrubber.text(name, 100)


def _ids(material: Material) -> frozenset[str]:
    """Return the ids that stay as they are: without them nobody finds the run again."""
    run, workspace = material.run, material.workspace
    ids = {
        run.run_id,
        run.launch_id or "",
        run.parent_id,
        run.campaign_id,
        material.upload.upload_id,
        material.upload.sha256,
        material.upload.sha256[:_SHORT_SHA],
        workspace.workspace_id if workspace else "",
        *material.family,
    }
    return frozenset(one for one in ids if one and not _is_somebodys(one, material))


def _is_somebodys(ident: str, material: Material) -> bool:
    """Whether people chose an id that is a number or an address."""
    chosen = {material.run.campaign_id}
    if material.workspace:
        chosen.add(material.workspace.workspace_id)
    return ident in chosen and max(map(len, _rows_of_figures(ident)), default=0) > 6  # noqa: PLR2004 - a phone's


def _rows_of_figures(text: str) -> list[str]:
    return "".join(char if char.isdigit() else " " for char in text).split()


def _step(number: int, steps: tuple[str, ...], scrubber: Scrubber) -> str:
    return scrubber.text(steps[number]) if number < len(steps) else ""


def _class(number: int | None) -> str | None:
    return None if number is None else OutcomeClass(number).word
