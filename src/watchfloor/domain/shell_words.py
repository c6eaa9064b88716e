"""Commands within a sentence, as a shell takes them: what is copied has to work."""

from __future__ import annotations

from shlex import quote


def quoted(path: object) -> str:
    """Return a path as one word of a shell, whatever stands in it."""
    return quote(str(path))


def set_aside(path: object) -> str:
    """Return the command that takes a damaged file out of the way, and keeps it."""
    return f"mv {quoted(path)} {quoted(f'{path}.damaged')}"


def in_workspace(command: str, root: object) -> str:
    """Return a command, or a sentence that ends with one, for this workspace.

    Args:
        command: Without its workspace.
        root: The workspace's folder.
    """
    return f"{command} --workspace {quoted(root)}"
