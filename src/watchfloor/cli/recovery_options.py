"""The options of the verbs that recover a run, importing nothing that a verb needs."""

from __future__ import annotations

from watchfloor.cli.verb_options import (
    DEFAULT_LIMIT,
    Verbs,
    add_unmask,
    of_run,
    with_json,
)

#: What a retry can be asked for by name; the last is refused with its count.
RETRY_CLASSES = ("transient", "unknown", "permanent")


def add_recovery(verbs: Verbs) -> None:
    """Add the verbs that take up failed records, and settle unknown ones."""
    _add_retry(verbs)
    _add_resolve(verbs)


def _add_retry(verbs: Verbs) -> None:
    retry = of_run(
        verbs, "retry", "take up what failed for now in an ended run, a canary first"
    )
    retry.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        choices=RETRY_CLASSES,
        help="how they failed; unknown only by its name (default: transient)",
    )
    for name, metavar, text in (
        ("code", "CODE", "the channel's code of it"),
        ("step", "NAME", "the step they stand at"),
        (
            "origin",
            "DOMAIN|+PREFIX",
            "of an address: its domain, or 6 signs of a number",
        ),
    ):
        retry.add_argument(
            f"--{name}", action="append", default=[], metavar=metavar, help=text
        )
    retry.add_argument(
        "--seq",
        action="append",
        default=[],
        type=int,
        metavar="SEQ",
        help="a record by its number; may be given again",
    )
    stages = retry.add_mutually_exclusive_group()
    stages.add_argument(
        "--canary", action="store_true", help="15, then 100, then the rest (default)"
    )
    stages.add_argument("--all", action="store_true", help="all of them at once")
    retry.add_argument("--reason", default="", metavar="TEXT", help="why")
    retry.add_argument("--yes", action="store_true", help="do not ask")
    retry.add_argument(
        "--confirm", default="", metavar="WORD", help="what would have to be typed"
    )
    retry.add_argument(
        "--wait",
        action="store_true",
        help="until it has ended or its canary stopped it",
    )
    of_run(verbs, "canary", "show how the stages of a retry do, and why")


def _add_resolve(verbs: Verbs) -> None:
    listing = with_json(verbs, "unknowns", "list records nobody knows were delivered")
    listing.add_argument("run", metavar="RUN", nargs="?", help="of this run only")
    listing.add_argument(
        "--limit", type=int, default=DEFAULT_LIMIT, metavar="N", help="at most N"
    )
    listing.add_argument("--after", metavar="PLACE", help="past what a page told")
    add_unmask(listing)
    resolve = of_run(verbs, "resolve", "say what became of unknown records")
    resolve.add_argument("seq", type=int, nargs="*", metavar="SEQ")
    for name, what in (
        ("code", "whose last attempt ended with this code"),
        ("step", "on this step"),
        ("origin", "of this domain, or whose number begins so, as +12025"),
    ):
        resolve.add_argument(
            f"--{name}", action="append", default=[], metavar=name.upper(), help=what
        )
    resolve.add_argument("--all", action="store_true", help="every one of the run")
    resolve.add_argument(
        "--as",
        dest="resolve_as",
        required=True,
        choices=("delivered", "not-delivered", "resend"),
    )
    resolve.add_argument("--reason", required=True, metavar="TEXT", help="why")
    resolve.add_argument("--yes", action="store_true", help="do not ask")
    look_up = of_run(verbs, "look-up", "ask the provider about unknown records")
    look_up.add_argument("seq", type=int, nargs="?", metavar="SEQ")
    look_up.add_argument("--reason", default="", metavar="TEXT", help="why")
    look_up.add_argument(
        "--withdraw",
        action="store_true",
        help="end the look-up of the run that is under way; needs a reason",
    )
