"""The runbook's checks in its order, each a pure function of the evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from watchfloor.domain.evidence import Evidence
from watchfloor.domain.runbook import Finding, Section, Symptom
from watchfloor.triage import checks_dispatch as dispatch
from watchfloor.triage import checks_duplicates as duplicates
from watchfloor.triage import checks_gate as gate
from watchfloor.triage import checks_health as health
from watchfloor.triage import checks_outcomes as outcomes
from watchfloor.triage import checks_retries as retries
from watchfloor.triage import checks_speed as speed
from watchfloor.triage import checks_upload as upload
from watchfloor.triage.judging import Said

_STUCK, _FEW, _FAILING, _TWICE = Symptom


class Check(NamedTuple):
    """One check, and what it is asked for.

    Attributes:
        asks: The numbers of the requirements that it answers.
        symptoms: To which it may be the cause.
    """

    name: str
    section: Section
    asks: tuple[str, ...]
    symptoms: tuple[Symptom, ...]
    judge: Callable[[Evidence], Said]


_H, _D, _U2 = Section.HEALTH, Section.DISPATCH, Section.DUPLICATES
_R, _U, _O, _S = Section.RETRIES, Section.UPLOAD, Section.OUTCOMES, Section.SPEED

#: In the order in which the runbook asks.
CHECKS: Final = (
    Check("runtime", _H, ("2.11",), (_STUCK,), health.runtime),
    Check("store", _H, ("2.11",), (_STUCK,), health.store),
    Check("status", _H, ("1.5", "2.8"), (_STUCK, _FEW), health.status),
    Check("intake", _H, ("1.6",), (_STUCK, _FEW), health.intake),
    Check("progress", _H, ("1.6", "1.23"), (_STUCK,), health.progress),
    Check("expected", _H, ("1.7",), (_FEW,), health.expected),
    Check("gate", _D, ("1.8",), (_STUCK,), gate.gate),
    Check("breaker", _D, ("1.8",), (_STUCK, _FAILING), gate.breaker),
    Check("approval", _D, ("1.8",), (_STUCK,), gate.approval),
    Check("quota", _D, ("1.8", "2.10"), (_STUCK,), gate.quota),
    Check("permits", _D, ("1.8", "1.20"), (_STUCK,), dispatch.permits),
    Check("shared", _D, ("1.8", "1.20"), (_STUCK,), dispatch.shared),
    Check("pace", _D, ("1.8",), (_STUCK, _FEW), dispatch.pace),
    Check("window", _D, ("1.8",), (_STUCK, _FEW), dispatch.window),
    Check("callbacks", _D, ("1.8",), (_STUCK,), dispatch.callbacks),
    Check("external", _D, ("1.8", "2.8"), (_STUCK,), dispatch.external),
    Check("retried", _D, ("1.9",), (_STUCK, _FEW), retries.transient_retried),
    Check("final", _D, ("1.10", "1.15"), (_FAILING, _TWICE), retries.permanent_final),
    Check("twin", _U2, ("1.11",), (_TWICE,), duplicates.twin),
    Check("deliveries", _U2, ("1.12", "1.24"), (_TWICE,), duplicates.deliveries),
    Check("recipients", _U2, ("1.13",), (_FEW, _TWICE), duplicates.recipients),
    Check("retry share", _R, ("1.14",), (_FAILING, _FEW), retries.retry_share),
    Check("retry path", _R, ("1.16", "1.19", "1.22"), (_FAILING,), retries.retry_path),
    Check("rejects", _U, ("1.17", "1.18"), (_FEW,), upload.rejects),
    Check("region", _U, ("1.17", "1.18"), (_FEW,), upload.region),
    Check("encoding", _U, ("1.18",), (_FEW,), upload.encoding),
    Check("suppression", _U, ("1.17",), (_FEW,), upload.suppression),
    Check("filter", _U, ("1.17",), (_FEW,), upload.audience_filter),
    Check("access", _O, ("1.3", "1.17"), (_STUCK, _FAILING), outcomes.access),
    Check("provider", _O, ("1.3", "1.25"), (_FAILING, _FEW), outcomes.provider),
    Check("segment", _O, ("1.3",), (_FAILING, _FEW), outcomes.segment),
    Check("outcomes", _O, ("1.3", "2.9"), (_FAILING, _FEW), outcomes.outcomes),
    Check("unknown", _O, ("1.4",), (_FAILING, _TWICE), outcomes.unknowns),
    Check("slowdown", _S, ("2.7",), (_FEW, _STUCK), speed.slowdown),
    Check("late", _S, ("2.7",), (_FEW, _STUCK), speed.late),
)


def findings(told: Evidence) -> tuple[Finding, ...]:
    """Return what every check finds, in the runbook's order."""
    run_id = told.run.run_id
    return tuple(_finding(check, check.judge(told), run_id) for check in CHECKS)


def _finding(check: Check, said: Said, run_id: str) -> Finding:
    return Finding(
        check=check.name,
        section=check.section,
        asks=check.asks,
        sign=said.sign,
        finding=said.finding,
        figures=said.figures,
        level=said.level,
        next_action=said.next_action.replace("RUN", run_id),
        act=said.act,
        holds=said.holds,
        seq=said.seq,
        symptoms=frozenset(check.symptoms),
    )
