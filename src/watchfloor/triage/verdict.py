"""The verdict: one cause, who must act, what next, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from watchfloor.domain.blocked_by import Reason, blocked_by
from watchfloor.domain.evidence import Evidence
from watchfloor.domain.moments import at_minute, span_text
from watchfloor.domain.progress import ends_later, eta_ms
from watchfloor.domain.runbook import Finding, Sign, Symptom, Verdict
from watchfloor.triage.checks_retries import is_stalled_again
from watchfloor.triage.fixes import fix_for

#: What explains others stands before them: the first that fails is the cause.
CAUSES: Final = (
    "runtime",
    "store",
    "expected",
    "status",
    "deliveries",
    "final",
    "twin",
    "access",
    "breaker",
    "gate",
    "approval",
    "quota",
    "region",
    "encoding",
    "filter",
    "suppression",
    "rejects",
    "intake",
    "window",
    "shared",
    "permits",
    "provider",
    "segment",
    "retry path",
    "retry share",
    "slowdown",
    "pace",
    "callbacks",
    "retried",
    "progress",
    "outcomes",
    "unknown",
    "external",
    "recipients",
    "late",
)
#: What says that it stands still after all (1.23).
_STALLS: Final = frozenset({"progress", "callbacks", "retried", "permits"})
_ENGINEERING: Final = 3
_FAR_MS: Final = 366 * 24 * 3_600_000


def verdict(
    told: Evidence, found: Sequence[Finding], wanted: Symptom | None = None
) -> Verdict:
    """Return the verdict on what the checks found.

    Args:
        told: What they judged.
        found: What they found.
        wanted: The symptom that somebody sees: its causes go before others.
    """
    failing = in_causal_order(found, Sign.FAIL, wanted)
    if failing:
        return _sick(told, failing, wanted)
    holding = [one for one in in_causal_order(found, Sign.OK) if one.holds]
    holding += [one for one in in_causal_order(found, Sign.WARN) if one.holds]
    looked = in_causal_order(found, Sign.WARN, wanted)
    cause = holding[0] if holding else None
    summary = _well(told) if cause is None else f"Nothing is wrong. {cause.finding}"
    if looked:
        summary = f"{summary} Worth a look: {looked[0].finding}"
    first = looked[0] if looked else None
    return Verdict(
        cause="" if cause is None else cause.check,
        is_well=True,
        summary=summary,
        level=0,
        why_level="nobody has to act",
        next_action="Nothing has to be done." if first is None else first.next_action,
        act="" if first is None else first.act,
        eta=eta(told),
        symptom=wanted,
    )


def in_causal_order(
    found: Sequence[Finding], sign: Sign, wanted: Symptom | None = None
) -> list[Finding]:
    """Return the findings of one sign, causes first; those of a symptom before all."""
    chosen = [one for one in found if one.sign is sign]
    return sorted(
        chosen,
        key=lambda one: (
            wanted is not None and wanted not in one.symptoms,
            CAUSES.index(one.check),
        ),
    )


class Level(NamedTuple):
    """Who must act, why in words, and the numbers of the criteria that say so."""

    level: int
    why: str
    criteria: tuple[str, ...] = ()


def level_of(told: Evidence, failing: Sequence[Finding]) -> Level:
    """Return who must act on the first of some failing checks, and by which criterion.

    Level 3 is reached by any of the criteria 1.23 to 1.25, whatever the first cause is.
    """
    names = {one.check for one in failing}
    if names & _STALLS and is_stalled_again(told):
        held = "it stands still again, after a resume or beside a retry that held"
        return Level(_ENGINEERING, held, ("1.23",))
    if names & {"deliveries", "final"}:
        twice = "deliveries are repeated although they are deduplicated"
        return Level(_ENGINEERING, twice, ("1.24",))
    if "provider" in names:
        many = "more attempts fail at the provider than is to be expected"
        return Level(_ENGINEERING, many, ("1.25",))
    return _LEVELS[failing[0].level]


#: Why a level is one, by the runbook.
_LEVELS: Final = {
    1: Level(1, "an operator can mend it", ("1.17", "1.18", "1.19")),
    2: Level(
        2,
        "it takes diagnostics and a second pair of eyes",
        ("1.20", "1.21", "1.22"),
    ),
    3: Level(_ENGINEERING, "no operator can mend it"),
}


def eta(told: Evidence) -> str:
    """Return when it ends, or when what it waits for does, or that nobody can say."""
    run, now_ms = told.run, told.now_ms
    if run.lifecycle.is_ended:
        ended_ms = run.ended_at_ms or now_ms
        return f"it ended at {at_minute(ended_ms, now_ms)} UTC"
    left_ms = eta_ms(run, told.done_per_s)
    reasons = [one for one in blocked_by(told.situation) if one.count]
    first = reasons[0].reason if reasons else None
    if first in _FOR_EVER:
        return f"none while it waits: {_FOR_EVER[first]}"
    if left_ms is not None and left_ms < _FAR_MS:
        word = "after" if ends_later(run) else "about"
        return f"{word} {at_minute(now_ms + left_ms, now_ms)} UTC at this rate"
    now = told.situation
    waits = (
        ("the window opens", now.shut_s if now.shut_s is not None else now.opens_s),
        ("the next retry is due", now.next_retry_s),
        ("the next callback is due", now.next_callback_s),
    )
    known = [(seconds, what) for what, seconds in waits if seconds]
    if known and not any(one.reason is Reason.DISPATCHABLE for one in reasons):
        seconds, what = min(known)
        return f"not known; it goes on in {span_text(seconds)}, when {what}"
    return "not known: no rate can be told yet"


#: What ends only when somebody acts.
_FOR_EVER: Final[dict[Reason | None, str]] = {
    Reason.NO_ENGINE: "no engine is alive",
    Reason.DRAINS: "the engine drains",
    Reason.STORE_NOT_WRITABLE: "the store takes no writes",
    Reason.GATE: "the gate is closed",
    Reason.QUOTA: "the plan is used up",
    Reason.BREAKER_OPEN: "the provider's breaker is open",
    Reason.WAITING_EXTERNAL: "somebody outside has to act",
}


def _sick(
    told: Evidence, failing: Sequence[Finding], wanted: Symptom | None
) -> Verdict:
    first = failing[0]
    level, why, criteria = level_of(told, failing)
    symptom = wanted
    if symptom is None:
        symptom = next((one for one in Symptom if one in first.symptoms), None)
    return Verdict(
        cause=first.check,
        is_well=False,
        summary=first.finding,
        level=level,
        why_level=why,
        criteria=criteria,
        next_action=first.next_action,
        act=first.act,
        eta=eta(told),
        consequences=tuple(one.check for one in failing[1:]),
        symptom=symptom,
        fix=fix_for(first.check),
    )


def _well(told: Evidence) -> str:
    if told.run.lifecycle.is_ended:
        return f"Nothing is wrong: {told.run.label}."
    return "Nothing is wrong: it moves as it should."
