"""``watchfloor``: find the verb, run it, and answer in words fit for an operator."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module

from watchfloor.cli import exits
from watchfloor.cli.parser import parser
from watchfloor.domain.errors import (
    ConfigError,
    NotFoundError,
    RefusedError,
    WatchfloorError,
)
from watchfloor.domain.text import clean

#: Which module of ``cli.verbs`` knows which verb. Imported only when it is called.
VERBS = {
    "console": "console",
    "demo": "demo",
    "init": "setting_up",
    "campaign": "setting_up",
    "completion": "setting_up",
    "doctor": "doctor",
    "launch": "launching",
    "engine": "engine",
    "runs": "looking",
    "show": "looking",
    "books": "looking",
    "events": "looking",
    "records": "records",
    "journey": "records",
    "rejects": "records",
    "status": "status",
    "pause": "steering",
    "resume": "steering",
    "stop": "steering",
    "cancel": "steering",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (``cli.exits``)."""
    options = parser().parse_args(arguments)
    verb = options.verb or "console"
    module = import_module(f"watchfloor.cli.verbs.{VERBS[verb]}")
    run: Callable[[Namespace], int] = getattr(module, verb)
    try:
        return run(options)
    except WatchfloorError as error:
        _explain(error)
        return _code(error)
    except KeyboardInterrupt:
        print("watchfloor: interrupted", file=sys.stderr)
        return exits.REFUSED
    except BrokenPipeError:
        # Whoever read the answer has gone, as `head` does; Python's own complaint at
        # exit is led to nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.DONE


def _explain(error: WatchfloorError) -> None:
    mistakes = error.mistakes if isinstance(error, ConfigError) else (str(error),)
    for mistake in mistakes:
        for line in mistake.split("\n"):
            print(f"watchfloor: {clean(line, 2_000)}", file=sys.stderr)


def _code(error: WatchfloorError) -> int:
    if isinstance(error, NotFoundError):
        return exits.NOT_FOUND
    if isinstance(error, RefusedError):
        return exits.REFUSED
    return exits.REFUSED
