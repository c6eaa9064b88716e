"""Speed: slower than earlier runs, and should have ended (2.7)."""

from __future__ import annotations

from watchfloor.domain.evidence import Evidence
from watchfloor.domain.moments import at_minute, pace_text, span_text
from watchfloor.domain.progress import is_beyond
from watchfloor.triage.judging import (
    SECOND_MS,
    Said,
    fail,
    figure,
    is_live,
    ok,
    skip,
)


def slowdown(told: Evidence) -> Said:
    """Is it slower than earlier runs at the same progress, and what changed then."""
    slow = told.situation.slowdown
    if not is_live(told):
        return skip("Only a run that goes on can slow down.")
    if slow is None:
        return ok("It is as fast as earlier runs of its campaign, as far as they tell.")
    changes = tuple(
        figure(
            "changed at the start"
            if one.at_ms is None
            else f"changed {at_minute(one.at_ms, told.now_ms)} UTC",
            one.what,
        )
        for one in slow.changes
    )
    figures = (
        figure("now", pace_text(slow.per_s)),
        figure("earlier runs", pace_text(slow.usual_per_s)),
        figure("measured by", ", ".join(slow.earlier) or "none"),
        *changes,
    )
    since = "its start" if slow.from_start else at_minute(slow.since_ms, told.now_ms)
    said = (
        f"Slow since {since}: {pace_text(slow.per_s)} where earlier runs had "
        f"{pace_text(slow.usual_per_s)}"
    )
    if not slow.changes:
        look = "Look at the provider's answers and at what runs beside it."
        return fail(2, f"{said}; no change of configuration coincides.", look, *figures)
    changed = "; ".join(one.what for one in slow.changes[:2])
    undo = "Take that change back, or wait with the rest until it is understood."
    return fail(1, f"{said}; what changed then: {changed}.", undo, *figures)


def late(told: Evidence) -> Said:
    """Should it have ended by now."""
    run, expected = told.run, told.expected_ms
    spent_ms = run.spent_ms.get("active", 0)
    if expected is None:
        return skip("No earlier run tells how long it takes.")
    figures = (
        figure("worked for", span_text(spent_ms / SECOND_MS)),
        figure("by earlier runs", span_text(expected / SECOND_MS)),
    )
    usual = span_text(expected / SECOND_MS)
    if is_beyond(run, expected):
        return fail(
            1,
            f"It should have ended: earlier runs take {usual}, and it has worked for "
            f"{span_text(spent_ms / SECOND_MS)}.",
            "Compare its rate with earlier runs on the charts.",
            *figures,
            act="nav.charts",
        )
    return ok(f"By earlier runs it takes {usual}.", *figures)
