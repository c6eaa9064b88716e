"""The options of every verb, importing nothing that a verb needs."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn, TypeAlias

from watchfloor.domain.text import clean

DEFAULT_LIMIT = 40
#: How long a stop waits for attempts in flight; ``engine.running`` says the same.
GRACE_S = 30.0
#: A stop or a wait for another engine takes an hour at most.
MOST_S = 3_600.0
# argparse gives the type of what add_subparsers returns no public name.
Verbs: TypeAlias = "argparse._SubParsersAction[Any]"  # noqa: SLF001 - see above


class Parser(argparse.ArgumentParser):
    """A parser whose complaints pass the text door: a shell's ``*`` may name a file."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and end with 2."""
        super().error(clean(message, 2_000))


def add_workspace(to: argparse.ArgumentParser, default: object = None) -> None:
    """Add the option that says where the workspace is."""
    to.add_argument(
        "--workspace",
        metavar="DIR",
        default=default,
        help="the workspace (default: WATCHFLOOR_WORKSPACE, else this directory)",
    )


def _verb(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    # Before or after the verb: an option after it wins, none after it changes nothing.
    add_workspace(added, argparse.SUPPRESS)
    return added


def with_json(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    """Add a verb that can answer as JSON."""
    added = _verb(verbs, name, text)
    added.add_argument("--json", action="store_true", help="answer as JSON")
    return added


def of_run(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    """Add a verb that asks about one run, or of it."""
    added = with_json(verbs, name, text)
    added.add_argument("run", metavar="RUN", help="a run id, or its unique beginning")
    return added


def _add_set_up(verbs: Verbs) -> None:
    _add_wishes(_verb(verbs, "demo", "open a ready workspace with runs in many states"))
    init = verbs.add_parser("init", help="make a workspace", description="Make one.")
    init.add_argument("directory", metavar="DIR")
    init.add_argument("--name", help="what people call it (default: the directory's)")
    init.add_argument(
        "--group",
        metavar="GROUP",
        help="share it: who is in this group of the system may look and ask",
    )
    campaign = _verb(verbs, "campaign", "check and list campaign files")
    actions = campaign.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="name every mistake in a campaign file")
    check.add_argument("file", metavar="FILE")
    check.add_argument("--json", action="store_true", help="answer as JSON")
    listing = actions.add_parser("list", help="list the workspace's campaign files")
    listing.add_argument("--json", action="store_true", help="answer as JSON")
    with_json(verbs, "doctor", "check the workspace and say what to do")
    completion = verbs.add_parser(
        "completion", help="print a completion script for a shell"
    )
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def _add_carry_out(verbs: Verbs) -> None:
    _add_console(_verb(verbs, "console", "open the console (the default)"))
    launch = with_json(verbs, "launch", "launch a campaign over an upload")
    launch.add_argument(
        "campaign", metavar="CAMPAIGN.toml", nargs="?", help="not with --child-of"
    )
    launch.add_argument("--upload", required=True, metavar="FILE.csv")
    launch.add_argument("--yes", action="store_true", help="do not ask")
    launch.add_argument(
        "--rehearse", action="store_true", help="on paper: contact nobody, say what if"
    )
    launch.add_argument(
        "--child-of",
        default="",
        metavar="RUN",
        help="take up a corrected fix file of RUN, with its campaign and its keys",
    )
    launch.add_argument(
        "--allow-twin",
        action="store_true",
        help="launch although this campaign ran over this upload, or still does",
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
    engine.add_argument(
        "--grace",
        type=_seconds,
        default=GRACE_S,
        metavar="SECONDS",
        help="how long a stop waits for attempts in flight (30)",
    )
    engine.add_argument(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for an owner of the workspace to let go (0)",
    )
    engine.add_argument(
        "--take-over",
        action="store_true",
        help="ask the engine that owns the workspace to drain and let go, then run",
    )
    engine.add_argument(
        "--moved",
        action="store_true",
        help="run a workspace that was moved here; none of it may be left elsewhere",
    )
    engine.add_argument(
        "--yes", action="store_true", help="do not ask before taking over, or running"
    )
    # For a console that hands its runs on: says on stdout when it waits, and runs.
    engine.add_argument("--tell-starter", action="store_true", help=argparse.SUPPRESS)
    engine.add_argument(
        "--results",
        metavar="HOST:PORT",
        help="take providers' results there over HTTP, with a bearer token",
    )
    engine.add_argument(
        "--results-public",
        action="store_true",
        help="let that be reached from other machines (put TLS in front)",
    )

    _verb(verbs, "ssh-session", "what a forced command of authorized_keys starts")


def _seconds(text: str) -> float:
    """Return a number of seconds that an option gives."""
    seconds = float(text)
    if not 0 <= seconds <= MOST_S:
        raise ValueError(text)
    return seconds


def console_defaults() -> dict[str, object]:
    """Return what the console is opened with where no verb is given."""
    alone = argparse.ArgumentParser(add_help=False)
    _add_console(alone)
    return vars(alone.parse_args([]))


def _add_console(to: argparse.ArgumentParser) -> None:
    to.add_argument("--read-only", action="store_true", help="look, never act")
    to.add_argument(
        "--on-hangup",
        choices=("drain", "continue"),
        default="drain",
        help="what this process's engine does when the terminal closes",
    )
    _add_wishes(to)


def _add_wishes(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--calm",
        action="store_true",
        help="for a slow line: the terminal's own 16 colours, cards polled less often",
    )
    to.add_argument(
        "--theme", choices=("dark", "light", "high-contrast", "ansi", "plain")
    )
    to.add_argument(
        "--words",
        choices=("watchfloor", "dialer", "jobs_page", "sender"),
        help="whose words runs are called by",
    )
    to.add_argument(
        "--preferences",
        metavar="FILE.toml",
        help="colours, words, keys (default: watchfloor/console.toml in the user's "
        "configuration directory)",
    )


def _add_look(verbs: Verbs) -> None:
    runs = with_json(verbs, "runs", "list runs, newest first")
    runs.add_argument("--all", action="store_true", help="hidden ones too")
    of_run(verbs, "show", "show one run")
    records = of_run(verbs, "records", "list records of a run by key")
    records.add_argument("--state", metavar="S", help="only records in this state")
    records.add_argument(
        "--where", metavar="FILTER", help="e.g. 'code = \"busy\" and attempts > 1'"
    )
    records.add_argument(
        "--family",
        action="store_true",
        help="of the run and its retries: each person once, by their newest record; "
        "without --state those not delivered",
    )
    records.add_argument(
        "--after", metavar="SEQ", help="past this record; with --family RUN/SEQ"
    )
    records.add_argument(
        "--limit", type=int, default=DEFAULT_LIMIT, metavar="N", help="at most N"
    )
    add_unmask(records)
    journey = of_run(verbs, "journey", "show everything that happened to a record")
    journey.add_argument("seq", type=int, metavar="SEQ")
    add_unmask(journey)
    books = of_run(verbs, "books", "show the account of every record")
    books.add_argument(
        "--audit", action="store_true", help="count the rows and compare (slow)"
    )
    books.add_argument(
        "--family", action="store_true", help="with its parent and child runs"
    )
    callbacks = of_run(verbs, "callbacks", "list what waits until when")
    callbacks.add_argument(
        "--limit", type=int, default=DEFAULT_LIMIT, metavar="N", help="at most N"
    )
    callbacks.add_argument(
        "--after", metavar="KEY", help="past what the last page told"
    )
    add_unmask(callbacks)
    events = of_run(verbs, "events", "show what was asked and what happened")
    events.add_argument("--limit", type=int, default=200, metavar="N")
    rejects = of_run(verbs, "rejects", "export rejected rows with their reasons")
    rejects.add_argument("-o", "--output", required=True, metavar="FILE.csv")
    with_json(verbs, "plan", "show what this month's plan has left")
    status = with_json(verbs, "status", "say how the workspace does")
    status.add_argument("--short", action="store_true", help="in one line")


def add_unmask(to: argparse.ArgumentParser) -> None:
    """Add the option that shows people in full."""
    to.add_argument("--unmask", action="store_true", help="show contacts in full")


def _add_steer(verbs: Verbs) -> None:
    for name, text in (
        ("pause", "start no attempt until resumed"),
        ("resume", "go on with a paused run"),
        ("stop", "end a run; promised callbacks are kept"),
        ("cancel", "end a run before its launch, or a paused one"),
    ):
        added = of_run(verbs, name, text)
        added.add_argument("--reason", default="", metavar="TEXT", help="why")
        added.add_argument("--yes", action="store_true", help="do not ask")
        added.add_argument(
            "--confirm",
            default="",
            metavar="N",
            help="with --yes, of a restored run: the number that is to be typed",
        )
        added.add_argument(
            "--wait", action="store_true", help="wait until it has settled"
        )
    approve = of_run(verbs, "approve", "give the word that a run waits for")
    approve.add_argument("--reason", default="", metavar="TEXT", help="why")
    approve.add_argument("--yes", action="store_true", help="do not ask")
    limit = with_json(
        verbs,
        "limit",
        "show limits, or change permits and rate while attempts are made",
    )
    limit.add_argument(
        "scope", metavar="RUN", help="a run, or workspace, or channel:NAME"
    )
    limit.add_argument("--permits", metavar="N", help="attempts in flight, or none")
    limit.add_argument("--rate", metavar="R", help="like 20/s, 600/m, or none")
    limit.add_argument(
        "--clear", action="store_true", help="let the workspace's file hold again"
    )
    limit.add_argument("--reason", default="", metavar="TEXT", help="why")
    suppress = with_json(verbs, "suppress", "never contact somebody again, in any run")
    suppress.add_argument("contacts", nargs="+", metavar="ADDRESS")
    suppress.add_argument("--kind", choices=("phone", "email", "id"))
    suppress.add_argument("--region", default="", help="for phones without +")
    suppress.add_argument("--reason", default="", metavar="TEXT", help="why")


def _add_after(verbs: Verbs) -> None:
    results = _verb(verbs, "results", "take and show what providers report later")
    actions = results.add_subparsers(dest="action", metavar="ACTION", required=True)
    ingest = with_json(actions, "ingest", "take a file of JSON lines, also gzipped")
    ingest.add_argument("file", metavar="FILE.jsonl")
    of_run(actions, "show", "count the records of a run by what was reported")
    with_json(actions, "parked", "count the events whose record is not known")
    close = of_run(actions, "close", "count nothing of what is reported from now on")
    close.add_argument("--reason", default="", metavar="TEXT", help="why")
    close.add_argument("--yes", action="store_true", help="do not ask")
    history = of_run(verbs, "history", "show an ended run's report and archive")
    history.add_argument(
        "--records", action="store_true", help="print the archived records"
    )
    add_unmask(history)
    for name, text in (
        ("hide", "keep an ended run off the lists"),
        ("unhide", "show a hidden run again"),
    ):
        shown = of_run(verbs, name, text)
        shown.add_argument("--reason", default="", metavar="TEXT", help="why")
    purge = of_run(verbs, "purge", "take the people out of an ended run, for good")
    purge.add_argument("--reason", default="", metavar="TEXT", help="why")
    purge.add_argument("--yes", action="store_true", help="do not ask")


#: Every group of verbs, in the order of the help.
GROUPS = (_add_set_up, _add_carry_out, _add_look, _add_steer, _add_after)
