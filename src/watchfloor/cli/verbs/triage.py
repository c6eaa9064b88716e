"""``triage``: the runbook's checks on one run, or on evidence from elsewhere."""

from __future__ import annotations

import time
from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import Any

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, for_shell, iso
from watchfloor.cli.verbs.looking import full_id
from watchfloor.console.privacy import without_contact
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.evidence import Evidence
from watchfloor.domain.runbook import Finding, Symptom, Triage, Verdict
from watchfloor.domain.text import clean
from watchfloor.store.reading import reading
from watchfloor.triage.bundle_form import EVIDENCE
from watchfloor.triage.bundle_reading import read_bundle
from watchfloor.triage.evidence_file import evidence_from_json, read_evidence
from watchfloor.triage.examining import gathered, watched
from watchfloor.triage.reporting import triage as judged

#: No run is called so.
BUNDLE_ENDS = ".zip"
_MOST_CHARS = 2_000


def triage(options: Namespace) -> int:
    """Judge a run; unhealthy when somebody has to act."""
    wanted = None if options.symptom is None else Symptom(options.symptom)
    told = judged(_evidence(options), wanted)
    if options.json:
        answer_json(triage_json(told))
    else:
        for line in told.text:
            answer(_shown(line))
    return exits.DONE if told.verdict.is_well else exits.UNHEALTHY


def triage_json(told: Triage) -> dict[str, Any]:
    """Return a triage with the glossary's words, people masked."""
    return {
        "run": told.run.run_id,
        "as_of": iso(told.as_of_ms),
        "sampled_s": told.sampled_ms / 1000,
        "sentence": _shown(told.sentence),
        "verdict": _verdict_json(told.verdict),
        "findings": [_finding_json(one) for one in told.findings],
        "text": [_shown(line) for line in told.text],
    }


def _evidence(options: Namespace) -> Evidence:
    if (options.run is None) == (options.evidence is None):
        msg = "name a run, a bundle or --evidence FILE.json, and only one of them"
        raise ConfigError(msg)
    if options.evidence is not None:
        return read_evidence(Path(options.evidence))
    if options.run.endswith(BUNDLE_ENDS):
        # From elsewhere: there may be no workspace here.
        bundle = read_bundle(Path(options.run).expanduser())
        return evidence_from_json(bundle.documents[EVIDENCE])
    layout = compose.layout(options)
    with reading(layout) as connection:
        run_id = full_id(connection, options.run)
    found = gathered(layout, run_id, compose.now_ms())
    if not options.sample:
        return found
    wait = partial(time.sleep, options.sample)
    return watched(layout, found, wait, compose.now_ms)


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    fix = verdict.fix
    row = None if fix is None else fix._asdict()
    if row is not None:
        del row["causes"]
    return {
        "healthy": verdict.is_well,
        "cause": verdict.cause or None,
        "summary": _shown(verdict.summary),
        "level": verdict.level,
        "why_level": verdict.why_level,
        "criteria": list(verdict.criteria),
        "next_action": _shown(verdict.next_action),
        "eta": verdict.eta,
        "consequences": list(verdict.consequences),
        "symptom": verdict.symptom,
        "fix": row,
    }


def _finding_json(one: Finding) -> dict[str, Any]:
    return {
        "check": one.check,
        "section": one.section,
        "asks": list(one.asks),
        "sign": one.sign,
        "finding": _shown(one.finding),
        "figures": {_shown(name): _shown(value) for name, value in one.figures},
        "level": one.level,
        "next_action": _shown(one.next_action),
        "holds": one.holds,
        "record": one.seq or None,
        "symptoms": sorted(one.symptoms),
    }


def _shown(text: str) -> str:
    return clean(for_shell(without_contact(text)), _MOST_CHARS)
