"""``alerts``: what stands, since when, and who was told of it with which result."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Sequence

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, iso, moment, tell
from watchfloor.cli.tables import table
from watchfloor.domain.alerts import Alert
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.measures import duration_text
from watchfloor.domain.text import clean
from watchfloor.domain.workspace import Workspace
from watchfloor.engine.alerting import name_of, quiet_until, tried_hooks
from watchfloor.engine.workspace_settings import checked_workspace
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.alerts import AlertMessage, alerts_since, messages_of


def alerts(options: Namespace) -> int:
    """Show alerts; unhealthy while one stands. With ``test``, tell every hook one."""
    layout, now_ms = compose.layout(options), compose.now_ms()
    layout.check_exists()
    if options.action == "test":
        return _tested(checked_workspace(layout.settings), now_ms, as_json=options.json)
    since_ms = now_ms - options.since
    with reading(layout) as connection:
        found = alerts_since(connection, since_ms)
        ids = tuple(one.alert_id for one in found)
        messages = messages_of(connection, ids, since_ms=since_ms)
    workspace = _known(layout)
    quiet_ms = quiet_until(workspace, now_ms) if workspace else None
    standing = [one for one in found if one.stands]
    if options.json:
        answer_json(
            {
                "on": sorted(workspace.alerts.on) if workspace else None,
                "quiet_until": iso(quiet_ms),
                "alerts": [_alert_json(one, messages) for one in found],
                "summaries": [
                    _message_json(one) for one in messages if one.alert_id is None
                ],
            }
        )
        return exits.UNHEALTHY if standing else exits.DONE
    if workspace is not None and not workspace.alerts.on:
        tell("Nobody is alerted of anything: add [alerts] to watchfloor.toml")
    if quiet_ms is not None:
        tell(f"Quiet hours until {moment(quiet_ms)} UTC: what is not urgent waits.")
    if not found:
        lately = duration_text(options.since)
        tell(f"No alert stands, and none began or ended within {lately}.")
        return exits.DONE
    _show(found, messages)
    return exits.UNHEALTHY if standing else exits.DONE


def _known(layout: Layout) -> Workspace | None:
    """Return the workspace, or None where its file has a mistake; that is told."""
    try:
        return checked_workspace(layout.settings)
    except ConfigError as error:
        for one in error.mistakes:
            tell(one)
        return None


def _show(found: Sequence[Alert], messages: Sequence[AlertMessage]) -> None:
    table(
        ("ALERT", "RUN", "SINCE (UTC)", "OVER (UTC)", "WHAT"),
        [
            (
                one.kind,
                one.run_id or "-",
                moment(one.since_ms),
                moment(one.cleared_at_ms) if one.cleared_at_ms else "stands",
                f"{one.said}{' (held in quiet hours)' if one.is_held else ''}",
            )
            for one in found
        ],
    )
    if messages:
        answer()
        table(
            ("HOOK", "TOLD", "ALERT", "STATE", "TRIES", "WHEN (UTC)", "RESULT"),
            [
                (
                    one.hook,
                    one.what,
                    _about(one, found),
                    one.state,
                    one.tries or "none yet",
                    _when(one),
                    one.detail or "not tried yet",
                )
                for one in messages
            ],
        )


def _when(one: AlertMessage) -> str:
    """Return when a message was sent, or what it waits for."""
    if one.sent_at_ms is not None:
        return f"sent {moment(one.sent_at_ms)}"
    if one.next_at_ms is not None:
        return f"next try {moment(one.next_at_ms)}"
    return f"asked {moment(one.created_at_ms)}"


def _about(message: AlertMessage, found: Sequence[Alert]) -> str:
    about = (one for one in found if one.alert_id == message.alert_id)
    return next((f"{one.kind} {one.run_id}".rstrip() for one in about), "several")


def _alert_json(one: Alert, messages: Sequence[AlertMessage]) -> dict[str, object]:
    return {
        "kind": one.kind,
        "run": one.run_id or None,
        "since": iso(one.since_ms),
        "raised_at": iso(one.raised_at_ms),
        "cleared_at": iso(one.cleared_at_ms),
        "stands": one.stands,
        "held": one.is_held,
        "said": one.said,
        "told": [
            _message_json(each) for each in messages if each.alert_id == one.alert_id
        ],
    }


def _message_json(one: AlertMessage) -> dict[str, object]:
    return {
        "id": name_of(one),
        "hook": one.hook,
        "what": one.what,
        "state": one.state,
        "tries": one.tries,
        "sent_at": iso(one.sent_at_ms),
        "next_at": iso(one.next_at_ms),
        "detail": one.detail,
    }


def _tested(workspace: Workspace, now_ms: int, *, as_json: bool) -> int:
    """Tell every hook a test from this process, and say what came of it."""
    if not workspace.alerts.hooks:
        tell("There is no hook to test: add one below [alerts] in watchfloor.toml")
        return exits.REFUSED
    results = asyncio.run(tried_hooks(workspace, f"alert-test-{now_ms}", now_ms))
    if as_json:
        answer_json(
            [
                {"hook": hook.label, "told": is_told, "detail": said}
                for hook, is_told, said in results
            ]
        )
    else:
        for hook, is_told, said in results:
            word = "ok  " if is_told else "FAIL"
            answer(f"{word} {clean(hook.label)}: {clean(said, 2_000)}")
    is_well = all(is_told for _, is_told, _ in results)
    return exits.DONE if is_well else exits.REFUSED
