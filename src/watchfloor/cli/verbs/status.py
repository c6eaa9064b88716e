"""``status``: how the workspace does, in one line or a few."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from typing import NamedTuple

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, iso
from watchfloor.cli.standing import own_role
from watchfloor.domain.roles import Role
from watchfloor.domain.text import clean
from watchfloor.store.glance import Glance, LiveRun, glance
from watchfloor.store.layout import Layout
from watchfloor.store.lock_text import Told, all_told_in
from watchfloor.store.owner_sign import is_owned


def status(options: Namespace) -> int:
    """Say how the workspace does; unhealthy when runs wait for an engine."""
    now_ms = compose.now_ms()
    seen = glance(compose.layout(options))
    fault = _fault(compose.layout(options), seen)
    alive = seen.engine_lives(now_ms) or fault.is_held
    counts = Counter(_word(run) for run in seen.live)
    counts["ended"] = seen.ended
    left = sum(run.left for run in seen.live)
    wrong = [*fault.told, *_what_is_wrong(seen, alive=alive)]
    role = own_role(compose.layout(options))
    if options.json:
        answer_json(
            {
                "you": {"name": compose.asker().by, "role": role},
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


class _Fault(NamedTuple):
    """What the owner says of its store and its duties; and whether it holds on."""

    told: tuple[str, ...] = ()
    is_held: bool = False


def _fault(layout: Layout, seen: Glance) -> _Fault:
    """Return what the last owner told, unless it let go in good order since."""
    fault, trouble = Told() if seen.released else all_told_in(layout.lock)
    is_held = bool(fault) and is_owned(layout)
    return _Fault(tuple(one for one in (fault, trouble) if one), is_held)


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
