"""The options of the verbs that recover a run, importing nothing that a verb needs."""

from __future__ import annotations

from watchfloor.cli.verb_options import Verbs, of_run

#: What a retry can be asked for by name; the last is refused with its count.
RETRY_CLASSES = ("transient", "unknown", "permanent")


def add_recovery(verbs: Verbs) -> None:
    """Add the verbs that take failed records up again."""
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
