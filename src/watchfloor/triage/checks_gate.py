"""The gate: who or what closed it, and whose word or plan the run waits for (1.8)."""

from __future__ import annotations

from typing import Final

from watchfloor.domain.canary import canary_named
from watchfloor.domain.evidence import Evidence
from watchfloor.domain.moments import age_text, counted, span_text
from watchfloor.domain.regions import Gate
from watchfloor.domain.runbook import Figure
from watchfloor.triage.judging import (
    OVERDUE_MS,
    SECOND_MS,
    Said,
    fail,
    figure,
    is_live,
    late_callback_ms,
    latest,
    ok,
    skip,
    warn,
)

#: Whoever paused a run so long ago may have forgotten it.
_FORGOTTEN_MS: Final = 24 * 3_600_000
#: A pause whose attempts do not end for so long does not settle.
_LONG_PAUSING_MS: Final = 300_000
_ENGINE: Final = "engine"
_OVER_A_CANARY: Final = (
    "Look at the evidence: watchfloor canary RUN. To resume overrules its verdict; the "
    "other way is: watchfloor stop RUN."
)
_BREAKER: Final = "the breaker of"


def gate(told: Evidence) -> Said:
    """Is the gate open; if not, who closed it and why."""
    life, asked = told.run.lifecycle, told.run.gate_asked
    if life.is_ended or life.gate is Gate.OPEN:
        return ok("The gate is open: attempts may start.") if is_live(told) else _none()
    age = age_text(asked.at_ms, told.now_ms)
    why = f": {asked.why}" if asked.why else ""
    said = f"{life.gate.value.capitalize()} by {asked.by or 'nobody'} {age} ago{why}."
    figures = (
        figure("by", asked.by or "nobody"),
        figure("for", age),
        figure("in flight", latest(told).books.attempting),
    )
    if opened_breaker(told):
        return skip("The provider's breaker closed the gate.")
    if asked.by == _ENGINE:
        mend = "Mend what it names, then resume: watchfloor resume RUN."
        if canary_named(asked.by, asked.why):
            mend = _OVER_A_CANARY
        return fail(1, said, mend, *figures, act="run.resume")
    if life.gate is Gate.PAUSING and _waited_ms(told) > _LONG_PAUSING_MS:
        look = "Look at what is in flight; ending the engine makes it unknown."
        return warn(said, look, *figures)
    return _paused_by_a_person(told, said, figures)


def _paused_by_a_person(told: Evidence, said: str, figures: tuple[Figure, ...]) -> Said:
    """Say whether somebody has to be asked about a pause."""
    late = told.situation.callbacks_due
    figures = (*figures, figure("callbacks due", late))
    if late and late_callback_ms(told) > OVERDUE_MS:
        many = counted(late, "promised callback")
        return fail(
            1,
            f"{said} {many} are due meanwhile, the first for "
            f"{span_text(late_callback_ms(told) / SECOND_MS)}.",
            "Resume it before the promises expire, or tell whom they were made to.",
            *figures,
            act="run.resume",
        )
    if _waited_ms(told) > _FORGOTTEN_MS:
        ask = f"Ask {told.run.gate_asked.by or 'around'} whether it is forgotten."
        return fail(1, said, ask, *figures, act="run.resume")
    return ok(said, *figures, holds=True)


def _none() -> Said:
    return skip("No attempt has to start: it is queued, or has ended.")


def breaker(told: Evidence) -> Said:
    """Did a provider's breaker open."""
    opened = opened_breaker(told)
    if not opened:
        after = told.setup.breaker_after
        if not after:
            return skip("The campaign has no breaker.")
        return ok("No breaker is open.", figure("opens after", f"{after:,} in a row"))
    return fail(
        2,
        f"{opened[:1].upper()}{opened[1:]}.",
        "Ask the provider; once it answers, resume: watchfloor resume RUN.",
        figure("closed the gate", f"{age_text(_closed_ms(told), told.now_ms)} ago"),
        act="run.resume",
    )


def approval(told: Evidence) -> Said:
    """Does the run wait for a person's word."""
    run = told.run
    if run.approve_after is None:
        return skip("The campaign asks for no approval.")
    figures = (figure("after", f"{run.approve_after:,} attempts"),)
    if run.approved_at_ms is not None:
        return ok("The word was given.", *figures)
    if not told.situation.awaits_approval and not run.awaits_approval:
        return ok(f"It will wait after {run.approve_after:,} attempts.", *figures)
    made = counted(run.books.attempts, "attempt")
    return fail(
        1,
        f"It waits for a person's word after {made}.",
        "Look at the first outcomes, then give it: watchfloor approve RUN.",
        *figures,
        act="run.approve",
    )


def quota(told: Evidence) -> Said:
    """Does the month's plan leave room (PLAN_LIMIT)."""
    plan = told.plan
    parts = (
        ("runs", plan.runs, plan.most_runs),
        ("records", plan.records, plan.most_records),
    )
    figures = tuple(
        figure(name, f"{have:,} of {'no limit' if most is None else f'{most:,}'}")
        for name, have, most in parts
    )
    raise_it = "Wait for the next month or raise the plan in watchfloor.toml."
    if told.situation.quota:
        said = f"The plan is used up: {told.situation.quota}."
        return fail(1, said, raise_it, *figures)
    spent = [name for name, have, most in parts if most is not None and have >= most]
    if spent:
        said = f"The month's {' and '.join(spent)} are used up"
        return warn(
            f"{said}: launches and retries are refused with PLAN_LIMIT.",
            raise_it,
            *figures,
        )
    if plan.most_runs is None and plan.most_records is None:
        return skip("The plan has no limits.")
    return ok("The month's plan leaves room.", *figures)


def opened_breaker(told: Evidence) -> str:
    """Return which breaker closed the gate and why; empty for none."""
    if told.situation.breaker:
        return told.situation.breaker
    why = told.run.gate_asked.why
    is_shut = told.run.lifecycle.gate is not Gate.OPEN
    return why if is_shut and why.startswith(_BREAKER) else ""


def _waited_ms(told: Evidence) -> int:
    """Return for how long the gate is closed."""
    return told.now_ms - told.run.gate_asked.at_ms


def _closed_ms(told: Evidence) -> int:
    return told.run.gate_asked.at_ms or told.now_ms
