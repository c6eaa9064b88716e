"""``ssh-session``: what a forced command of ``authorized_keys`` starts, and no more.

What the client asked for (``SSH_ORIGINAL_COMMAND``) is split into words as a shell does
it, and never handed to one. Who somebody is, the forced command's own arguments say.
"""

from __future__ import annotations

import os
import shlex
from argparse import Namespace

from watchfloor.cli import compose
from watchfloor.cli.parser import parser
from watchfloor.domain.errors import ConfigError, Refusal, RefusedError
from watchfloor.domain.roles import NOT_OVER_SSH, OVER_SSH

_MOST_WORDS = 64


def ssh_session(options: Namespace) -> int:
    """Open the console, or carry out the one verb that was asked for.

    Raises:
        ConfigError: The forced command is not whole, or what was asked is no verb.
        RefusedError: ``NOT_ALLOWED``; nothing was done.
    """
    from watchfloor.cli.main import carried_out  # noqa: PLC0415 - it imports verbs

    if not options.workspace or not options.role:
        msg = (
            "the forced command must say --workspace DIR and --role ROLE before "
            "ssh-session; nothing was done. docs/guides/roles.md shows the whole line"
        )
        raise ConfigError(msg)
    for name in [one for one in os.environ if one.startswith("WATCHFLOOR_")]:
        # What the client may have sent decides nothing.
        del os.environ[name]
    asked = _words(os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    found = parser().parse_args(asked or ["console"])
    check_ssh(found)
    found.workspace = options.workspace
    compose.restrict()
    return carried_out(found)


def check_ssh(found: Namespace) -> None:
    """Refuse what starts a program, or names a file, a workspace or a role.

    Raises:
        RefusedError: ``NOT_ALLOWED``; nothing was done.
    """
    verb, given = found.verb or "console", vars(found)
    why = ""
    if verb not in OVER_SSH:
        why = (
            f"{verb} is no verb of a session behind a forced command, whatever its "
            "role; it is one of the account's own shell"
        )
    elif given["workspace"] or given["role"] or given["called"]:
        why = "workspace, role and name are the forced command's to say"
    elif named := [one for one in sorted(NOT_OVER_SSH) if given.get(one)]:
        why = f"--{named[0]} names a file, and this session has none"
    elif str(given.get("run", "")).endswith(".zip"):
        why = "a file cannot be looked into over a forced command"
    elif verb == "alerts" and given.get("action"):
        why = "alerts test starts programs, which this session does not"
    if why:
        raise RefusedError(Refusal.NOT_ALLOWED, why)


def _words(text: str) -> list[str]:
    """Return the words of what a client asked for, the program's name left out.

    Raises:
        ConfigError: They cannot be told apart.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        msg = f"what was asked cannot be read: {error}; nothing was done"
        raise ConfigError(msg) from error
    if len(words) > _MOST_WORDS:
        msg = f"more than {_MOST_WORDS} words were asked; nothing was done"
        raise ConfigError(msg)
    return words[1:] if words[:1] == ["watchfloor"] else words
