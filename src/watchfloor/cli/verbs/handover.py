"""``handover``: a note for the next shift, ready to be pasted."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from zoneinfo import ZoneInfo

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, iso, spoken_of
from watchfloor.cli.shapes import event_json
from watchfloor.domain.handover import Handover, RunTold, note_lines
from watchfloor.domain.progress import Gain
from watchfloor.domain.text import clean
from watchfloor.engine.handover import handover as told_handover
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.reading import reading


def handover(options: Namespace) -> int:
    """Print the note of the time since then."""
    layout, now_ms = compose.layout(options), compose.now_ms()
    since_ms = now_ms - options.since
    layout.check_exists()
    workspace = WorkspaceSettings(layout).last_known()
    with reading(layout) as connection:
        note = told_handover(connection, workspace, since_ms, now_ms, layout)
    for_others = spoken_of().anywhere
    if options.json:
        answer_json(_json(note, for_others))
        return exits.DONE
    for line in note_lines(note, ZoneInfo(note.zone)):
        indent = line[: len(line) - len(line.lstrip())]
        answer(f"{indent}{clean(for_others(line.strip()), 2_000)}".rstrip())
    return exits.DONE


def _json(note: Handover, for_others: Callable[[str], str]) -> dict[str, object]:
    engine, owner = note.engine, note.engine.owner
    return {
        "workspace": note.workspace_id,
        "name": note.workspace_name,
        "zone": note.zone,
        "since": iso(note.since_ms),
        "until": iso(note.until_ms),
        "engine": {
            "alive": engine.is_alive,
            "owner": owner.owner or None,
            "pid": owner.pid or None,
            "host": owner.host or None,
            "started_at": iso(owner.started_at_ms or None),
            "starts": engine.starts,
            "crashes": engine.crashes,
        },
        "done": _gain_json(note.gained),
        "runs": [_run_json(one) for one in note.runs],
        "more_runs": note.more_runs,
        "changes": [event_json(one) for one in note.changes],
        "more_changes": note.more_changes,
        "alerts": [
            {
                "said": one.said,
                "since": iso(one.since_ms),
                "cleared_at": iso(one.cleared_at_ms),
            }
            for one in note.alerts
        ],
        "waits": [for_others(one) for one in note.waits],
        "coming": [
            {"at": iso(one.at_ms), "what": one.what, "about": one.about}
            for one in note.coming
        ],
        "questions": [for_others(one) for one in note.questions],
    }


def _run_json(one: RunTold) -> dict[str, object]:
    return {
        "id": one.run_id,
        "campaign": one.name,
        "sentence": one.sentence,
        "done": _gain_json(one.gained),
    }


def _gain_json(gained: Gain) -> dict[str, int]:
    return {
        "delivered": gained.delivered,
        "failed": gained.failed,
        "unknown": gained.unknown,
        "attempts": gained.attempts,
    }
