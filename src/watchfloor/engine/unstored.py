"""What an engine could not store by its end: said exactly, and listed in a file.

The attempts stand in flight in the store then, and the next engine accounts for each by
its channel's mode. A person who knows better finds here what this engine knew.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from watchfloor.domain.moments import counted
from watchfloor.domain.text import clean
from watchfloor.engine.booking import Finished
from watchfloor.engine.late_answers import Late
from watchfloor.store.layout import Layout

_NEXT: Final = "the next engine accounts for each of them by its channel's mode"
_LONGEST: Final = 200


class Kept(NamedTuple):
    """What of one run waits to be stored.

    Attributes:
        finished: Attempts that ended, with their outcomes.
        unsent: Intents of which nothing left, to be taken back.
    """

    finished: tuple[Finished, ...]
    unsent: int


def parting_words(
    layout: Layout,
    flying: Mapping[str, int],
    kept: Mapping[str, Kept],
    late: Sequence[Late],
    fault: str,
) -> Iterator[str]:
    """List outcomes that are not stored, and yield a sentence for all that is not.

    Args:
        layout: Where the list is appended to.
        flying: How many attempts of each run have no outcome.
        kept: What is known and not stored.
        late: What channels said too late and is not in the journal.
        fault: Why the store took no writes at the last try; empty when it did.
    """
    if flying:
        named = ", ".join(f"{count:,} of run {run}" for run, count in flying.items())
        yield f"ended with attempts in flight: {named}; {_NEXT}"
    ended = Counter(
        (run, one.outcome.outcome_class.word)
        for run, what in kept.items()
        for one in what.finished
    )
    why = fault or "the store took no writes"
    if ended:
        named = ", ".join(
            f"{n:,} {word} of run {run}" for (run, word), n in ended.items()
        )
        of = f"{counted(ended.total(), 'outcome')} could not be stored: {named}"
        lines = [_line(run, one) for run, what in kept.items() for one in what.finished]
        yield f"{of}, for {why}. {_listed(layout, lines)}; {_NEXT}{_opt_outs(lines)}"
    if late:
        lines = [{**_line(*one), "late": True} for one in late]
        of = f"{counted(len(lines), 'answer')} that came too late to be counted"
        told = f"{of} could not be told to the journal, for {why}"
        yield f"{told}. {_listed(layout, lines)}{_opt_outs(lines)}"
    if unsent := sum(what.unsent for what in kept.values()):
        of = f"{counted(unsent, 'intent')} of which nothing was sent"
        yield f"{of} could not be taken back, for {why}; {_NEXT}"


def _opt_outs(lines: Sequence[Mapping[str, object]]) -> str:
    """Return what is to be done about those who opted out; empty where nobody did."""
    if not (count := sum("suppress" in one for one in lines)):
        return ""
    return (
        f"; {counted(count, 'contact')} among them opted out and can still be "
        "contacted: watchfloor suppress CONTACT"
    )


def _listed(layout: Layout, lines: Sequence[Mapping[str, object]]) -> str:
    """Append every outcome to the file for them; return what to say of that."""
    text = "".join(f"{json.dumps(one)}\n" for one in lines)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with suppress(OSError):
        descriptor = os.open(layout.unstored, flags, 0o600)
        try:
            before, data = os.fstat(descriptor).st_size, text.encode()
            if os.write(descriptor, data) == len(data):
                return f"Each is listed in {layout.unstored}"
            # The next list would run on in half a line, and lose its first one too.
            os.ftruncate(descriptor, before)
        finally:
            os.close(descriptor)
    return f"They could not be listed in {layout.unstored} either"


def _line(run_id: str, one: Finished) -> dict[str, object]:
    """Return an outcome without the person: run and seq lead to the record."""
    line: dict[str, object] = {
        "run": run_id,
        "seq": one.claimed.seq,
        "attempt": one.claimed.attempts + 1,
        "class": one.outcome.outcome_class.word,
        "code": clean(one.outcome.code, _LONGEST),
        "started_at_ms": one.started_at_ms,
        "ended_at_ms": one.ended_at_ms,
    }
    if one.outcome.suppress:
        line["suppress"] = clean(one.outcome.suppress, _LONGEST)
    return line
