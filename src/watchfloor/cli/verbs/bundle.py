"""``bundle``: everything that helps somebody else to help, and nobody's number."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from watchfloor.cli import compose, exits
from watchfloor.cli.bundling import Made, Wish, make_bundle
from watchfloor.cli.lines import answer, answer_json, tell
from watchfloor.cli.verbs.looking import full_id
from watchfloor.cli.verbs.triage import triage_json
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.measures import duration_ms
from watchfloor.domain.text import clean
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import run_view
from watchfloor.triage.bundle_around import Judged
from watchfloor.triage.bundle_form import RUN, SUMMARY
from watchfloor.triage.bundle_reading import Bundle, read_bundle
from watchfloor.triage.evidence_file import evidence_from_json, evidence_to_json
from watchfloor.triage.examining import gathered, watched
from watchfloor.triage.reporting import triage

SHOW = "show"


def bundle(options: Namespace) -> int:
    """Write the bundle of a run, or tell what is in one from elsewhere."""
    if options.run == SHOW:
        return _show(options)
    if options.file is not None:
        msg = "one run is bundled at a time; name the file with -o FILE.zip"
        raise ConfigError(msg)
    layout = compose.layout(options)
    with reading(layout) as connection:
        run_id = run_view(connection, full_id(connection, options.run)).run_id
    wish = Wish(
        run_id=run_id,
        target=Path(options.output).expanduser() if options.output else None,
        since_ms=None if options.since is None else since_ms(options.since),
        symptom=options.symptom,
        has_screen=not options.no_screen,
    )
    speaks = options.progress or sys.stderr.isatty()
    runbook = RunbookOf(layout, run_id, options.sample)
    made = make_bundle(layout, wish, runbook, tell if speaks else lambda _: None)
    _report(made, run_id, as_json=options.json)
    return exits.DONE


class RunbookOf:
    """The runbook of one run of a workspace.

    Args:
        layout: Of the workspace.
        run_id: Which run.
        sample_s: So far apart its counters are read; 0 to read them once.
    """

    def __init__(self, layout: Layout, run_id: str, sample_s: float) -> None:
        self._layout = layout
        self._run_id = run_id
        self._sample_s = sample_s

    def gathered(self) -> Mapping[str, Any]:
        """Return the evidence as JSON has it.

        Raises:
            NotFoundError: There is no such run.
            StoreError: The store cannot be read.
        """
        found = gathered(self._layout, self._run_id, compose.now_ms())
        if self._sample_s:
            wait = partial(time.sleep, self._sample_s)
            found = watched(self._layout, found, wait, compose.now_ms)
        return evidence_to_json(found)

    def judged(self, evidence: Mapping[str, Any]) -> Judged:
        """Return what evidence says, as its reader will be told it.

        Raises:
            ConfigError: It lost its form on the way out; nothing may leave so.
        """
        told = triage(evidence_from_json(evidence))
        return Judged(
            told=told,
            sentence=told.verdict.summary,
            report="\n".join(told.text),
            verdict=triage_json(told),
            evidence=evidence,
        )


def since_ms(text: str) -> int:
    """Return the moment that ``8h``, ``2026-11-28`` or ``2026-11-28T14:00Z`` means.

    Raises:
        ConfigError: It means none.
    """
    now_ms = compose.now_ms()
    try:
        return now_ms - duration_ms(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        msg = (
            f"--since {text!r} is no time; write how long ago (90m, 8h, 2d) or when "
            "(2026-11-28T14:00Z)"
        )
        raise ConfigError(msg) from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _report(made: Made, run_id: str, *, as_json: bool) -> None:
    if as_json:
        answer_json(
            {
                "run": run_id,
                "file": str(made.path),
                "bytes": made.size,
                "sha256": made.sha256,
                "members": ["manifest.json", *made.members],
                "no_screen": made.no_screen or None,
            }
        )
        return
    answer(clean(made.path, 2_000))
    tell(f"{made.size:,} bytes, for you alone to read (0600), sha-256 {made.sha256}")
    if made.no_screen:
        tell(f"without a picture: {made.no_screen}")


def _show(options: Namespace) -> int:
    if options.file is None:
        msg = "name the bundle: watchfloor bundle show FILE.zip"
        raise ConfigError(msg)
    found = read_bundle(Path(options.file).expanduser())
    if options.json:
        answer_json(_json(found))
        return exits.DONE
    for line in found.texts[SUMMARY]:
        answer(line)
    listed: Mapping[str, Any] = found.manifest["members"]
    for name, size in found.sizes.items():
        digest = listed[name]["sha256"] if name in listed else "-"
        answer(f"{size:>10,}  {digest:<64}  {name}")
    tell(f"judge it again: watchfloor triage {options.file}")
    return exits.DONE


def _json(found: Bundle) -> dict[str, object]:
    return {
        "manifest": dict(found.manifest),
        "run": found.documents[RUN],
        "members": dict(found.sizes),
    }
