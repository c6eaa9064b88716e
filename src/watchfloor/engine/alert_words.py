"""What hooks are told: values for programs, and a text for people.

No contact of anybody stands in it: what looks like one in a text from outside is
masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from watchfloor.domain.alerts import Alert, AlertKind, Cause
from watchfloor.domain.anchors import Anchor
from watchfloor.domain.text import clean
from watchfloor.domain.workspace import Workspace

#: What a kind is called, and what to do first.
_WORDS: Final[Mapping[AlertKind, tuple[str, str]]] = {
    AlertKind.STALLED: ("stalled", "watchfloor why {run}"),
    AlertKind.SLOW: ("slow", "watchfloor why {run}"),
    AlertKind.FAILING: ("failing", "watchfloor triage {run}"),
    AlertKind.AUTO_PAUSED: ("paused by the engine", "watchfloor show {run}"),
    AlertKind.STORE: ("store takes nothing new", "watchfloor doctor"),
    AlertKind.ENGINE: ("a duty of the engine fails", "watchfloor status"),
    AlertKind.FAILED: ("failed", "watchfloor show {run}"),
    AlertKind.RECOVERED: ("engine started after a crash", "watchfloor status"),
}
#: A summary names so many alerts; the others stand in ``watchfloor alerts``.
MOST_NAMED: Final = 50


def raised(workspace: Workspace, cause: Cause, now_ms: int) -> dict[str, Any]:
    """Return what is told when an alert begins."""
    word, do = _WORDS[cause.kind]
    since = _moment(workspace, cause.since_ms)
    do = do.format(run=cause.run_id)
    lines = (_capital(f"{word}: {_said(cause)}"), f"Since {since}.", f"Next: {do}")
    return {
        "what": "raised",
        **_about(workspace, cause.kind, cause.run_id, cause.since_ms, now_ms),
        "urgent": cause.kind in workspace.alerts.urgent,
        "title": _title(workspace, word, cause.run_id),
        "text": "\n".join((*lines, _foot(workspace))),
        "do": do,
    }


def cleared(
    workspace: Workspace, alert: Alert, at_ms: int, now_ms: int
) -> dict[str, Any]:
    """Return what is told when an alert's cause is over."""
    word, _ = _WORDS[alert.kind]
    since, until = (_moment(workspace, one) for one in (alert.since_ms, at_ms))
    lines = (f"Over: {word}: {_said(alert)}", f"From {since} to {until}.")
    return {
        "what": "cleared",
        **_about(workspace, alert.kind, alert.run_id, alert.since_ms, now_ms),
        "cleared": iso(at_ms),
        "title": _title(workspace, f"over: {word}", alert.run_id),
        "text": "\n".join((*lines, _foot(workspace))),
    }


def summary(
    workspace: Workspace, alerts: Sequence[Alert], now_ms: int
) -> dict[str, Any]:
    """Return what is told when quiet hours end."""
    count = len(alerts)
    title = f"{count} alert{'s' if count != 1 else ''} in the quiet hours"
    named = alerts[:MOST_NAMED]
    lines = [f"{title} of {clean(workspace.name, 100)}:"]
    lines += [f"- {_line(workspace, one)}" for one in named]
    if more := count - len(named):
        lines.append(f"- and {more} more: watchfloor alerts")
    return {
        "what": "summary",
        "workspace": workspace.workspace_id,
        "at": iso(now_ms),
        "title": f"{clean(workspace.name, 100)}: {title}",
        "text": "\n".join(lines),
        "alerts": [
            {
                "kind": str(one.kind),
                "run": one.run_id or None,
                "since": iso(one.since_ms),
                "cleared": iso(one.cleared_at_ms),
                "said": _said(one),
            }
            for one in named
        ],
    }


def trial(workspace: Workspace, now_ms: int) -> dict[str, Any]:
    """Return what ``alerts test`` tells."""
    name = clean(workspace.name, 100)
    return {
        "what": "test",
        "workspace": workspace.workspace_id,
        "at": iso(now_ms),
        "title": f"{name}: a test",
        "text": f"A test of the alerts of {name}. Nothing is wrong.",
    }


def anchored(workspace: Workspace, anchor: Anchor, now_ms: int) -> dict[str, Any]:
    """Return what the hook of anchors is told: the head of the chain, to be kept."""
    name = clean(workspace.name, 100)
    return {
        "what": "anchor",
        "workspace": workspace.workspace_id,
        "at": iso(now_ms),
        "instance": anchor.instance,
        "link": anchor.link,
        "hash": anchor.hash.hex(),
        "title": f"{name}: anchor of the audit chain, link {anchor.link:,}",
        "text": anchor.line,
    }


def iso(at_ms: int | None) -> str | None:
    """Return ISO 8601 UTC with milliseconds, or None."""
    if at_ms is None:
        return None
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _about(
    workspace: Workspace, kind: AlertKind, run_id: str, since_ms: int, now_ms: int
) -> dict[str, Any]:
    return {
        "kind": str(kind),
        "run": run_id or None,
        "workspace": workspace.workspace_id,
        "since": iso(since_ms),
        "at": iso(now_ms),
    }


def _line(workspace: Workspace, one: Alert) -> str:
    word, _ = _WORDS[one.kind]
    until = _moment(workspace, one.cleared_at_ms) if one.cleared_at_ms else "stands"
    return f"{word}: {_said(one)} ({_moment(workspace, one.since_ms)} to {until})"


def _title(workspace: Workspace, word: str, run_id: str) -> str:
    where = f" ({run_id})" if run_id else ""
    return f"{clean(workspace.name, 100)}: {word}{where}"


def _foot(workspace: Workspace) -> str:
    return f"Workspace: {clean(workspace.name, 100)} ({workspace.workspace_id})"


def _moment(workspace: Workspace, at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    told = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    if workspace.zone == "UTC":
        return told
    return (
        f"{told} ({at.astimezone(ZoneInfo(workspace.zone)):%H:%M:%S} {workspace.zone})"
    )


def _said(about: Alert | Cause) -> str:
    # Cleaned when it was stored; a mail does not rely on who else may write the store.
    return clean(about.said, 1_000)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
