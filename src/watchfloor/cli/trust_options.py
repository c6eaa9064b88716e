"""The options of the verbs that audit, back up and restore a workspace."""

from __future__ import annotations

import argparse

from watchfloor.cli.verb_options import (
    DEFAULT_LIMIT,
    Verbs,
    add_workspace,
    with_json,
)


def add_trust(verbs: Verbs) -> None:
    """Add the verbs that show and verify the audit chain, and those of backups."""
    _add_audit(verbs)
    backup = with_json(
        verbs, "backup", "make one file of the workspace, beside a running engine"
    )
    backup.add_argument("file", metavar="FILE")
    restore = with_json(
        verbs, "restore", "make a workspace of a backup, its live runs held"
    )
    restore.add_argument("file", metavar="FILE")
    restore.add_argument("directory", metavar="DIR", help="not there yet, or empty")
    restore.add_argument(
        "--again", action="store_true", help="although it was restored before"
    )
    restore.add_argument(
        "--yes", action="store_true", help="although its chain or books do not hold"
    )


def _add_audit(verbs: Verbs) -> None:
    audit = verbs.add_parser(
        "audit",
        help="show what was asked, and verify that nobody changed it",
        description="Show what was asked, and verify that nobody changed it.",
    )
    add_workspace(audit, argparse.SUPPRESS)
    actions = audit.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = with_json(
        actions, "show", "list who asked what, why, what was seen, what came of it"
    )
    show.add_argument("run", metavar="RUN", nargs="?", default="", help="of this run")
    show.add_argument(
        "--limit", type=int, default=DEFAULT_LIMIT, metavar="N", help="at most N"
    )
    show.add_argument("--before", type=int, metavar="N", help="older than entry N")
    verify = with_json(actions, "verify", "name the first entry that does not fit")
    verify.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="FILE",
        help="hold the chain to this file too; may be given again",
    )
    anchor = with_json(actions, "anchor", "note the head of the chain")
    anchor.add_argument(
        "-o", "--output", metavar="FILE", help="append it there instead of printing it"
    )
