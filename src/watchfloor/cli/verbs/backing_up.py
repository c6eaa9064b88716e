"""``backup`` and ``restore``: one file of a workspace, and a workspace of it."""

from __future__ import annotations

import socket
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from watchfloor.cli import compose, exits
from watchfloor.cli.asking import confirmed
from watchfloor.cli.lines import answer, answer_json, iso, tell
from watchfloor.domain.text import clean
from watchfloor.engine.backing_up import back_up
from watchfloor.engine.restoring import Restored, moment_of
from watchfloor.engine.restoring import restore as restored
from watchfloor.store.layout import Layout

#: How often a person is told how far it is.
_LOOK_S: Final = 0.5
_MIB: Final = 1024 * 1024
#: What is typed to restore what is not proven.
_WORD: Final = "unproven"


class _Told:
    """Tells a terminal how far something is; a script is told nothing."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._next_s = 0.0

    def part(self, what: str, done: int, of: int) -> None:
        """Tell it, if the last time is long enough ago."""
        now_s = time.monotonic()
        if self._is_shown and now_s >= self._next_s:
            self._next_s = now_s + _LOOK_S
            tell(f"{what}: {100 * done // max(1, of)} %")


def backup(options: Namespace) -> int:
    """Make a backup beside a running engine; unhealthy where it does not hold.

    So it is where a list of whom nobody may contact is not in it.
    """
    layout, target = compose.layout(options), Path(options.file).expanduser()
    made = back_up(
        layout, target, compose.surroundings(), socket.gethostname(), _Told().part
    )
    manifest = made.manifest
    is_well = not (made.flaws or made.lists_left_out)
    code = exits.DONE if is_well else exits.UNHEALTHY
    if options.json:
        answer_json(
            {
                "file": str(target),
                "bytes": made.bytes,
                "made_at": iso(manifest.made_at_ms),
                "instance": manifest.instance,
                "link": manifest.link,
                "head": manifest.head,
                "files": len(manifest.files),
                "left_out": [*made.left_out, *made.lists_left_out],
                "lists_left_out": list(made.lists_left_out),
                "flaws": list(made.flaws),
                "warnings": list(made.warnings),
            }
        )
        return code
    size = f"{made.bytes / _MIB:,.1f} MiB, {len(manifest.files):,} files"
    answer(f"{clean(target)}: {size}, the workspace as of {moment_of(manifest)}")
    for flaw in made.flaws:
        tell(f"! {flaw}")
    if made.flaws:
        tell("The backup holds the store as it is; earlier ones may hold: keep them.")
    for name in made.left_out:
        tell(f"left out: {clean(name)} is a link, has an odd name, cannot be read, or")
        tell("  is an upload that is not what was launched")
    for name in made.lists_left_out:
        tell(f"! the suppression list {clean(name)} is not in it: it is not there, or")
        tell(
            "  cannot be read, or lies where none is kept. Keep a copy of it beside the"
        )
        tell("  backup: a run that names it contacts nobody without it")
    for warning in made.warnings:
        tell(f"! {clean(warning)}")
    return code


def restore(options: Namespace) -> int:
    """Make a workspace of a backup; its live runs are held."""
    told = _Told()
    made = restored(
        Path(options.file).expanduser(),
        Path(options.directory).expanduser(),
        compose.surroundings(),
        compose.owner("restore"),
        compose.asker(),
        again=options.again,
        accepts=partial(_accepted, yes=options.yes),
        on_progress=lambda done, of: told.part("unpacked", done, of),
    )
    if options.json:
        answer_json(_json(made, options.directory))
        return exits.DONE
    answer(
        f"{clean(options.directory)} is the workspace as of {moment_of(made.manifest)}"
    )
    for one in made.held:
        may = f"{one.unfinished:,} records may have been contacted since"
        answer(f"held: {clean(one.run_id)} {clean(one.campaign_name)}, {may}")
    for line in _remarks(made, Layout(Path(options.directory).expanduser())):
        tell(line)
    return exits.DONE


def _accepted(wrong: Sequence[str], *, yes: bool) -> bool:
    """Tell what does not hold, and return whether it is meant all the same."""
    if not (yes or sys.stdin.isatty()):
        return False  # the refusal tells it
    for one in wrong:
        tell(f"! {one}")
    question = f"Restore it as it is? Type {_WORD} to mean it:"
    return yes or confirmed(question, _WORD)


def _remarks(made: Restored, layout: Layout) -> list[str]:
    lost = "What was suppressed, launched or retried after that moment is not known"
    lines = [f"{lost} here: suppress again who opted out, before any run goes on."]
    lines += [
        f"! {clean(name)} is not there, which a held run names: put the list of today "
        "there before a resume. Nobody is contacted without it."
        for name in _lists_missing(made)
    ]
    lines += [f"! {clean(one)}" for one in made.warnings]
    if made.shared_with:
        group = clean(made.shared_with)
        lines.append(f"The group {group} may look and ask here too, as before.")
    if made.held:
        # Its runs have the ids of the original's, where a shell may stand already.
        lines.append(
            layout.in_here(
                "Look with the provider first; then watchfloor cancel RUN, or "
                "watchfloor resume RUN, which asks for the number."
            )
        )
    if made.unsent:
        lines.append(f"Notices and alerts owed then, not told again: {made.unsent}.")
    if made.original_lives:
        lines.append(
            f"An engine still owns {made.manifest.root}, which this is a copy of: let "
            "only one of the two go on."
        )
    return lines


def _lists_missing(made: Restored) -> list[str]:
    return sorted({name for one in made.held for name in one.lists_missing})


def _json(made: Restored, directory: str) -> dict[str, object]:
    return {
        "workspace": directory,
        "as_of": iso(made.manifest.made_at_ms),
        "instance": made.instance,
        "was_instance": made.manifest.instance,
        "held": [
            {"run": one.run_id, "unfinished": one.unfinished} for one in made.held
        ],
        "not_told_again": made.unsent,
        "original_lives": made.original_lives,
        "lists_missing": _lists_missing(made),
        "shared_with": made.shared_with,
        "flaws": list(made.flaws),
        "warnings": list(made.warnings),
    }
