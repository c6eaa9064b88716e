"""Every verb with its options, importing nothing that a verb needs."""

from __future__ import annotations

import argparse
from typing import NoReturn, TypeAlias

from watchfloor import __version__
from watchfloor.domain.text import clean

DEFAULT_LIMIT = 40
# argparse gives the type of what add_subparsers returns no public name.
Verbs: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001 - see above


class Parser(argparse.ArgumentParser):
    """A parser whose complaints pass the text door: a shell's ``*`` may name a file."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and end with 2."""
        super().error(clean(message, 2_000))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    root = Parser(
        prog="watchfloor",
        description="Watch and steer runs of outbound contacts, and carry them out.",
        epilog="Without a verb the console opens. Exit codes: 0 done, 1 refused or "
        "failed, 2 usage, 3 not found, 4 unhealthy.",
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _add_workspace(root)
    root.set_defaults(read_only=False, on_hangup="drain")
    verbs = root.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    _add_set_up(verbs)
    _add_carry_out(verbs)
    _add_look(verbs)
    _add_steer(verbs)
    return root


def _add_workspace(to: argparse.ArgumentParser, default: object = None) -> None:
    to.add_argument(
        "--workspace",
        metavar="DIR",
        default=default,
        help="the workspace (default: WATCHFLOOR_WORKSPACE, else this directory)",
    )


def _verb(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    added = verbs.add_parser(name, help=text, description=text)
    # Before or after the verb: an option after it wins, none after it changes nothing.
    _add_workspace(added, argparse.SUPPRESS)
    return added


def _read(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    added = _verb(verbs, name, text)
    added.add_argument("--json", action="store_true", help="answer as JSON")
    return added


def _of_run(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    added = _read(verbs, name, text)
    added.add_argument("run", metavar="RUN", help="a run id, or its unique beginning")
    return added


def _add_set_up(verbs: Verbs) -> None:
    _verb(verbs, "demo", "open a ready workspace with runs in many states")
    init = verbs.add_parser("init", help="make a workspace", description="Make one.")
    init.add_argument("directory", metavar="DIR")
    init.add_argument("--name", help="what people call it (default: the directory's)")
    campaign = _verb(verbs, "campaign", "check and list campaign files")
    actions = campaign.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="name every mistake in a campaign file")
    check.add_argument("file", metavar="FILE")
    check.add_argument("--json", action="store_true", help="answer as JSON")
    listing = actions.add_parser("list", help="list the workspace's campaign files")
    listing.add_argument("--json", action="store_true", help="answer as JSON")
    _read(verbs, "doctor", "check the workspace and say what to do")
    completion = verbs.add_parser(
        "completion", help="print a completion script for a shell"
    )
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def _add_carry_out(verbs: Verbs) -> None:
    console = _verb(verbs, "console", "open the console (the default)")
    console.add_argument("--read-only", action="store_true", help="look, never act")
    console.add_argument(
        "--on-hangup",
        choices=("drain", "continue"),
        default="drain",
        help="what this process's engine does when the terminal closes",
    )
    launch = _read(verbs, "launch", "launch a campaign over an upload")
    launch.add_argument("campaign", metavar="CAMPAIGN.toml")
    launch.add_argument("--upload", required=True, metavar="FILE.csv")
    launch.add_argument("--yes", action="store_true", help="do not ask")
    launch.add_argument(
        "--allow-twin",
        action="store_true",
        help="launch although a run of this campaign over this upload is live",
    )
    engine = _verb(verbs, "engine", "carry runs out without a screen")
    engine.add_argument(
        "--until-idle", action="store_true", help="end when nothing is left to do"
    )
    engine.add_argument(
        "--on-hangup",
        choices=("drain", "continue"),
        default="drain",
        help="what to do when the terminal closes",
    )


def _add_look(verbs: Verbs) -> None:
    _read(verbs, "runs", "list runs, newest first")
    _of_run(verbs, "show", "show one run")
    records = _of_run(verbs, "records", "list records of a run by key")
    records.add_argument("--state", metavar="S", help="only records in this state")
    records.add_argument("--after", type=int, metavar="SEQ", help="past this record")
    records.add_argument(
        "--limit", type=int, default=DEFAULT_LIMIT, metavar="N", help="at most N"
    )
    _add_unmask(records)
    journey = _of_run(verbs, "journey", "show everything that happened to a record")
    journey.add_argument("seq", type=int, metavar="SEQ")
    _add_unmask(journey)
    books = _of_run(verbs, "books", "show the account of every record")
    books.add_argument(
        "--audit", action="store_true", help="count the rows and compare (slow)"
    )
    events = _of_run(verbs, "events", "show what was asked and what happened")
    events.add_argument("--limit", type=int, default=200, metavar="N")
    rejects = _of_run(verbs, "rejects", "export rejected rows with their reasons")
    rejects.add_argument("-o", "--output", required=True, metavar="FILE.csv")
    status = _read(verbs, "status", "say how the workspace does")
    status.add_argument("--short", action="store_true", help="in one line")


def _add_unmask(to: argparse.ArgumentParser) -> None:
    to.add_argument("--unmask", action="store_true", help="show contacts in full")


def _add_steer(verbs: Verbs) -> None:
    for name, text in (
        ("pause", "start no attempt until resumed"),
        ("resume", "go on with a paused run"),
        ("stop", "end a run; promised callbacks are kept"),
        ("cancel", "end a run before its launch, or a paused one"),
    ):
        added = _of_run(verbs, name, text)
        added.add_argument("--reason", default="", metavar="TEXT", help="why")
        added.add_argument("--yes", action="store_true", help="do not ask")
        added.add_argument(
            "--wait", action="store_true", help="wait until it has settled"
        )
