"""``status``: how the workspace does, in one line or a few."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import advise, answer, answer_json, iso
from watchfloor.cli.standing import own_role
from watchfloor.domain.draining import (
    ABOUT_A_HANG,
    ABOUT_A_HOLDER,
    ABOUT_UNSEEN,
    Drain,
    drain_words,
    hang_words,
    holder_words,
    unseen_words,
    waits_for_it,
)
from watchfloor.domain.moments import counted
from watchfloor.domain.roles import Role
from watchfloor.domain.text import clean
from watchfloor.domain.views import EngineView
from watchfloor.store.glance import Glance, LiveRun, glance
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import OwnerSign, owner_sign
from watchfloor.store.waiting_asks import count_waiting


def status(options: Namespace) -> int:
    """Say how the workspace does; unhealthy when runs wait for an engine."""
    now_ms, layout = compose.now_ms(), compose.layout(options)
    seen = glance(layout)
    sign = _sign(layout, seen, now_ms)
    alive = seen.engine_lives(now_ms) or bool(sign.fault)
    counts = Counter(_word(run) for run in seen.live)
    counts["ended"] = seen.ended
    left = sum(run.left for run in seen.live)
    approvals = sum(run.awaits_approval for run in seen.live)
    told = (sign.fault or sign.last_words, sign.trouble)
    waits = _what_is_wrong(seen, sign, now_ms, layout, alive=alive)
    wrong = [*filter(None, told), *waits]
    # One that lives takes them in a moment.
    asked = 0 if alive else count_waiting(layout)
    role = own_role(layout)
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
                    "hangs": sign.hangs,
                    "unseen": sign.is_unseen,
                    "drain": _drain_json(sign.drain) if alive else None,
                },
                "runs": counts,
                "left": left,
                "in_flight": sum(run.in_flight for run in seen.live),
                "unknown": seen.unknown,
                "awaiting_approval": approvals,
                "commands_waiting": asked,
                "problems": wrong,
            }
        )
        return exits.UNHEALTHY if wrong else exits.DONE
    figures = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    owner = _owner(seen, sign, now_ms, alive=alive)
    line = " | ".join(
        filter(
            None,
            (
                figures or "no runs",
                f"{left:,} left",
                f"{seen.unknown:,} unknown" if seen.unknown else "",
                f"{approvals} awaiting approval" if approvals else "",
                owner,
                f"{counted(asked, 'command')} waiting for an engine" if asked else "",
                "" if role is Role.ADMIN else role,
            ),
        )
    )
    if options.short:
        advise(clean(" | ".join([line, *(f"! {one}" for one in wrong[:1])])))
    else:
        answer(line)
        for one in wrong:
            advise(f"! {clean(one)}")
    return exits.UNHEALTHY if wrong else exits.DONE


def _sign(layout: Layout, seen: Glance, now_ms: int) -> OwnerSign:
    """Return what the last owner tells beside the store, unless it let go since."""
    owner = EngineView(
        pid=seen.pid,
        host=seen.host,
        heartbeat_at_ms=seen.heartbeat_at_ms,
        released=seen.released,
    )
    return owner_sign(layout, owner, now_ms)


def _owner(seen: Glance, sign: OwnerSign, now_ms: int, *, alive: bool) -> str:
    if sign.hangs:
        return f"engine {hang_words(seen.pid, seen.heartbeat_at_ms, now_ms)}"
    if sign.is_unseen:
        return f"the engine {unseen_words(seen.heartbeat_at_ms, now_ms)}"
    if not alive:
        return f"no engine: {holder_words(sign.holder)}" if sign.holder else "no engine"
    state = "ok" if sign.drain is None else drain_words(sign.drain, now_ms)
    return f"engine {state} (pid {seen.pid})"


def _word(run: LiveRun) -> str:
    if run.gate != "open":
        return "paused"
    if run.phase == "queued":
        return "queued"
    return "ending" if run.phase in ("stopping", "cancelling") else "running"


def _drain_json(drain: Drain | None) -> dict[str, object] | None:
    if drain is None:
        return None
    return {
        "in_flight": drain.in_flight,
        "since": iso(drain.since_ms),
        "ends_by": iso(drain.until_ms),
    }


def _what_is_wrong(
    seen: Glance, sign: OwnerSign, now_ms: int, layout: Layout, *, alive: bool
) -> list[str]:
    waiting = sum(run.gate == "open" for run in seen.live)
    wrong = []
    if sign.hangs:
        wrong.append(f"the engine hangs: {layout.in_here(ABOUT_A_HANG)}")
    elif waiting and sign.drain is not None:
        goes_on = layout.in_here(waits_for_it(sign.drain, now_ms))
        wrong.append(f"{waiting} will wait for the next engine: {goes_on}")
    elif sign.is_unseen:
        wrong.append(f"the engine does not answer: {ABOUT_UNSEEN}")
    elif waiting and not alive:
        then = f"{ABOUT_A_HOLDER}, then: " if sign.holder else ""
        wrong.append(f"{waiting} waiting for an engine: {then}watchfloor engine")
    wrong += [
        f"{run.run_id} does not balance: watchfloor books {run.run_id} --audit"
        for run in seen.live
        if not run.is_balanced
    ]
    return wrong
