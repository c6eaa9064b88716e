"""The command line as a whole."""

from __future__ import annotations

import argparse
from functools import cache

from watchfloor import __version__
from watchfloor.cli.recovery_options import add_recovery
from watchfloor.cli.runbook_options import add_runbook
from watchfloor.cli.trust_options import add_trust
from watchfloor.cli.verb_options import GROUPS, Parser, add_workspace, console_defaults
from watchfloor.domain.roles import Role, is_name


def _called(text: str) -> str:
    if text and not is_name(text):
        msg = f"{text!r} is no name: letters, digits and . _ - + @, at most 64"
        raise argparse.ArgumentTypeError(msg)
    return text


@cache
def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; parsing leaves it as it is."""
    root = Parser(
        prog="watchfloor",
        description="Watch and steer runs of outbound contacts, and carry them out.",
        epilog="Without a verb the console opens. Exit codes: 0 done, 1 refused or "
        "failed, 2 usage, 3 not found, 4 unhealthy, 5 not proven (audit verify), 75 "
        "ended with attempts in flight.",
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    add_workspace(root)
    root.add_argument(
        "--role",
        choices=[role.value for role in Role],
        default="",
        help="be no more than this, whatever this account is",
    )
    root.add_argument(
        "--as",
        dest="called",
        type=_called,
        default="",
        metavar="NAME",
        help="who this is, behind an account that several share",
    )
    # Without a verb the console opens, with its own defaults.
    root.set_defaults(**console_defaults())
    verbs = root.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for add in GROUPS:
        add(verbs)
    add_runbook(verbs)
    add_recovery(verbs)
    add_trust(verbs)
    return root
