"""The options of the verbs that find a cause and tell others of it."""

from __future__ import annotations

import argparse

from watchfloor.cli.verb_options import DEFAULT_LIMIT, Verbs, of_run, with_json
from watchfloor.domain.measures import duration_ms

#: Longer nobody waits for two readings of the counters.
MOST_SAMPLE_S = 600


def add_runbook(verbs: Verbs) -> None:
    """Add the verbs from a first question to a whole diagnosis."""
    why = of_run(verbs, "why", "say why a run or a record does as it does")
    why.add_argument("seq", type=int, nargs="?", metavar="SEQ", help="one record of it")
    _add_triage(verbs)
    failures = of_run(verbs, "failures", "group what failed by its cause")
    failures.add_argument(
        "--by",
        default="class,code,origin,step",
        metavar="WHAT",
        help="any of class, code, origin and step, with commas (default: all)",
    )
    failures.add_argument(
        "--state",
        metavar="S",
        help="only records in this state: failed, unknown, retry",
    )
    failures.add_argument(
        "--limit", type=int, default=DEFAULT_LIMIT, metavar="N", help="at most N groups"
    )
    failures.add_argument(
        "--all", action="store_true", help="look at every failure, however many (slow)"
    )
    _add_alerts(verbs)
    _add_bundle(verbs)


def _add_triage(verbs: Verbs) -> None:
    triage = with_json(verbs, "triage", "find the cause of a sick run: ordered checks")
    triage.add_argument(
        "run", metavar="RUN", nargs="?", help="a run id, its beginning, or FILE.zip"
    )
    triage.add_argument(
        "--sample",
        type=_seconds,
        default=3.0,
        metavar="SECONDS",
        help="read the counters twice, so far apart (0: once; default: 3)",
    )
    triage.add_argument(
        "--symptom",
        choices=("stuck", "few", "failing", "duplicates"),
        help="what somebody sees: its causes first",
    )
    triage.add_argument(
        "--evidence", metavar="FILE.json", help="judge evidence from elsewhere"
    )


def _add_alerts(verbs: Verbs) -> None:
    alerts = with_json(verbs, "alerts", "show what stands, and who was told of it")
    alerts.add_argument(
        "action",
        nargs="?",
        choices=("test",),
        metavar="test",
        help="tell every hook a test, and say what came of it",
    )
    alerts.add_argument(
        "--since",
        type=_past_ms,
        default="24h",
        metavar="8h",
        help="what was over within so long is shown too (default: 24h)",
    )
    handover = with_json(verbs, "handover", "print a note for the next shift")
    handover.add_argument(
        "--since",
        type=_past_ms,
        default="8h",
        metavar="8h",
        help="how far back (30m, 8h, 2d; default: 8h)",
    )


def _add_bundle(verbs: Verbs) -> None:
    bundle = of_run(
        verbs, "bundle", "write all that helps others to help, people masked; or show"
    )
    bundle.add_argument(
        "file", metavar="FILE.zip", nargs="?", help="after show: a bundle to look into"
    )
    bundle.add_argument(
        "-o",
        "--output",
        metavar="FILE.zip",
        help="a new file (default: one in the workspace's folder bundles)",
    )
    bundle.add_argument(
        "--since", metavar="T", help="journal from then on: 8h, or 2026-11-28T14:00Z"
    )
    bundle.add_argument(
        "--symptom", default="", metavar="TEXT", help="what you saw, in your words"
    )
    bundle.add_argument(
        "--sample",
        type=_seconds,
        default=3.0,
        metavar="SECONDS",
        help="triage reads the counters twice, so far apart (0: once; default: 3)",
    )
    bundle.add_argument(
        "--no-screen", action="store_true", help="without a picture of the console"
    )
    bundle.add_argument(
        "--progress", action="store_true", help="tell on stderr how far it is"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= MOST_SAMPLE_S:
        msg = f"between 0 and {MOST_SAMPLE_S}"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def _past_ms(text: str) -> int:
    try:
        return duration_ms(text)
    except ValueError as error:
        msg = f"{text!r} {error}; write e.g. 30m, 8h or 2d"
        raise argparse.ArgumentTypeError(msg) from error
