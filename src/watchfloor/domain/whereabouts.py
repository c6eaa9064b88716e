"""Where a workspace's engine last ran, and what it means that it is elsewhere now.

A workspace that was copied as files knows nothing of it: two engines over two copies
would contact the same people. A copy has another path and is another file; one that
was moved within a disk, or is found by another path, has only one of the two.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from watchfloor.domain.shell_words import in_workspace

#: What must be typed to run a workspace where it has not been run.
MOVED: Final = "moved"


class Whereabouts(NamedTuple):
    """A store's file, and the workspace's folder.

    Attributes:
        file: Device and inode, as one word.
        path: The folder's own, no link in it.
    """

    file: str
    path: str

    @property
    def kept(self) -> str:
        """The form in which it is stored; ``whereabouts_in`` reads it."""
        return f"{self.file} {self.path}"


def whereabouts_in(kept: str) -> Whereabouts | None:
    """Return what was kept; None where no engine ran yet, or it tells nothing."""
    file, _, path = kept.partition(" ")
    return Whereabouts(file, path) if file and path else None


def is_elsewhere(then: Whereabouts | None, now: Whereabouts) -> bool:
    """Whether this is another file at another path than an engine last ran on."""
    return then is not None and then.file != now.file and then.path != now.path


def home_said(then: Whereabouts | None, now: Whereabouts) -> str:
    """Return how it comes that a workspace is at home where it is.

    Args:
        then: Where an engine last ran it; None where that is not known.
        now: Where it is; elsewhere only with nothing left to send.
    """
    if then is None:
        return "no engine is known to have run it"
    if is_elsewhere(then, now):
        return f"an engine last ran it as {then.path}, and nothing of it is left to do"
    return "it is where an engine last ran it"


def elsewhere_lines(then: Whereabouts, now: Whereabouts) -> tuple[str, ...]:
    """Return what is known of a workspace that is elsewhere, and what to be sure of."""
    return (
        f"An engine last ran it as {then.path}; as {now.path} it is another file.",
        "It was moved here, or copied; which of the two nobody can see from here.",
        "Two engines over two copies contact the same people.",
        f"Be sure that none is left at {then.path}, or on the machine it came from.",
    )


def elsewhere_said(then: Whereabouts, now: Whereabouts) -> str:
    """Return why no engine starts on a workspace that is elsewhere."""
    return (
        f"the workspace {now.path} was copied or moved: an engine last ran it as "
        f"{then.path}, and its store is another file. Two engines over two copies "
        "would contact the same people; nothing was changed or sent. If it was moved "
        f"and no other is left: {in_workspace('watchfloor engine --moved', now.path)}. "
        "To have a second one, make a backup there (watchfloor backup) and restore it "
        "here"
    )


def still_there_said(then: Whereabouts, now: Whereabouts) -> str:
    """Return why a workspace is no moved one: the other is still there."""
    return (
        f"the workspace {now.path} is a copy: the one it was copied from still stands "
        f"at {then.path}. Two engines over two copies would contact the same people; "
        "nothing was changed or sent. Go on there, or take that one away first; for a "
        "second workspace restore a backup here"
    )
