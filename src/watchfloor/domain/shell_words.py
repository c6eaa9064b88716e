"""Commands within a sentence, as a shell takes them: what is copied has to work."""

from __future__ import annotations

import re
from shlex import quote
from typing import Final, NamedTuple

from watchfloor.domain.roles import VERBS

#: They make a workspace, or one that they name, or concern none.
_OF_NO_WORKSPACE: Final = frozenset(
    {"completion", "demo", "init", "restore", "ssh-session"}
)
_VERB: Final = "|".join(sorted(map(re.escape, VERBS.keys() - _OF_NO_WORKSPACE)))
#: A command of ours within a sentence, where its workspace belongs: where it ends
#: nobody can tell, and the command line takes the option before the verb, too.
_COMMAND: Final = re.compile(rf"(?<![\w./-])watchfloor(?= (?:{_VERB})(?![\w-]))")


def quoted(path: object) -> str:
    """Return a path as one word of a shell, whatever stands in it."""
    return quote(str(path))


def set_aside(path: object) -> str:
    """Return the command that takes a damaged file out of the way, and keeps it."""
    return f"mv {quoted(path)} {quoted(f'{path}.damaged')}"


def in_workspace(words: str, root: object) -> str:
    """Return a sentence whose commands are for this workspace, whoever copies them.

    A command that names one already keeps it.

    Args:
        words: A command, or a sentence with some.
        root: The workspace's folder.
    """
    named = f"watchfloor --workspace {quoted(root)}"
    return _COMMAND.sub(lambda _: named, words)


class Address(NamedTuple):
    """How a workspace is named in what is told of it.

    Attributes:
        root: Its folder; empty where nobody is to name one, as behind a forced command.
        is_elsewhere: Whether a command that names none means another workspace, in the
            shell of whoever is told.
    """

    root: str = ""
    is_elsewhere: bool = False

    def here(self, words: str) -> str:
        """Return words for whoever is told; their commands name what has to be."""
        return self.anywhere(words) if self.is_elsewhere else words

    def anywhere(self, words: str) -> str:
        """Return words that are handed on: whose shell reads them, nobody knows."""
        return in_workspace(words, self.root) if self.root else words
