"""``history``, ``hide``, ``unhide`` and ``purge``: a run after its end."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from watchfloor.cli import compose, exits
from watchfloor.cli.asking import asked, confirmed, order_of, report
from watchfloor.cli.lines import answer, answer_json, iso, moment, span, tell
from watchfloor.cli.tables import table
from watchfloor.cli.verbs.looking import full_id
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.masking import masked
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.privacy import without_contact
from watchfloor.domain.regions import History
from watchfloor.domain.text import clean
from watchfloor.domain.views import RunView
from watchfloor.store.archive.archive import open_archive
from watchfloor.store.archive.places import archive_of
from watchfloor.store.reading import reading
from watchfloor.store.reads.history import HistoryView, history_view
from watchfloor.store.reads.resolutions import Resolution, resolutions_of
from watchfloor.store.reads.runs import run_view, step_names

#: Lines of the report that a terminal is shown; ``--json`` tells them all.
_MOST_LINES = 20


def history(options: Namespace) -> int:
    """Tell the history of a run, or how far it is; with ``--records``, its records."""
    layout = compose.layout(options)
    with reading(layout) as connection:
        run_id = full_id(connection, options.run)
        found = history_view(connection, run_id)
        steps = step_names(connection, run_id)
        # Before there is a history nothing is said after it.
        created = found.created_at_ms
        later = [] if created is None else resolutions_of(connection, run_id, created)
    if options.records:
        return _records(options, found)
    if options.json:
        said = [_later_json(one) for one in later]
        answer_json({**_json(found, steps), "resolutions": said})
        return exits.DONE
    for word, value in _facts(found):
        answer(f"{word:<12} {clean(value)}")
    _print_report(found, steps)
    _print_later(later)
    return exits.DONE


def hide(options: Namespace) -> int:
    """Keep an ended run off the lists."""
    return _ask(options, "hide")


def unhide(options: Namespace) -> int:
    """Show a hidden run again."""
    return _ask(options, "unhide")


def purge(options: Namespace) -> int:
    """Take the people out of an ended run, after a preview and a typed word."""
    with reading(compose.layout(options)) as connection:
        run_id = full_id(connection, options.run)
        run = run_view(connection, run_id)
        found = history_view(connection, run_id)
    may = found.state is History.CREATED and not found.purge
    if may and not options.yes:
        _preview(run)
        if not confirmed(f"Type {run_id} to purge:", run_id):
            tell("Nothing was asked; nothing was changed.")
            return exits.REFUSED
    return _ask(options, "purge")


def _ask(options: Namespace, verb: str) -> int:
    layout = compose.layout(options)
    with reading(layout) as connection:
        run_id = run_view(connection, full_id(connection, options.run)).run_id
    receipt = asked(layout, order_of(options, verb, run_id))
    return report(receipt, as_json=options.json)


def _records(options: Namespace, found: HistoryView) -> int:
    if found.state is not History.CREATED:
        msg = (
            f"run {found.run_id} has no archive yet; nothing was read. See how far it "
            f"is: watchfloor history {found.run_id}"
        )
        raise ConfigError(msg)
    folder = archive_of(compose.layout(options), found.run_id)
    kept = found.told.get("archive") or {}
    archive = open_archive(folder, sha256="" if found.purge else kept.get("sha256", ""))
    rows = archive.records()
    shown = rows if options.unmask else (_hidden(row) for row in rows)
    if options.json:
        answer_json(list(shown))
    else:
        _print_lines(shown)
    return exits.DONE


def _hidden(row: dict[str, Any]) -> dict[str, Any]:
    """Return a record without what only somebody who was allowed may see."""
    hidden = {**row, "contact": masked(row["contact"])}
    del hidden["fields"]
    return hidden


def _print_lines(rows: Iterator[dict[str, Any]]) -> None:
    for row in rows:
        answer(json.dumps(row))


def _json(found: HistoryView, steps: tuple[str, ...]) -> dict[str, Any]:
    told = found.told
    return {
        "run": found.run_id,
        "history": found.state,
        "archived": found.archived,
        "records": found.records,
        "progress": round(found.share, 4),
        "hidden": found.is_hidden,
        "purge": found.purge or None,
        "created_at": iso(found.created_at_ms),
        "outcome": told.get("outcome"),
        "cause": without_contact(told.get("cause") or "") or None,
        "launch_id": told.get("launch_id"),
        "started_at": iso(told.get("started_at_ms")),
        "ended_at": iso(told.get("ended_at_ms")),
        "durations_s": {
            word: number / 1000 for word, number in _durations(found).items()
        },
        "books": told.get("books"),
        "archive": None if found.purge else told.get("archive"),
        "report": [
            {
                "step": _step(line, steps),
                "outcome_class": _class(line),
                "code": line["code"] or None,
                "hour": iso(line["hour_ms"]),
                "attempts": line["attempts"],
                "took_ms": line["took_ms"],
            }
            for line in found.report
        ],
        "results": found.results,
    }


def _facts(found: HistoryView) -> list[tuple[str, str]]:
    told, archive = found.told, found.told.get("archive")
    facts = [("run", found.run_id), ("history", _state(found))]
    if found.is_hidden:
        facts.append(("hidden", "yes"))
    if not told:
        return facts
    facts += [
        ("outcome", told["outcome"]),
        ("launch id", told["launch_id"] or "not launched"),
        ("created", moment(found.created_at_ms)),
        ("records", f"{told['books']['records']:,}"),
        ("attempts", f"{told['books']['attempts']:,}"),
    ]
    if told["cause"]:
        facts.append(("cause", without_contact(told["cause"])))
    facts += [(word, span(ms)) for word, ms in _durations(found).items() if ms]
    if archive and not found.purge:
        files = f"{archive['parts']} parts, {archive['bytes']:,} bytes"
        facts.append(("archive", f"{archive['path']} ({archive['format']}, {files})"))
    facts += [(kind, f"{count:,} records") for kind, count in found.results.items()]
    return facts


def _state(found: HistoryView) -> str:
    if found.purge:
        return {"asked": "created, being purged", "done": "created, purged"}[
            found.purge
        ]
    if found.state is History.CREATING:
        done = f"{found.archived:,} of {found.records:,} records"
        return f"creating history {100 * found.share:.0f} %, {done}"
    return {History.NONE: "none: the run has not ended"}.get(found.state, "created")


def _durations(found: HistoryView) -> dict[str, int]:
    return dict(found.told.get("durations_ms") or {})


def _print_report(found: HistoryView, steps: tuple[str, ...]) -> None:
    """Print how often what was counted, its hours together."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for line in found.report:
        key = (_step(line, steps), _class(line) or "-", line["code"] or "-")
        counted = sums.setdefault(key, [0, 0])
        counted[0] += line["attempts"]
        counted[1] += line["took_ms"]
    if not sums:
        return
    most = sorted(sums.items(), key=lambda one: (-one[1][0], one[0]))
    table(
        ("STEP", "CLASS", "CODE", "ATTEMPTS", "EACH TOOK (MS)"),
        [(*key, count, took // count) for key, (count, took) in most[:_MOST_LINES]],
    )
    if len(most) > _MOST_LINES:
        tell(f"{len(most) - _MOST_LINES:,} more codes: --json tells them all")


def _later_json(one: Resolution) -> dict[str, Any]:
    return {
        "at": iso(one.at_ms),
        "by": one.by,
        "as": one.word,
        "records": one.done,
        "reason": without_contact(one.why) or None,
        "command": one.command_id,
    }


def _print_later(later: list[Resolution]) -> None:
    """Print what was said of unknown records after the history was written."""
    if not later:
        return
    answer("resolved after the history was written, which stays as it is:")
    table(
        ("TIME (UTC)", "BY", "AS", "RECORDS", "REASON"),
        [
            (
                moment(one.at_ms),
                one.by,
                one.word,
                one.done,
                without_contact(one.why),
            )
            for one in later
        ],
    )


def _step(line: dict[str, Any], steps: tuple[str, ...]) -> str:
    number = line["step"]
    return steps[number] if number < len(steps) else ""


def _class(line: dict[str, Any]) -> str | None:
    number = line["outcome_class"]
    return OutcomeClass(number).word if number else None


def _preview(run: RunView) -> None:
    tell(f"purge {run.run_id} ({clean(run.campaign_name)}), now {run.label}:")
    for line in (
        f"  {run.books.records:,} records lose their contact and their fields",
        f"  {run.books.rejected:,} rejected rows lose their text and their reason",
        f"  {run.books.attempts:,} attempts lose what the provider said and its ids",
        f"  the upload {clean(run.upload_name)} and the archive are deleted",
        "  results are closed: a provider's late word, an opt-out too, finds nobody",
        "  kept: states, times, codes, counts, report, journal, and who was suppressed",
        "  runs made from this one keep their own people; purge them too",
        "  this cannot be undone",
    ):
        tell(line)
