"""``watchfloor``: find the verb, run it, and answer in words fit for an operator."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import for_shell, printing, speak_of
from watchfloor.cli.mishaps import Mishaps
from watchfloor.cli.parser import parser
from watchfloor.cli.standing import check_allowed
from watchfloor.domain.errors import (
    ConfigError,
    NotFoundError,
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
    "why": "why",
    "books": "looking",
    "events": "looking",
    "records": "records",
    "callbacks": "callbacks",
    "failures": "failures",
    "journey": "records",
    "rejects": "records",
    "status": "status",
    "triage": "triage",
    "alerts": "alerts",
    "handover": "handover",
    "pause": "steering",
    "resume": "steering",
    "stop": "steering",
    "cancel": "steering",
    "unknowns": "unknowns",
    "resolve": "unknowns",
    "look-up": "unknowns",
    "retry": "retrying",
    "canary": "retrying",
    "approve": "managing",
    "limit": "managing",
    "suppress": "managing",
    "plan": "managing",
    "results": "results",
    "history": "history",
    "hide": "history",
    "unhide": "history",
    "purge": "history",
    "bundle": "bundle",
    "audit": "audit",
    "backup": "backing_up",
    "restore": "backing_up",
    "ssh-session": "ssh_session",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (``cli.exits``)."""
    code = exits.DONE
    compose.leave_no_core()
    mishaps = Mishaps()
    try:
        with mishaps.overheard():
            code = _ended(arguments, mishaps)
        if sys.stdout is not None:
            # Not left to the interpreter's end, which would complain in its own words.
            with printing():
                sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the answer has gone, as `head` does.
        _lead_stdout_nowhere()
    except OSError as error:
        _lead_stdout_nowhere()
        why = f"stopped by the system: {_words(error)}; what was done before that "
        why += "stands. See: watchfloor status"
        _explain(WatchfloorError(why))
        return exits.REFUSED
    return code


def carried_out(options: Namespace) -> int:
    """Run the verb of a command line, if the role of this process allows it.

    Raises:
        WatchfloorError: What became of it instead.
    """
    verb = options.verb or "console"
    check_allowed(options, verb)
    module = import_module(f"watchfloor.cli.verbs.{VERBS[verb]}")
    run: Callable[[Namespace], int] = getattr(module, verb.replace("-", "_"))
    return run(options)


def _ended(arguments: Sequence[str] | None, mishaps: Mishaps) -> int:
    try:
        options = parser().parse_args(arguments)
        mishaps.layout = compose.layout(options)
        speak_of(compose.address(options))
        compose.write_mishaps(mishaps.survived)
        compose.start_as(options.called, options.role)
        return carried_out(options)
    except SystemExit as ended:
        # How argparse ends: after a usage mistake, and after help.
        return exits.USAGE if ended.code else exits.DONE
    except WatchfloorError as error:
        _explain(error)
        return _code(error)
    except KeyboardInterrupt:
        print("watchfloor: interrupted", file=sys.stderr)
        return exits.REFUSED
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - the last door: told in a sentence
        _explain(mishaps.sentence(error))
        return exits.REFUSED


def _words(error: OSError) -> str:
    """Return what the system says, and of which file; no number of an error."""
    said = error.strerror or str(error) or type(error).__name__
    if error.filename is not None:
        return f"{said}: {error.filename}"
    return ", ".join((said, *getattr(error, "__notes__", ())))


def _lead_stdout_nowhere() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _explain(error: WatchfloorError) -> None:
    mistakes = error.mistakes if isinstance(error, ConfigError) else (str(error),)
    for mistake in mistakes:
        for line in for_shell(mistake).split("\n"):
            print(f"watchfloor: {clean(line, 2_000)}", file=sys.stderr)


def _code(error: WatchfloorError) -> int:
    return exits.NOT_FOUND if isinstance(error, NotFoundError) else exits.REFUSED
