"""A retry and its canary, as lines and as JSON."""

from __future__ import annotations

from dataclasses import asdict

from watchfloor.cli.lines import iso, moment
from watchfloor.domain.canary import CanaryView, StageState, StageView
from watchfloor.domain.cohorts import to_payload
from watchfloor.domain.recovery import RetryPreview


def canary_told(found: CanaryView) -> str:
    """Return how a canary does in one line."""
    stage = found.current
    if stage is None:
        return f"{len(found.stages)} stages, none released yet"
    far = f"; {stage.figures.progress}" if stage.figures else ""
    told = f"stage {stage.number} of {len(found.stages)} {stage.state}{far}"
    back = f"; {found.held_back:,} held back" if found.held_back else ""
    return f"{told}{back}"


def canary_lines(found: CanaryView) -> list[str]:
    """Return a canary stage by stage, with the evidence."""
    lines = [f"canary of {found.run_id}, a retry of {found.parent_id}"]
    for stage in found.stages:
        lines.append(_stage_told(stage))
        lines += [f"    {one}" for one in stage.evidence]
    if found.is_stopped:
        lines += [
            "The run is paused and waits for a person:",
            f"    go on all the same: watchfloor resume {found.run_id}",
            f"    give up the rest:   watchfloor stop {found.run_id}",
        ]
    return lines


def canary_json(found: CanaryView) -> dict[str, object]:
    """Return a canary fit for JSON."""
    return {
        "run": found.run_id,
        "parent": found.parent_id,
        "held_back": found.held_back,
        "stopped": found.is_stopped,
        "stages": [
            {
                "stage": one.number,
                "records": one.records,
                "last_seq": one.last_seq,
                "state": one.state,
                "opened_at": iso(one.opened_at_ms),
                "judged_at": iso(one.judged_at_ms),
                "decided_by": one.decided_by or None,
                "figures": None if one.figures is None else asdict(one.figures),
                "evidence": list(one.evidence),
            }
            for one in found.stages
        ],
    }


def preview_json(seen: RetryPreview, *, canary: bool) -> dict[str, object]:
    """Return what a retry would do fit for JSON."""
    counts = asdict(seen.counts)
    digest = counts.pop("digest")
    return {
        "run": seen.run_id,
        "selection": to_payload(seen.selection),
        "with_unknown": seen.with_unknown,
        "digest": digest,
        "counts": counts,
        "canary": canary,
        "stages": list(seen.stages) if canary else [seen.counts.retried],
        "plan": seen.plan,
        "retries_left": seen.retries_left,
        "times_left": seen.generations_left,
        "confirm": seen.typed(canary=canary) or None,
        "refusal": seen.refusal,
        "lines": list(seen.lines(canary=canary)),
    }


def _stage_told(stage: StageView) -> str:
    when = ""
    if stage.judged_at_ms is not None:
        when = f", judged {moment(stage.judged_at_ms)} UTC"
    elif stage.opened_at_ms is not None:
        when = f", released {moment(stage.opened_at_ms)} UTC"
    who = f" by {stage.decided_by}" if stage.decided_by else ""
    told = f"stage {stage.number}: {stage.records:,} records"
    if stage.state is StageState.RELEASED:
        return f"{told}{when}; it is judged at its end"
    return f"{told}, {stage.state}{who}{when}"
