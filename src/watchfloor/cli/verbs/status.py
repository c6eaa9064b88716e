"""``status``: how the workspace does, in one line or a few."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, iso
from watchfloor.cli.standing import own_role
from watchfloor.domain.roles import Role
from watchfloor.domain.text import clean
from watchfloor.store.glance import Glance, LiveRun, glance


def status(options: Namespace) -> int:
    """Say how the workspace does; unhealthy when runs wait for an engine."""
    now_ms = compose.now_ms()
    seen = glance(compose.layout(options))
    alive = seen.engine_lives(now_ms)
    counts = Counter(_word(run) for run in seen.live)
    counts["ended"] = seen.ended
    left = sum(run.left for run in seen.live)
    wrong = list(_what_is_wrong(seen, alive=alive))
    if options.json:
        answer_json(
            {
                "engine": {
                    "alive": alive,
                    "owner": seen.owner or None,
                    "pid": seen.pid or None,
                    "host": seen.host or None,
                    "heartbeat_at": iso(seen.heartbeat_at_ms or None),
                },
                "runs": counts,
                "left": left,
                "in_flight": sum(run.in_flight for run in seen.live),
                "problems": wrong,
            }
        )
        return exits.UNHEALTHY if wrong else exits.DONE
    figures = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    role = own_role(compose.layout(options))
    owner = f"engine ok (pid {seen.pid})" if alive else "no engine"
    line = f"{figures or 'no runs'} | {left:,} left | {owner}"
    if role is not Role.ADMIN:
        line = f"{line} | {role}"
    if options.short:
        answer(clean(" | ".join([line, *(f"! {one}" for one in wrong[:1])])))
    else:
        answer(line)
        for one in wrong:
            answer(f"! {clean(one)}")
    return exits.UNHEALTHY if wrong else exits.DONE


def _word(run: LiveRun) -> str:
    if run.gate != "open":
        return "paused"
    if run.phase == "queued":
        return "queued"
    return "ending" if run.phase in ("stopping", "cancelling") else "running"


def _what_is_wrong(seen: Glance, *, alive: bool) -> list[str]:
    waiting = sum(run.gate == "open" for run in seen.live)
    wrong = []
    if waiting and not alive:
        wrong.append(f"{waiting} waiting for an engine: watchfloor engine")
    wrong += [
        f"{run.run_id} does not balance: watchfloor books {run.run_id} --audit"
        for run in seen.live
        if not run.is_balanced
    ]
    return wrong
